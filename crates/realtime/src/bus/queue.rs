//! What waits to be said to other nodes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::envelope::Said;
use crate::{Event, Signal};

/// As much may wait, with what is on its way to Redis; what is more is dropped. A second of it is far
/// more than a node can commit.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What a frame takes beside its bytes.
const OVERHEAD: usize = 128;

/// Waits in the order in which it was said. Never blocks whoever says something, and is bounded in bytes.
#[derive(Default)]
pub(super) struct Queue {
    /// Held while something is put in or taken out.
    waiting: Mutex<Waiting>,
    filled: Notify,
    /// Whether there is anybody to say it to.
    open: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    said: VecDeque<(Said, usize)>,
    /// Of what waits, and of what was taken and is on its way.
    bytes: usize,
    /// So much was dropped since it was last asked.
    dropped: u64,
    /// Whether something was taken that is not known to have arrived.
    on_its_way: bool,
}

impl Queue {
    pub(super) fn events(&self, events: &[Event]) {
        if self.open.load(Ordering::Acquire) && !events.is_empty() {
            let weight = events.iter().map(|event| event.frame.len() + OVERHEAD).sum();
            self.push(weight, || Said::Events(events.to_vec()));
        }
    }

    pub(super) fn signals(&self, signals: &[Signal]) {
        if self.open.load(Ordering::Acquire) && !signals.is_empty() {
            self.push(signals.iter().map(weight).sum(), || Said::Signals(signals.to_vec()));
        }
    }

    pub(super) fn say(&self, said: Said) {
        self.push(OVERHEAD, || said);
    }

    fn push(&self, weight: usize, said: impl FnOnce() -> Said) {
        {
            let mut waiting = self.waiting.lock();
            if waiting.bytes + weight > MAX_BYTES {
                waiting.dropped += 1;
                return;
            }
            waiting.bytes += weight;
            waiting.said.push_back((said(), weight));
        }
        self.filled.notify_one();
    }

    /// Waits until something was put in.
    pub(super) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// From the front, up to so many bytes, or one that is larger. Gives their weight as well.
    pub(super) fn take(&self, most: usize) -> (Vec<Said>, usize) {
        let mut waiting = self.waiting.lock();
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some((_, weight)) = waiting.said.front() {
            if !taken.is_empty() && bytes + weight > most {
                break;
            }
            bytes += weight;
            taken.extend(waiting.said.pop_front().map(|(said, _)| said));
        }
        waiting.on_its_way = !taken.is_empty();
        (taken, bytes)
    }

    /// What was taken has arrived.
    pub(super) fn arrived(&self, bytes: usize) {
        let mut waiting = self.waiting.lock();
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
        waiting.on_its_way = false;
    }

    /// How much was dropped since it was last asked.
    pub(super) fn take_dropped(&self) -> u64 {
        std::mem::take(&mut self.waiting.lock().dropped)
    }

    /// Whether all that was said has arrived.
    pub(super) fn is_idle(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.said.is_empty() && !waiting.on_its_way
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.waiting.lock().bytes
    }

    /// From now on something can be said.
    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Drops what waits, and all that is said from now on: nobody would hear it.
    pub(super) fn close(&self) {
        self.open.store(false, Ordering::Release);
        *self.waiting.lock() = Waiting::default();
    }
}

fn weight(signal: &Signal) -> usize {
    match signal {
        Signal::Present { people, .. } => people
            .iter()
            .map(|(_, presence)| presence.text.len() + OVERHEAD)
            .sum::<usize>()
            .saturating_add(OVERHEAD),
        Signal::Typing { .. }
        | Signal::Read { .. }
        | Signal::Delivered { .. }
        | Signal::Profile { .. } => OVERHEAD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signals(count: usize) -> Vec<Signal> {
        let (channel, user) = (uuid::Uuid::nil().into(), uuid::Uuid::nil().into());
        vec![Signal::Typing { channel, head: 1, user, active: true }; count]
    }

    #[test]
    fn more_than_its_bytes_is_dropped_and_counted_until_what_was_taken_has_arrived() {
        let queue = Queue::default();
        queue.signals(&signals(1));
        assert_eq!(queue.take(1).0.len(), 0, "nobody listens yet");
        queue.open();
        let half = signals(MAX_BYTES / OVERHEAD / 2);
        for _ in 0..3 {
            queue.signals(&half);
        }
        assert_eq!((queue.take_dropped(), queue.take_dropped()), (1, 0));
        let (taken, bytes) = queue.take(1);
        assert_eq!((taken.len(), bytes), (1, MAX_BYTES / 2), "one at least");
        queue.signals(&half);
        assert_eq!(queue.take_dropped(), 1, "it is still on its way");
        queue.arrived(bytes);
        queue.signals(&half);
        assert_eq!(queue.take_dropped(), 0);
        assert_eq!(queue.take(usize::MAX).0.len(), 2);
        queue.close();
        queue.signals(&half);
        assert!(queue.is_idle());
    }
}
