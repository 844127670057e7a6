//! What the workers are to do, in order: shared by all of them, each frame once.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tertulia_domain::{Feed, FeedId, SessionId, UserId};

use super::feed::FeedState;
use crate::signal::Audience;

/// One thing to do, and the set of workers that do it.
pub(crate) struct Step {
    pub(crate) to: u64,
    pub(crate) delivery: Delivery,
}

/// One thing to do.
pub(crate) enum Delivery {
    /// Queue these frames to all listeners.
    Frames { feed: FeedId, chunk: Bytes, last: i64 },
    /// Show this to those who look at the feed.
    Glimpse { feed: FeedId, frame: Bytes, audience: Audience },
    /// A person's sockets hear this feed from here on.
    Admit { feed: Feed, user: UserId },
    /// A person's sockets hear nothing more of this feed.
    Cut { feed: FeedId, user: UserId },
    /// The feed has ended: nobody hears anything more of it but this frame, nor what still waits.
    Close { feed: FeedId, frame: Bytes },
    /// Every listener must sync this feed.
    Stale { feed: FeedId, head: i64 },
    /// A person is in this channel: those of their sockets that do not hear it yet do from here on,
    /// and must sync it.
    Belongs { feed: Feed, user: UserId, head: i64 },
    /// A session's sockets close.
    EndSession { session: SessionId, user: UserId },
    /// All sockets close, within this time.
    Drain(Duration),
}

/// Gathers steps. Frames of one feed become one chunk, unless something happens to its listeners
/// in between.
#[derive(Default)]
pub(crate) struct Steps {
    all: Vec<Step>,
    /// Where the frames of a feed are being gathered.
    runs: HashMap<FeedId, usize>,
    parts: Vec<Vec<Bytes>>,
}

impl Steps {
    /// A step that keeps its place among all others.
    pub(crate) fn push(&mut self, to: u64, delivery: Delivery) {
        match delivery {
            Delivery::Frames { .. }
            | Delivery::Glimpse { .. }
            | Delivery::EndSession { .. }
            | Delivery::Drain(_) => {}
            Delivery::Admit { feed, .. } | Delivery::Belongs { feed, .. } => {
                self.runs.remove(&feed.id());
            }
            Delivery::Cut { feed, .. }
            | Delivery::Close { feed, .. }
            | Delivery::Stale { feed, .. } => {
                self.runs.remove(&feed);
            }
        }
        self.all.push(Step { to, delivery });
        self.parts.push(Vec::new());
    }

    /// A frame for all who listen now.
    pub(super) fn frame(&mut self, feed: &FeedState, frame: Bytes, rev: i64) {
        let (id, to) = (feed.feed().id(), feed.workers());
        if to == 0 {
            return;
        }
        let run = self.runs.get(&id).copied().filter(|at| self.all[*at].to == to);
        let at = run.unwrap_or_else(|| {
            let chunk = Bytes::new();
            self.push(to, Delivery::Frames { feed: id, chunk, last: rev });
            self.all.len() - 1
        });
        self.runs.insert(id, at);
        self.parts[at].push(frame);
        if let Delivery::Frames { last, .. } = &mut self.all[at].delivery {
            *last = rev;
        }
    }

    /// All who listen must sync.
    pub(super) fn stale(&mut self, feed: &FeedState, head: i64) {
        let to = feed.workers();
        if to != 0 {
            self.push(to, Delivery::Stale { feed: feed.feed().id(), head });
        }
    }

    /// The steps in order, each run of frames as one chunk.
    pub(crate) fn finish(mut self) -> Vec<Step> {
        for (step, parts) in self.all.iter_mut().zip(&mut self.parts) {
            if let Delivery::Frames { chunk, .. } = &mut step.delivery {
                *chunk = concat(parts);
            }
        }
        self.all
    }
}

fn concat(parts: &mut Vec<Bytes>) -> Bytes {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only;
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in parts {
        whole.extend_from_slice(part);
    }
    whole.freeze()
}
