//! Tells people of messages after they were said, when they are many or not known beforehand:
//! everybody in a channel, those who follow a thread, the other one of a direct conversation. What
//! is due stands in the database, written with the message, so that it goes on after a crash; each
//! piece is a change like any other, and may be done twice, by any number of nodes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tertulia_domain::{Change, Due, NotificationsChange, UserId};
use tertulia_store::Store;
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;

use crate::Error;
use crate::log::ChangeLog;

/// People who are told by one change: so many feeds are locked at once.
const PEOPLE: i64 = 50;

/// Messages of which people are told at a time: the log has room for others beside them.
const MESSAGES: i64 = 16;

/// After a failure, such as a log that is full.
const RETRY: Duration = Duration::from_secs(1);

pub(crate) struct Telling {
    pub(crate) store: Store,
    pub(crate) log: ChangeLog,
    /// How often the database is searched for what another node has left behind.
    pub(crate) every: Duration,
    /// Woken by the log when something is due.
    pub(crate) due: Arc<Notify>,
}

impl Telling {
    /// Runs until `stop`; a piece that was begun is finished.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut looks = tokio::time::interval(self.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                _ = looks.tick() => {}
                () = self.due.notified() => {}
            }
            loop {
                let pause = match self.tell_some().await {
                    Ok(true) => Duration::ZERO,
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "people could not be told yet; soon again");
                        RETRY
                    }
                };
                if *stop.borrow() {
                    return;
                }
                tokio::select! {
                    _ = stop.changed() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }

    /// Tells one piece of each of the first messages. Whether there were any.
    async fn tell_some(&self) -> Result<bool, Error> {
        let due = self.store.due_notifications(MESSAGES).await?;
        let mut pieces = Vec::with_capacity(due.len());
        for due in due {
            pieces.push(self.piece(due).await?);
        }
        let any = !pieces.is_empty();
        let submitted: Vec<_> = pieces
            .into_iter()
            .map(|piece| self.log.submit(Change::Notifications(Box::new(piece)), None))
            .collect::<Result<_, _>>()?;
        for told in join_all(submitted).await {
            told?;
        }
        Ok(any)
    }

    async fn piece(&self, due: Due) -> Result<NotificationsChange, Error> {
        let people: Vec<UserId> = self.store.due_people(due, PEOPLE).await?;
        let more = i64::try_from(people.len()).is_ok_and(|people| people == PEOPLE);
        Ok(NotificationsChange::Tell { due, people, more })
    }
}
