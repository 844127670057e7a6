//! Brakes: how much anybody may do in how much time.

mod address;
mod cells;
mod limits;
mod rules;

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, RateLimiter};
use tertulia_domain::{Clock, SessionId};

use address::Network;
use cells::{Cells, Shared};
pub use limits::{Limit, Limits, NoLimit};
pub use rules::{Rule, Scope};

/// Too much: how long to wait before trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; wait {} s", self.seconds())]
pub struct Refused {
    /// What there was too much of.
    pub rule: Rule,
    /// How much would not have been.
    pub limit: Limit,
    /// The shortest wait after which an attempt may pass, if nobody else makes one.
    pub wait: Duration,
}

impl Refused {
    /// The wait in whole seconds, rounded up and at least 1, for the header `Retry-After`.
    pub const fn seconds(self) -> u64 {
        let rounded = self.wait.as_secs() + (self.wait.subsec_nanos() > 0) as u64;
        if rounded == 0 { 1 } else { rounded }
    }
}

/// What is left of a limit after one was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of what.
    pub rule: Rule,
    /// How much there can be.
    pub limit: Limit,
    /// How many more may come at once.
    pub left: u32,
}

impl Standing {
    /// After how long all of it is there again, if no more is taken; rounded up.
    pub fn reset(self) -> Duration {
        self.limit.every() * self.limit.burst().saturating_sub(self.left)
    }
}

/// One of a rule's, to be taken by somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    rule: Rule,
    key: u64,
}

impl Charge {
    /// Of which rule.
    pub const fn rule(self) -> Rule {
        self.rule
    }
}

/// Limits what anybody does, by where they come from, who they are, and what they do it to.
///
/// An account is limited only by what it does itself, proven by its token; as long as nothing is
/// proven, an account is limited only together with an address: whoever guesses at somebody's
/// password stops himself, and never the owner at another address. Against guessing from very many
/// addresses stands the bound on all log-ins together, [`crate::Passwords`]; distributed guessing at
/// a weak password is slowed, not ended.
///
/// Addresses are the people's own (behind a proxy, those that it forwards): if all came from the
/// proxy's, one could spend what belongs to all. An IPv6 address counts as its /64, within which
/// one machine may take any (RFC 4291); whoever has a /48 counts as many.
///
/// Memory is bounded, and no lock is taken: all rules share a table of [`Limits::remembered`] keys.
/// When it is full, those that are closest to being forgotten anyway go first. Time is that of
/// [`Clock::elapsed`], and each node counts for itself.
pub struct Throttle(Option<Brakes>);

type Limiter = RateLimiter<u64, Shared, Time, StateInformationMiddleware>;

struct Brakes {
    limiters: Vec<Limiter>,
    limits: Limits,
    cells: Arc<Cells>,
    hash: RandomState,
    time: Time,
}

/// How governor asks for the time.
#[derive(Clone)]
struct Time(Clock);

impl governor::clock::Clock for Time {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

impl Throttle {
    /// A throttle with these limits.
    pub fn new(limits: Limits, clock: Clock) -> Self {
        let time = Time(clock);
        let cells = Arc::new(Cells::new(limits.remembered));
        let limiter = |rule: &Rule| {
            RateLimiter::new(limits.get(*rule).quota(), Shared(Arc::clone(&cells)), time.clone())
        };
        let limiters = Rule::ALL.iter().map(limiter).collect();
        Self(Some(Brakes { limiters, limits, cells, hash: RandomState::new(), time }))
    }

    /// A throttle that lets everything pass.
    pub const fn off() -> Self {
        Self(None)
    }

    /// The limits, unless it lets everything pass.
    pub fn limits(&self) -> Option<&Limits> {
        self.0.as_ref().map(|brakes| &brakes.limits)
    }

    /// What one of `rule` costs `whom`: all that its scope names, and nothing else. It is not kept,
    /// but for 20 bits of a hash.
    pub fn charge(&self, rule: Rule, whom: impl Hash) -> Charge {
        let key = self.0.as_ref().map(|brakes| brakes.hash.hash_one((rule, whom)));
        Charge { rule, key: key.unwrap_or_default() }
    }

    /// What one of `rule` costs an address.
    pub fn charge_address(&self, rule: Rule, address: IpAddr) -> Charge {
        self.charge(rule, Network::of(address))
    }

    /// Takes all of these and tells how each stands then, or none.
    pub fn take(&self, charges: &[Charge], mut told: impl FnMut(Standing)) -> Result<(), Refused> {
        let Some(brakes) = &self.0 else { return Ok(()) };
        for (at, charge) in charges.iter().enumerate() {
            match brakes.take(*charge) {
                Ok(standing) => told(standing),
                Err(refused) => {
                    for taken in &charges[..at] {
                        brakes.give_back(*taken);
                    }
                    return Err(refused);
                }
            }
        }
        Ok(())
    }

    /// Undoes one [`Throttle::take`]: what it was for did not happen.
    pub fn give_back(&self, charge: Charge) {
        if let Some(brakes) = &self.0 {
            brakes.give_back(charge);
        }
    }

    /// A gauge for something that only one thread has, such as a socket.
    pub fn gauge(&self, rule: Rule) -> Gauge {
        let gauge = |brakes: &Brakes| {
            let limit = brakes.limits.get(rule);
            (rule, limit, RateLimiter::direct_with_clock(limit.quota(), brakes.time.clone()))
        };
        Gauge(self.0.as_ref().map(gauge))
    }

    /// Counts an attempt to sign in to `account` from `address`, before its password is checked, so
    /// that guesses made at the same time cannot pass together. Then call [`Attempt::forgive`]
    /// unless the password was wrong; an attempt that is dropped has failed.
    ///
    /// `account` is any text that is always the same for one account: its id once it has been looked
    /// up (it has several names), and the normalised text that was typed if there is none. It is not
    /// kept.
    pub fn log_in(&self, account: &str, address: IpAddr) -> Result<Attempt<'_>, Refused> {
        let guess = self.charge(Rule::Guesses, (account, Network::of(address)));
        self.take(&[guess, self.charge_address(Rule::LogIns, address)], |_| {})?;
        Ok(Attempt { throttle: self, guess })
    }

    /// The same for a device that is signed in and proves its person's password once more: counted
    /// for its session alone, so that nobody else, behind the same address or not, can slow it.
    pub fn proof(&self, session: SessionId) -> Result<Attempt<'_>, Refused> {
        let guess = self.charge(Rule::Proofs, session);
        self.take(&[guess], |_| {})?;
        Ok(Attempt { throttle: self, guess })
    }

    /// Counts a registration from `address`, whether or not it succeeds.
    pub fn registration(&self, address: IpAddr) -> Result<(), Refused> {
        self.take(&[self.charge_address(Rule::Registrations, address)], |_| {})
    }
}

impl Brakes {
    fn take(&self, Charge { rule, key }: Charge) -> Result<Standing, Refused> {
        let limit = self.limits.get(rule);
        let limiter = &self.limiters[rule.index()];
        match limiter.check_key(&key) {
            Ok(state) => Ok(Standing { rule, limit, left: state.remaining_burst_capacity() }),
            Err(until) => Err(refused(rule, limit, &until, &self.time)),
        }
    }

    fn give_back(&self, Charge { rule, key }: Charge) {
        self.cells.give_back(key, self.limits.get(rule).every());
    }
}

fn refused(rule: Rule, limit: Limit, until: &NotUntil<Nanos>, time: &Time) -> Refused {
    Refused { rule, limit, wait: until.wait_time_from(time.now()) }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Throttle(on)" } else { "Throttle(off)" })
    }
}

type Meter = RateLimiter<NotKeyed, InMemoryState, Time, NoOpMiddleware<Nanos>>;

/// What one thing may still take of a rule: 56 bytes, and nothing that is shared with others.
pub struct Gauge(Option<(Rule, Limit, Meter)>);

impl Gauge {
    /// Takes one.
    pub fn take(&self) -> Result<(), Refused> {
        let Some((rule, limit, meter)) = &self.0 else { return Ok(()) };
        meter.check().map_err(|until| refused(*rule, *limit, &until, meter.clock()))
    }
}

/// An attempt to prove a password, counted as a wrong guess until it is forgiven.
#[must_use = "forgive the attempt unless the password was wrong"]
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    guess: Charge,
}

impl Attempt<'_> {
    /// The password was right, or was never checked: the attempt does not count as a guess at the
    /// account. An attempt to sign in still counts for its address.
    pub fn forgive(self) {
        self.throttle.give_back(self.guess);
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(…)")
    }
}

#[cfg(test)]
mod tests;
