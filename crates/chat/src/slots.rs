//! What people write again and again is on disk at most once a second: what comes meanwhile waits,
//! and rides with the next.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

use tertulia_domain::UserId;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// Between two commits in one slot.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is due within this time of what is due first is done with it.
const TOGETHER: Duration = Duration::from_millis(50);

/// A slot for each person and thing. Nobody waits in one for longer than a second, nor with more
/// than a socket may leave unanswered.
pub(crate) struct Slots<K, W>(HashMap<UserId, HashMap<K, Slot<W>>>);

struct Slot<W> {
    /// When the next commit may be.
    due: Instant,
    waiting: Vec<W>,
}

impl<K, W> Default for Slots<K, W> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Eq + Hash, W> Slots<K, W> {
    /// Whether nothing waits, and the last commit was more than a second ago: then one may be now, and
    /// the next is a second later.
    pub(crate) fn is_free(&mut self, user: UserId, key: K) -> bool {
        let now = Instant::now();
        let slots = self.0.entry(user).or_default();
        let slot = slots.entry(key).or_insert_with(|| Slot { due: now, waiting: Vec::new() });
        let free = slot.waiting.is_empty() && slot.due <= now;
        if free {
            slot.due = now + INTERVAL;
        }
        free
    }

    /// What waits in a slot, the first first.
    pub(crate) fn waiting(&mut self, user: UserId, key: K) -> &mut Vec<W> {
        let slots = self.0.entry(user).or_default();
        let slot = || Slot { due: Instant::now() + INTERVAL, waiting: Vec::new() };
        &mut slots.entry(key).or_insert_with(slot).waiting
    }

    /// Takes all that waits for somebody, to be committed now.
    pub(crate) fn take(&mut self, user: UserId) -> Vec<(K, Vec<W>)> {
        let slots = self.0.get_mut(&user).into_iter().flatten();
        let waiting = slots.filter(|(_, slot)| !slot.waiting.is_empty());
        let next = Instant::now() + INTERVAL;
        waiting
            .map(|(key, slot)| {
                slot.due = next;
                (*key, std::mem::take(&mut slot.waiting))
            })
            .collect()
    }

    /// Takes what is due by `until`, and says when the next is. Slots that nobody waits in are
    /// forgotten.
    pub(crate) fn due(&mut self, until: Instant) -> (Vec<(K, Vec<W>)>, Option<Instant>) {
        let mut due = Vec::new();
        let mut next: Option<Instant> = None;
        self.0.retain(|_, slots| {
            slots.retain(|key, slot| {
                if slot.due <= until {
                    if slot.waiting.is_empty() {
                        return false;
                    }
                    due.push((*key, std::mem::take(&mut slot.waiting)));
                    slot.due = until + INTERVAL;
                }
                next = Some(next.map_or(slot.due, |next| next.min(slot.due)));
                true
            });
            !slots.is_empty()
        });
        (due, next)
    }
}

/// Has `settle` commit what is due by a time, and say when the next is, until `stop`; then once more
/// all that still waits. `filled` says that something may be due.
pub(crate) async fn keep_pace<F: Future<Output = ()>>(
    filled: &Notify,
    mut stop: watch::Receiver<bool>,
    settle: impl Fn(Instant) -> (F, Option<Instant>),
) {
    let mut next = None;
    loop {
        let due = async {
            match next {
                Some(at) => tokio::time::sleep_until(at + TOGETHER).await,
                None => filled.notified().await,
            }
        };
        let stopped = tokio::select! {
            _ = stop.changed() => true,
            () = due => false,
        };
        let until = Instant::now() + if stopped { INTERVAL } else { Duration::ZERO };
        let (settled, then) = settle(until);
        next = then;
        settled.await;
        if stopped {
            return;
        }
    }
}
