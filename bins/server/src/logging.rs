//! Logs to standard error, for people or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat, Note};

/// Sends what this program and its libraries log to standard error, from now on. Fails only when
/// something else in the process logs already.
pub fn init(log: &Log) -> anyhow::Result<()> {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse(log.filter())?)
        .with_writer(std::io::stderr);
    match log.format {
        LogFormat::Human => {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            builder.with_ansi(!plain && std::io::stderr().is_terminal()).finish().try_init()?;
        }
        LogFormat::Json => {
            builder.json().flatten_event(true).with_span_list(false).finish().try_init()?;
        }
    }
    Ok(())
}

/// Logs what the settings had to remark.
pub fn notes(notes: &[Note]) {
    for note in notes {
        match note {
            Note::Info(text) => tracing::info!("{text}"),
            Note::Warning(text) => tracing::warn!("{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::filter::LevelFilter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_level_is_that_of_every_crate_of_ours_and_of_no_library() {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = Log { level: LevelFilter::DEBUG, directives: None, format: LogFormat::Human };
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::builder().parse(log.filter()).unwrap())
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::debug!(target: "tertulia", "one");
            tracing::debug!(target: "tertulia_store::sqlite", "two");
            tracing::trace!(target: "tertulia", "never");
            tracing::info!(target: "actix_http::h1", "never: authorization header");
            tracing::warn!(target: "actix_server", "three");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains("never"), "{text}");
    }
}
