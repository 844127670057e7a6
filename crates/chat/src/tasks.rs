//! The tasks behind a [`Chat`], and the order in which they end.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Chat;

/// How long the last words to other nodes may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// The tasks behind a [`Chat`], for whoever stops it.
pub struct Tasks {
    /// What these were given is in the log when they end.
    writers: Vec<JoinHandle<()>>,
    log: JoinHandle<()>,
    bus: Option<JoinHandle<()>>,
    /// These leave nothing undone that is not found again.
    others: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Tasks {
    pub(crate) fn new(log: JoinHandle<()>, bus: Option<JoinHandle<()>>) -> Self {
        let (stop, _) = watch::channel(false);
        Self { writers: Vec::new(), log, bus, others: Vec::new(), stop }
    }

    /// Runs a task that puts what it was given into the log before it ends.
    pub(crate) fn write<F>(&mut self, task: impl FnOnce(watch::Receiver<bool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.writers.push(tokio::spawn(task(self.stop.subscribe())));
    }

    /// Runs a task that may end at any time.
    pub(crate) fn run<F>(&mut self, task: impl FnOnce(watch::Receiver<bool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.others.push(tokio::spawn(task(self.stop.subscribe())));
    }

    /// Commits what is queued, and ends. Changes that come later are answered
    /// [`crate::Error::Unavailable`].
    pub async fn stop(self, chat: &Chat) {
        let _ = self.stop.send(true);
        // What has been read and written is still noted.
        for writer in self.writers {
            let _ = writer.await;
        }
        chat.0.log.close();
        let _ = self.log.await;
        if let Some(bus) = self.bus {
            chat.0.bus.finish();
            let end = bus.abort_handle();
            // What does not get through by then is found in the database.
            if tokio::time::timeout(GOODBYE, bus).await.is_err() {
                end.abort();
            }
        }
        chat.0.files.settled().await;
        for other in self.others {
            let _ = other.await;
        }
    }
}
