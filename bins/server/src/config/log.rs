//! `LOG_LEVEL`, `LOG_FORMAT` and `RUST_LOG`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// From this level on.
    pub level: LevelFilter,
    /// `RUST_LOG`, which wins over `level`: `tertulia_store=debug,warn`.
    pub directives: Option<String>,
    /// For people or for programs.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people; coloured on a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

impl Log {
    /// The directives for the subscriber. `LOG_LEVEL` is that of this project's crates; libraries
    /// say only warnings, since what they say below that may hold headers and statements.
    pub fn filter(&self) -> String {
        match &self.directives {
            Some(directives) => directives.clone(),
            None => format!("{},tertulia={}", self.level.min(LevelFilter::WARN), self.level),
        }
    }
}

pub(super) fn level(text: &str) -> Result<LevelFilter, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "trace" => Ok(LevelFilter::TRACE),
        "debug" => Ok(LevelFilter::DEBUG),
        "info" => Ok(LevelFilter::INFO),
        "warn" | "warning" => Ok(LevelFilter::WARN),
        "error" | "critical" | "fatal" => Ok(LevelFilter::ERROR),
        "off" => Ok(LevelFilter::OFF),
        _ => Err("trace, debug, info, warn, error or off is wanted"),
    }
}

pub(super) fn format(text: &str) -> Result<LogFormat, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err("human or json is wanted"),
    }
}

pub(super) fn directives(text: &str) -> Result<String, String> {
    EnvFilter::builder().parse(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_level_names_are_understood() {
        for (text, expected) in [
            ("DEBUG", LevelFilter::DEBUG),
            ("INFO", LevelFilter::INFO),
            ("WARNING", LevelFilter::WARN),
            ("ERROR", LevelFilter::ERROR),
            ("CRITICAL", LevelFilter::ERROR),
            ("trace", LevelFilter::TRACE),
        ] {
            assert_eq!(level(text), Ok(expected));
        }
        assert!(level("loud").is_err());
    }

    #[test]
    fn libraries_never_say_more_than_warnings() {
        let log = |level| Log { level, directives: None, format: LogFormat::Human }.filter();
        assert_eq!(log(LevelFilter::DEBUG), "warn,tertulia=debug");
        assert_eq!(log(LevelFilter::ERROR), "error,tertulia=error");
        assert_eq!(log(LevelFilter::OFF), "off,tertulia=off");
    }

    #[test]
    fn rust_log_must_be_directives() {
        assert!(directives("tertulia_store=debug,warn").is_ok());
        assert!(directives("tertulia=loud").is_err());
    }
}
