//! What is remembered of who came when: a table of a fixed size, without locks.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::nanos::Nanos;
use governor::state::StateStore;

/// Slots in which a key can be: as many as one cache line holds.
const WAYS: usize = 8;

/// The bits of a slot that say whose it is.
const WHOSE: u32 = 20;

/// The unit of time: 10 µs, in nanoseconds. What is left of the bits then lasts for five years of one
/// process; after those nobody is refused any more.
const UNIT: u64 = 10_000;

/// The latest time that a slot can hold.
const MAX_TICKS: u64 = (1 << (64 - WHOSE)) - 2;

/// When each key's next cell would arrive in theory (GCRA), since the limiter was made: at or before
/// now, the key has everything that it may have, and could as well be forgotten.
///
/// governor decides; its own stores grow without bound, lock, and take nothing back, so the state is
/// kept here. A key, 64 bits of a keyed hash, has eight slots in which it can be. One that is new takes the
/// place of the one nearest to having everything back: whoever is at a limit is remembered longest.
///
/// Of the hash 20 bits stand in the slot, so that two keys of one set are taken for one another with a
/// chance of one in a million; nobody can aim at it, since the hash's key is random. Two
/// threads that bring the same new key at once may give it two slots, of which one is then forgotten.
pub(crate) struct Cells {
    slots: Box<[AtomicU64]>,
}

/// The newtype that lets governor write to cells that several limiters share.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<Cells>);

impl Cells {
    pub(crate) fn new(remembered: NonZeroUsize) -> Self {
        let sets = remembered.get().div_ceil(WAYS).clamp(1, 1 << 24).next_power_of_two();
        Self { slots: (0..sets * WAYS).map(|_| AtomicU64::new(0)).collect() }
    }

    fn set_of(&self, key: u64) -> &[AtomicU64] {
        let sets = self.slots.len() / WAYS;
        // The bits above those that a slot keeps.
        let set = usize::try_from(key >> WHOSE).unwrap_or(usize::MAX) & (sets - 1);
        &self.slots[set * WAYS..(set + 1) * WAYS]
    }

    /// Lets `key` have one that it took come back.
    pub(crate) fn give_back(&self, key: u64, every: Duration) {
        let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX) / UNIT;
        for slot in self.set_of(key) {
            let less = |value| {
                (value != 0 && is_of(key, value))
                    .then(|| pack(key, ticks(value).saturating_sub(every)))
            };
            if slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
                return;
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn in_use(&self) -> usize {
        self.slots.iter().filter(|slot| slot.load(Ordering::Relaxed) != 0).count()
    }
}

/// A slot is `ticks` above, and whose it is below. One tick is added: 0 is a slot that is nobody's.
const fn pack(key: u64, ticks: u64) -> u64 {
    (ticks + 1) << WHOSE | key & ((1 << WHOSE) - 1)
}

const fn ticks(value: u64) -> u64 {
    (value >> WHOSE).saturating_sub(1)
}

const fn is_of(key: u64, value: u64) -> bool {
    (key ^ value) & ((1 << WHOSE) - 1) == 0
}

impl StateStore for Shared {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let set = self.0.set_of(*key);
        loop {
            let (mut at, mut value, mut known) = (0, u64::MAX, false);
            for (place, slot) in set.iter().enumerate() {
                let held = slot.load(Ordering::Relaxed);
                if held != 0 && is_of(*key, held) {
                    (at, value, known) = (place, held, true);
                    break;
                }
                // The order of slots is that of their times.
                if held < value {
                    (at, value) = (place, held);
                }
            }
            let arrival = known.then(|| Nanos::new(ticks(value).saturating_mul(UNIT)));
            let (outcome, next) = decide(arrival)?;
            // Rounded up: never more than was promised.
            let next = next.as_u64().div_ceil(UNIT).min(MAX_TICKS);
            let next = pack(*key, next);
            let swapped =
                set[at].compare_exchange(value, next, Ordering::Relaxed, Ordering::Relaxed);
            if swapped.is_ok() {
                return Ok(outcome);
            }
        }
    }
}
