//! Removes what is dead from the database, in the background and in small pieces: none delays a
//! message by more than one short transaction. What is due is found in the database, so it goes on
//! after a crash, and any number of nodes may do it at once.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tertulia_domain::{Change, Clock, InviteChange, Timestamp, UserId};
use tertulia_store::{Error, Store};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior};

use crate::MAX_ACCESS_TTL;
use crate::log::ChangeLog;

/// How long the memberships of a deleted channel are kept, to tell whoever comes back that it is
/// gone. A session that sleeps as long is over; a client that kept its cursor begins anew.
pub(crate) const MEMBERS_KEPT: time::Duration = time::Duration::days(30);

/// How long people's notifications are kept, read or not.
const NOTIFICATIONS_KEPT: time::Duration = time::Duration::days(90);

/// How many notifications a person has at most, until somebody looks: the last ones.
const MAX_NOTIFICATIONS: i64 = 1000;

/// People whose notifications are looked at once in [`Retention::every`]: two short lookups each.
const PEOPLE: i64 = 500;

/// Added to every time limit: the clocks of nodes may differ, and a client may be told a little
/// more than it asked for.
const SLACK: time::Duration = time::Duration::hours(1);

/// Rows in one transaction: some milliseconds of SQLite's one writer.
const PIECE: i64 = 250;

/// Between two pieces, at least; after one that took long, as often its time as [`REST`] says, so
/// that a slow disk is mostly left to others.
const PAUSE: Duration = Duration::from_millis(100);
const REST: u32 = 4;

pub(crate) struct Retention {
    pub(crate) store: Store,
    pub(crate) log: ChangeLog,
    pub(crate) clock: Clock,
    pub(crate) every: Duration,
    /// A channel was deleted here: who was invited there hears of it at once.
    pub(crate) deleted: Arc<Notify>,
    /// Whose notifications were looked at last: a few people's at a time, round and round.
    pub(crate) trimmed: Mutex<Option<UserId>>,
}

/// Invitations withdrawn at once: each is a change like any other, in a feed of its own.
const INVITATIONS: i64 = 50;

/// What can be dead.
#[derive(Clone, Copy, Debug)]
enum Dead {
    Tickets,
    Sessions,
    Messages,
    Members,
    Reactions,
    Notifications,
}

impl Dead {
    const ALL: [Self; 6] = [
        Self::Tickets,
        Self::Sessions,
        Self::Messages,
        Self::Members,
        Self::Reactions,
        Self::Notifications,
    ];
}

impl Retention {
    /// Runs until `stop`; a piece that was begun is finished.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut looks = tokio::time::interval(self.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                () = self.deleted.notified() => {
                    self.withdraw().await;
                    continue;
                }
                _ = looks.tick() => {}
            }
            if !self.withdraw().await {
                continue;
            }
            for dead in Dead::ALL {
                while let Some(pause) = self.remove_piece(dead).await {
                    tokio::select! {
                        _ = stop.changed() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                }
            }
        }
    }

    /// Withdraws the invitations into channels that are no more. False when that failed, and must be
    /// done later, before what it goes by is gone.
    async fn withdraw(&self) -> bool {
        loop {
            let due = match self.store.invitations_into_nothing(INVITATIONS).await {
                Ok(due) if due.is_empty() => return true,
                Ok(due) => due,
                Err(error) => {
                    tracing::warn!(%error, "invitations could not be looked for; later again");
                    return false;
                }
            };
            let withdrawals = due.into_iter().map(|(channel, user)| {
                let change = InviteChange::Withdraw { channel, user };
                self.log.submit(Change::Invite(Box::new(change)), None)
            });
            for withdrawal in withdrawals.collect::<Vec<_>>() {
                let done = match withdrawal {
                    Ok(committed) => committed.await,
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    tracing::warn!(%error, "an invitation could not be withdrawn; later again");
                    return false;
                }
            }
        }
    }

    /// Removes a piece, and says how long to wait for the next one; `None` when nothing is due, or
    /// not to be had now.
    async fn remove_piece(&self, dead: Dead) -> Option<Duration> {
        let begun = Instant::now();
        match self.remove(dead).await {
            Ok(Some(rows)) => {
                tracing::debug!(?dead, rows, "purged");
                Some(PAUSE.max(begun.elapsed() * REST))
            }
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, ?dead, "nothing could be purged; later again");
                None
            }
        }
    }

    async fn remove(&self, dead: Dead) -> Result<Option<usize>, Error> {
        let now = self.clock.now();
        match dead {
            Dead::Tickets => self.store.purge_tickets(now.plus(-SLACK), PIECE).await,
            // Nodes that start must still know who has ended while their tokens look good.
            Dead::Sessions => {
                let ended_before = now.plus(-MAX_ACCESS_TTL - SLACK);
                self.store.purge_sessions(ended_before, now.plus(-SLACK), PIECE).await
            }
            Dead::Messages => self.store.purge_messages(now, PIECE).await,
            Dead::Reactions => self.store.purge_reactions(PIECE).await,
            Dead::Members => {
                let deleted_before = now.plus(-MEMBERS_KEPT - SLACK);
                self.store.purge_members(deleted_before, now, PIECE).await
            }
            Dead::Notifications => self.trim_inboxes(now.plus(-NOTIFICATIONS_KEPT)).await,
        }
    }

    /// Goes on to the next people only when nothing is left to remove of these.
    async fn trim_inboxes(&self, created_before: Timestamp) -> Result<Option<usize>, Error> {
        let after = *self.trimmed.lock();
        let (overfull, last) =
            self.store.overfull_inboxes(after, MAX_NOTIFICATIONS, created_before, PEOPLE).await?;
        let Some((user, up_to)) = overfull.first().copied() else {
            *self.trimmed.lock() = last;
            return Ok(None);
        };
        self.store.trim_inbox(user, up_to, created_before, PIECE).await.map(Some)
    }
}
