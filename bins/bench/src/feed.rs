//! One client's place in one feed, kept as the protocol asks of clients, and the check that every
//! change came once and in order.

use crate::wire::Message;

/// Faults remembered word by word; the rest is counted.
const FAULTS_KEPT: usize = 4;

/// One change as it came, live or in a page of `sync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Where the change begins.
    pub(crate) prev: u64,
    /// Where it ends.
    pub(crate) rev: u64,
    /// The message, if it is one that was created.
    pub(crate) message: Option<Message>,
}

/// What a live change asks of its client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Live {
    /// It was the next one and is applied.
    New,
    /// It is known already, or kept until the running `sync` is answered.
    Nothing,
    /// There is a hole before it: send a `sync` now.
    Sync,
}

/// What a page of `sync` leaves to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The feed is whole.
    Whole,
    /// Send another `sync`.
    Sync,
}

/// What happened to a feed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages seen.
    pub(crate) messages: u64,
    /// Of these, the ones that a `sync` or a page of history brought.
    pub(crate) synced: u64,
    /// `stale` frames.
    pub(crate) stale: u64,
    /// Pages of `sync` asked for.
    pub(crate) syncs: u64,
    /// Answers of `reset`.
    pub(crate) resets: u64,
    /// Things that must not happen.
    pub(crate) faults: u64,
}

/// A client's place in a feed.
#[derive(Debug)]
pub(crate) struct Feed {
    /// The feed's name: a channel's id, or `me`.
    pub(crate) name: String,
    /// The rev that the client is at.
    pub(crate) cursor: u64,
    /// The last message seen.
    pub(crate) last_seq: u64,
    /// A digest of all messages seen, in order: equal for all who saw the same.
    pub(crate) order: u64,
    /// What happened so far.
    pub(crate) counts: Counts,
    /// The first few faults, in words.
    pub(crate) faults: Vec<String>,
    /// Whether a `sync` waits for its answer.
    pub(crate) syncing: bool,
    /// A `stale` came after the running `sync` was sent.
    again: bool,
    /// Live changes up to here may repeat what `ready` counted in or a `sync` brought: a server puts
    /// a socket on a feed before it reads where the feed is.
    synced_to: u64,
    /// Live changes above the hole that the running `sync` fills.
    held: Vec<Step>,
}

impl Feed {
    /// A place at `head`, from where `ready` says that the feed is.
    pub(crate) fn new(name: String, head: u64, last_seq: u64) -> Self {
        Self {
            name,
            cursor: head,
            last_seq,
            order: 0,
            counts: Counts::default(),
            faults: Vec::new(),
            syncing: false,
            again: false,
            synced_to: head,
            held: Vec::new(),
        }
    }

    /// Takes a change that came live.
    pub(crate) fn live(&mut self, step: Step) -> Live {
        if step.rev <= self.cursor {
            if step.rev > self.synced_to && !self.syncing {
                self.fault(format!("rev {} came again at {}", step.rev, self.cursor));
            }
            Live::Nothing
        } else if step.prev <= self.cursor {
            self.apply(step);
            Live::New
        } else {
            self.held.push(step);
            if self.syncing {
                return Live::Nothing;
            }
            self.fault(format!("nothing between {} and {}", self.cursor, step.prev));
            self.begin_sync();
            Live::Sync
        }
    }

    /// Takes a `stale`. `true`: send a `sync` now.
    pub(crate) fn stale(&mut self) -> bool {
        self.counts.stale += 1;
        self.again = self.syncing;
        if !self.syncing {
            self.begin_sync();
        }
        !self.again
    }

    /// Takes the head in a new `ready` after a reconnect. `true`: send a `sync` now.
    pub(crate) fn resume(&mut self, head: u64) -> bool {
        self.held.clear();
        self.again = false;
        self.syncing = false;
        self.synced_to = self.synced_to.max(head);
        if head < self.cursor {
            self.fault(format!("head {head} in ready, but {} was seen", self.cursor));
        }
        if head > self.cursor {
            self.begin_sync();
        }
        self.syncing
    }

    /// Takes a page of `sync`; `seen` is called for each message that is new.
    pub(crate) fn page(
        &mut self,
        steps: &[Step],
        head: u64,
        more: bool,
        mut seen: impl FnMut(Message),
    ) -> Next {
        for step in steps {
            self.catch_up(*step, &mut seen);
        }
        self.synced_to = self.synced_to.max(self.cursor);
        if more {
            return self.sync_on();
        }
        self.cursor = self.cursor.max(head);
        self.synced_to = self.synced_to.max(head);
        self.release(&mut seen)
    }

    /// Takes `reset`: what was missed is not kept as changes. The caller fills the hole from history
    /// and then calls [`Feed::refilled`].
    pub(crate) fn reset(&mut self) {
        self.counts.resets += 1;
    }

    /// Takes a page of history that follows [`Feed::reset`], oldest first.
    pub(crate) fn refill(&mut self, messages: &[Message], mut seen: impl FnMut(Message)) {
        for message in messages {
            if message.seq > self.last_seq {
                self.see(*message);
                self.counts.synced += 1;
                seen(*message);
            }
        }
    }

    /// The hole is filled up to `head`. A `sync` follows, which puts the socket back on the feed.
    pub(crate) fn refilled(&mut self, head: u64) -> Next {
        self.cursor = self.cursor.max(head);
        self.synced_to = self.synced_to.max(head);
        self.sync_on()
    }

    /// Notes something that must not happen.
    pub(crate) fn fault(&mut self, what: String) {
        self.counts.faults += 1;
        if self.faults.len() < FAULTS_KEPT {
            self.faults.push(what);
        }
    }

    fn begin_sync(&mut self) {
        self.syncing = true;
        self.counts.syncs += 1;
    }

    fn sync_on(&mut self) -> Next {
        self.again = false;
        self.counts.syncs += 1;
        Next::Sync
    }

    /// Ends a `sync`: what was held is applied, unless there is a hole again.
    fn release(&mut self, seen: &mut impl FnMut(Message)) -> Next {
        if self.again {
            return self.sync_on();
        }
        let held = std::mem::take(&mut self.held);
        for (index, step) in held.iter().enumerate() {
            if step.rev > self.cursor && step.prev > self.cursor {
                self.held = held[index..].to_vec();
                return self.sync_on();
            }
            if step.rev > self.cursor {
                self.apply(*step);
                step.message.into_iter().for_each(&mut *seen);
            }
        }
        self.syncing = false;
        Next::Whole
    }

    fn catch_up(&mut self, step: Step, seen: &mut impl FnMut(Message)) {
        if step.rev <= self.cursor {
            return;
        }
        if step.prev > self.cursor {
            self.fault(format!(
                "a page of sync has nothing between {} and {}",
                self.cursor, step.prev
            ));
        }
        self.apply(step);
        if let Some(message) = step.message {
            self.counts.synced += 1;
            seen(message);
        }
    }

    fn apply(&mut self, step: Step) {
        self.cursor = step.rev;
        if let Some(message) = step.message {
            self.see(message);
        }
    }

    fn see(&mut self, message: Message) {
        if message.seq != self.last_seq + 1 {
            self.fault(format!("seq {} after {}", message.seq, self.last_seq));
        }
        self.last_seq = message.seq;
        self.counts.messages += 1;
        let what = message.stamp.unwrap_or(0) ^ message.seq.rotate_left(32);
        self.order = (self.order.rotate_left(5) ^ what).wrapping_mul(0x517C_C1B7_2722_0A95);
    }
}

#[cfg(test)]
mod tests;
