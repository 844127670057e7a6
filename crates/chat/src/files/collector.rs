//! Removes what nobody can read any more from the storage: files that were deleted, alone or with
//! their message; files that were sent and never attached; objects of which no row knows. In small
//! pieces, and found in the database and the storage, so that it goes on after a crash; any number of
//! nodes may do it at once.

use std::time::Duration;

use tertulia_domain::{Clock, FileId};
use tertulia_store::Store;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::Files;
use crate::Error;

/// A file that has been in no message for as long is forgotten. So is an upload, which is therefore
/// over by then.
const UNATTACHED_TTL: time::Duration = time::Duration::hours(24);

/// Files in one piece.
const PIECE: i64 = 50;

/// Between two pieces.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) struct Collector {
    files: Files,
    store: Store,
    clock: Clock,
    /// Whose storage it must be for what is unknown to be garbage.
    owner: String,
    every: Duration,
    owned: Option<bool>,
    /// The part of the storage to be looked through next.
    shard: u8,
}

impl Collector {
    pub(super) fn new(
        files: &Files,
        store: Store,
        clock: Clock,
        owner: String,
        every: Duration,
    ) -> Self {
        Self { files: files.clone(), store, clock, owner, every, owned: None, shard: 0 }
    }

    /// Runs until `stop`; a piece that was begun is finished.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut looks = tokio::time::interval(self.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let unasked = tokio::select! {
                _ = stop.changed() => return,
                () = self.files.deleted.notified() => false,
                _ = looks.tick() => true,
            };
            let stopped = match self.collect(&mut stop).await {
                Ok(stopped) => stopped,
                Err(error) => {
                    tracing::warn!(%error, "files could not be removed; later again");
                    continue;
                }
            };
            if stopped {
                return;
            }
            if unasked && let Err(error) = self.sweep().await {
                tracing::warn!(%error, "the storage could not be looked through; later again");
            }
        }
    }

    /// Removes what is deleted or forgotten, until nothing is due. True when it was stopped.
    async fn collect(&self, stop: &mut watch::Receiver<bool>) -> Result<bool, Error> {
        loop {
            let now = self.clock.now();
            let before = now.plus(-UNATTACHED_TTL);
            let forgotten = self.store.delete_unattached_files(before, now, PIECE).await?;
            let deleted = self.store.deleted_files(PIECE).await?;
            if forgotten == 0 && deleted.is_empty() {
                return Ok(false);
            }
            for id in &deleted {
                self.files.storage.remove(*id).await?;
            }
            tracing::debug!(files = deleted.len(), "removed");
            self.store.forget_files(deleted).await?;
            tokio::select! {
                _ = stop.changed() => return Ok(true),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Looks through the next part of the storage for what no row knows: rows come before objects and
    /// go after them, so it is nobody's.
    async fn sweep(&mut self) -> Result<(), Error> {
        if !self.is_ours().await? {
            return Ok(());
        }
        let before = self.clock.now().plus(-UNATTACHED_TTL);
        let old = |id: &FileId| id.made_at().is_some_and(|made_at| made_at < before);
        let mut ids = self.files.storage.ids_in(self.shard).await?;
        ids.retain(old);
        for id in self.store.unknown_files(ids).await? {
            tracing::info!(file = %id, "removing what nothing is known of");
            self.files.storage.remove(id).await?;
        }
        self.shard = self.shard.wrapping_add(1);
        Ok(())
    }

    async fn is_ours(&mut self) -> Result<bool, Error> {
        if let Some(owned) = self.owned {
            return Ok(owned);
        }
        let owned = self.files.storage.claim(&self.owner).await?;
        if !owned {
            tracing::error!(
                "FILES_URL holds the files of another server, or of another database: what is not \
                 known here is left there"
            );
        }
        self.owned = Some(owned);
        Ok(owned)
    }
}
