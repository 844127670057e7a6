//! Keeps the search index, after the commit: nobody who says something waits for it. What is behind
//! is found in the database, so it goes on after a crash, and any number of nodes may do it at once;
//! what was committed here is hinted at, so that it is found soon. In small pieces: none delays a
//! message by more than one short transaction.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tertulia_domain::{Body, ChannelId, Feed, Frame};
use tertulia_store::{Error, Store};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

/// Messages in one transaction, about: some milliseconds of SQLite's one writer.
const PIECE: i64 = 256;

/// Channels in one transaction.
const CHANNELS: usize = 64;

/// Channels that are remembered to be behind. What is behind beyond them is looked up.
const MAX_BEHIND: i64 = 1000;

/// Hints that may wait.
const MAX_HINTS: usize = 1024;

/// After a piece, as often the time that it took is left to others.
const REST: u32 = 1;

/// After an error.
const RETRY: Duration = Duration::from_secs(1);

/// Tells the index what was committed. Never waits: what is not hinted at is found by looking.
#[derive(Clone)]
pub(crate) struct Hints {
    sender: mpsc::Sender<ChannelId>,
    missed: Arc<AtomicBool>,
}

impl Hints {
    /// Hints at the messages among these.
    pub(crate) fn note(&self, frames: &[Frame]) {
        let mut last = None;
        for frame in frames {
            if let (Feed::Channel(channel), Body::Message(_)) = (frame.feed, &frame.body)
                && last != Some(channel)
            {
                last = Some(channel);
                if self.sender.try_send(channel).is_err() {
                    self.missed.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    }
}

pub(crate) struct Indexing {
    store: Store,
    /// How long what is said may wait for more, since many cost little more than one.
    after: Duration,
    every: Duration,
    hints: mpsc::Receiver<ChannelId>,
    missed: Arc<AtomicBool>,
    behind: Behind,
}

/// Channels that are behind, each once.
#[derive(Default)]
struct Behind {
    queue: VecDeque<ChannelId>,
    known: HashSet<ChannelId>,
}

impl Behind {
    fn add(&mut self, channel: ChannelId) {
        if self.known.insert(channel) {
            self.queue.push_back(channel);
        }
    }

    /// Some of them, which are not behind any more unless they are added again.
    fn take(&mut self) -> Vec<ChannelId> {
        let some: Vec<_> = self.queue.drain(..self.queue.len().min(CHANNELS)).collect();
        for channel in &some {
            self.known.remove(channel);
        }
        some
    }
}

impl Indexing {
    /// The index of a store, which looks for what is behind `every` so often, and waits `after` a
    /// hint for more.
    pub(crate) fn new(store: Store, after: Duration, every: Duration) -> (Self, Hints) {
        let (sender, hints) = mpsc::channel(MAX_HINTS);
        let missed = Arc::new(AtomicBool::new(false));
        let behind = Behind::default();
        let indexing = Self { store, after, every, hints, missed: Arc::clone(&missed), behind };
        (indexing, Hints { sender, missed })
    }

    /// Runs until `stop`; a piece that was begun is finished.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut looks = tokio::time::interval(self.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = false;
        let mut older = true;
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                _ = looks.tick() => look = true,
                Some(channel) = self.hints.recv() => self.behind.add(channel),
                () = std::future::ready(()), if older => {}
            }
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(self.after) => {}
            }
            let mut gathered = None;
            loop {
                let begun = Instant::now();
                // What comes from now on waits for the next round, however long this one is.
                if gathered.is_none_or(|last| begun.duration_since(last) >= self.after) {
                    gathered = Some(begun);
                    while let Ok(channel) = self.hints.try_recv() {
                        self.behind.add(channel);
                    }
                }
                let pause = match self.piece(&mut look, &mut older).await {
                    Ok(true) => begun.elapsed() * REST,
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "nothing could be indexed; later again");
                        look = true;
                        RETRY
                    }
                };
                tokio::select! {
                    _ = stop.changed() => return,
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }

    /// Indexes a piece. False when nothing is behind.
    async fn piece(&mut self, look: &mut bool, older: &mut bool) -> Result<bool, Error> {
        if self.behind.queue.is_empty() && (*look || self.missed.swap(false, Ordering::Relaxed)) {
            let behind = self.store.unindexed_channels(MAX_BEHIND).await?;
            *look = behind.len() >= CHANNELS;
            for channel in behind {
                self.behind.add(channel);
            }
        }
        let some = self.behind.take();
        if some.is_empty() {
            return self.older_piece(older).await;
        }
        let shares = self.store.unindexed(some.clone(), PIECE).await?;
        // What had no room in this piece, in whole or in part, is for the next.
        let done = |channel: &ChannelId| {
            shares.iter().any(|share| share.channel == *channel && !share.more)
        };
        for channel in some.iter().filter(|channel| !done(channel)) {
            self.behind.add(*channel);
        }
        self.store.index(shares).await?;
        Ok(true)
    }

    /// Indexes a piece of what is older than the index.
    async fn older_piece(&self, older: &mut bool) -> Result<bool, Error> {
        if !*older {
            return Ok(false);
        }
        match self.store.unindexed_older(PIECE).await? {
            Some(piece) => self.store.index_older(piece).await?,
            None => *older = false,
        }
        Ok(*older)
    }
}
