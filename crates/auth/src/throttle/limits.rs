//! How much is too much.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use governor::Quota;

/// So many at once, and then one in every so long; unused ones come back up to the number at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many may come at once. Above 100,000 is taken as 100,000.
    pub burst: NonZeroU32,
    /// After how long one more may come. Taken as one nanosecond at least and one day at most.
    pub every: Duration,
}

impl Limit {
    const MAX_BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(99_999);

    pub(crate) fn every(self) -> Duration {
        self.every.clamp(Duration::from_nanos(1), Duration::from_hours(24))
    }

    pub(crate) fn quota(self) -> Quota {
        let burst = self.burst.min(Self::MAX_BURST);
        Quota::with_period(self.every()).unwrap_or(Quota::per_second(burst)).allow_burst(burst)
    }
}

/// The limits of a [`crate::Throttle`]. The defaults are such that people do not meet them and
/// guessing does not pay:
///
/// - `guesses` 20, then one a minute. Auth0 stops the same pair, account and address, at 20 in a
///   minute (its rate limit policy, "same user log-in"); NIST SP 800-63B, 5.2.2, wants at most 100
///   consecutive failures, which takes 80 minutes at this rate. NIST would then disable the
///   password; that is not done, because anybody could do it to anybody.
/// - `log_ins` 100, then one a second: a whole office behind one address that signs in at nine
///   o'clock, and below a hundredth of the password checks that one core makes (57 a second) from
///   100 to a second.
/// - `registrations` 40, then one a minute: a school class behind one address.
/// - `invitations` 50, then one a minute: as many people as a group has when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts to sign in from one address, right or wrong.
    pub log_ins: Limit,
    /// Wrong passwords for one account from one address.
    pub guesses: Limit,
    /// Registrations from one address.
    pub registrations: Limit,
    /// Invitations by one account.
    pub invitations: Limit,
    /// How many keys each limit remembers.
    pub remembered: NonZeroUsize,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = |burst: u32, seconds| Limit {
            burst: NonZeroU32::MIN.saturating_add(burst - 1),
            every: Duration::from_secs(seconds),
        };
        Self {
            log_ins: limit(100, 1),
            guesses: limit(20, 60),
            registrations: limit(40, 60),
            invitations: limit(50, 60),
            remembered: NonZeroUsize::MIN.saturating_add((1 << 16) - 1),
        }
    }
}
