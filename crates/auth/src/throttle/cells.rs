//! One limit, kept for a bounded number of keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use parking_lot::Mutex;

use super::{Limit, RetryAfter};

/// A limit for each key. governor decides (GCRA); its own stores grow without bound and take nothing
/// back, so the state is kept here.
pub(crate) struct Limiter<K: Eq + Hash + Copy, C: Clock> {
    decide: RateLimiter<K, Shared<K>, C, NoOpMiddleware<C::Instant>>,
    cells: Arc<Cells<K>>,
    every: Duration,
}

impl<K: Eq + Hash + Copy, C: Clock> Limiter<K, C> {
    pub(crate) fn new(limit: Limit, remembered: NonZeroUsize, clock: C) -> Self {
        let every = limit.every();
        let cells = Arc::new(Cells {
            arrivals: Mutex::default(),
            remembered: remembered.get(),
            every: every.into(),
        });
        let decide = RateLimiter::new(limit.quota(), Shared(Arc::clone(&cells)), clock);
        Self { decide, cells, every }
    }

    /// Takes one of what `key` may have.
    pub(crate) fn take(&self, key: &K) -> Result<(), RetryAfter> {
        self.decide
            .check_key(key)
            .map_err(|until| RetryAfter(until.wait_time_from(self.decide.clock().now())))
    }

    /// Undoes one [`Limiter::take`].
    pub(crate) fn give_back(&self, key: &K) {
        if let Some(arrival) = self.cells.arrivals.lock().get_mut(key) {
            *arrival = arrival.saturating_sub(self.every.into());
        }
    }
}

/// When each key's next cell would arrive in theory, in nanoseconds since the limiter was made: at
/// or before now, the key has everything it may have and could as well be forgotten.
struct Cells<K> {
    /// Held for one look-up, or for one pass over all when full, and never across an await.
    arrivals: Mutex<HashMap<K, Nanos>>,
    remembered: usize,
    every: Nanos,
}

impl<K: Eq + Hash + Copy> Cells<K> {
    /// Makes room for one more: forgets who has everything back, and if that is less than half,
    /// also those of the rest who are nearest to it. Whoever is at the limit is remembered longest.
    /// The pass over all is paid by the many insertions until the next.
    fn make_room(&self, arrivals: &mut HashMap<K, Nanos>, now: Nanos) {
        if arrivals.len() < self.remembered {
            return;
        }
        arrivals.retain(|_, arrival| *arrival > now);
        let keep = self.remembered / 2;
        if arrivals.len() > keep {
            let mut by_arrival: Vec<(Nanos, K)> =
                arrivals.iter().map(|(key, arrival)| (*arrival, *key)).collect();
            let forget = by_arrival.len() - keep;
            by_arrival.select_nth_unstable_by_key(forget - 1, |(arrival, _)| *arrival);
            for (_, key) in &by_arrival[..forget] {
                arrivals.remove(key);
            }
        }
    }
}

/// The newtype that lets governor write to cells that are also read here.
struct Shared<K>(Arc<Cells<K>>);

impl<K: Eq + Hash + Copy> StateStore for Shared<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut arrivals = self.0.arrivals.lock();
        if let Some(arrival) = arrivals.get_mut(key) {
            let (outcome, next) = decide(Some(*arrival))?;
            *arrival = next;
            return Ok(outcome);
        }
        let (outcome, next) = decide(None)?;
        // A new key's next arrival is one period from now.
        self.0.make_room(&mut arrivals, next.saturating_sub(self.0.every));
        arrivals.insert(*key, next);
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use std::num::NonZeroU32;

    fn limiter(
        burst: u32,
        remembered: usize,
    ) -> (Limiter<u32, FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let limit =
            Limit { burst: NonZeroU32::new(burst).unwrap(), every: Duration::from_secs(10) };
        (Limiter::new(limit, NonZeroUsize::new(remembered).unwrap(), clock.clone()), clock)
    }

    #[test]
    fn a_key_has_its_burst_and_then_one_a_period() {
        let (limiter, clock) = limiter(3, 100);
        for _ in 0..3 {
            assert_eq!(limiter.take(&1), Ok(()));
        }
        let wait = limiter.take(&1).unwrap_err();
        assert_eq!((wait.duration(), wait.seconds()), (Duration::from_secs(10), 10));
        assert_eq!(limiter.take(&2), Ok(()), "others have their own");
        clock.advance(Duration::from_millis(9_500));
        assert_eq!(limiter.take(&1).unwrap_err().seconds(), 1);
        clock.advance(Duration::from_millis(500));
        assert_eq!(limiter.take(&1), Ok(()));
        assert!(limiter.take(&1).is_err());
        clock.advance(Duration::from_hours(1));
        for _ in 0..3 {
            assert_eq!(limiter.take(&1), Ok(()));
        }
        assert!(limiter.take(&1).is_err(), "no more than the burst is saved up");
    }

    #[test]
    fn what_is_given_back_can_be_taken_again_and_nothing_more() {
        let (limiter, clock) = limiter(3, 100);
        for _ in 0..1_000 {
            assert_eq!(limiter.take(&1), Ok(()));
            limiter.give_back(&1);
        }
        for _ in 0..3 {
            assert_eq!(limiter.take(&1), Ok(()));
        }
        assert!(limiter.take(&1).is_err());
        limiter.give_back(&1);
        assert_eq!(limiter.take(&1), Ok(()));
        assert!(limiter.take(&1).is_err());
        clock.advance(Duration::from_hours(1));
        limiter.give_back(&1);
        for _ in 0..3 {
            assert_eq!(limiter.take(&1), Ok(()));
        }
        assert!(limiter.take(&1).is_err(), "giving back late saves nothing up");
        limiter.give_back(&99);
    }

    #[test]
    fn memory_is_bounded_and_who_is_at_the_limit_is_remembered() {
        let (limiter, clock) = limiter(5, 100);
        for _ in 0..5 {
            limiter.take(&0).unwrap();
        }
        for key in 1..10_000 {
            clock.advance(Duration::from_micros(10));
            assert_eq!(limiter.take(&key), Ok(()));
            assert!(limiter.cells.arrivals.lock().len() <= 100);
        }
        assert!(limiter.take(&0).is_err());
    }

    #[test]
    fn who_has_everything_back_is_forgotten_first() {
        let (limiter, clock) = limiter(5, 100);
        for key in 0..100 {
            limiter.take(&key).unwrap();
        }
        clock.advance(Duration::from_mins(1));
        limiter.take(&1_000).unwrap();
        assert_eq!(limiter.cells.arrivals.lock().len(), 1);
    }

    #[test]
    fn one_remembered_key_is_enough_to_work() {
        let (limiter, _) = limiter(2, 1);
        for key in 0..100 {
            assert_eq!(limiter.take(&key), Ok(()));
            assert_eq!(limiter.cells.arrivals.lock().len(), 1);
        }
    }
}
