//! Brakes on guessing passwords, and on registering and inviting in bulk.

mod address;
mod cells;
mod limits;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};

use address::Network;
use cells::Limiter;
pub use limits::{Limit, Limits};

/// How long to wait before trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts; wait {} s", self.seconds())]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// The shortest wait after which an attempt may pass, if nobody else makes one.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// The same in whole seconds, rounded up and at least 1, for the header `Retry-After`.
    pub const fn seconds(self) -> u64 {
        let rounded = self.0.as_secs() + (self.0.subsec_nanos() > 0) as u64;
        if rounded == 0 { 1 } else { rounded }
    }
}

/// Slows down log-ins and registrations by where they come from.
///
/// An account is limited only together with an address: whoever guesses at somebody's password
/// stops himself, and never the owner at another address. Against guessing from very many addresses
/// stands the bound on all log-ins together, [`crate::Passwords`]; distributed guessing at a weak
/// password is slowed, not ended.
///
/// Addresses are the people's own (behind a proxy, those that it forwards): if all came from the
/// proxy's, one could spend what belongs to all. An IPv6 address counts as its /64, within which
/// one machine may take any (RFC 4291); whoever has a /48 counts as many.
///
/// Memory is bounded: each of the four limits remembers at most [`Limits::remembered`] keys, at
/// about 70 bytes each. When they are used up, those closest to being forgotten anyway go first.
/// Time is the machine's monotonic clock.
pub struct Throttle<C: Clock = DefaultClock>(Option<Brakes<C>>);

/// An account, as 64 bits under a random key (bounded, and no list of names), from one network.
type Guesser = (u64, Network);

struct Brakes<C: Clock> {
    log_ins: Limiter<Network, C>,
    guesses: Limiter<Guesser, C>,
    registrations: Limiter<Network, C>,
    invitations: Limiter<u64, C>,
    accounts: RandomState,
}

impl Throttle {
    /// A throttle with these limits.
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, &DefaultClock::default())
    }

    /// A throttle that lets everything pass.
    pub const fn off() -> Self {
        Self(None)
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl<C: Clock + Clone> Throttle<C> {
    /// A throttle with a clock of one's own, for tests.
    pub fn with_clock(limits: Limits, clock: &C) -> Self {
        let Limits { log_ins, guesses, registrations, invitations, remembered } = limits;
        Self(Some(Brakes {
            log_ins: Limiter::new(log_ins, remembered, clock.clone()),
            guesses: Limiter::new(guesses, remembered, clock.clone()),
            registrations: Limiter::new(registrations, remembered, clock.clone()),
            invitations: Limiter::new(invitations, remembered, clock.clone()),
            accounts: RandomState::new(),
        }))
    }
}

impl<C: Clock> Throttle<C> {
    /// Counts an attempt to sign in to `account` from `address`, before its password is checked, so
    /// that guesses made at the same time cannot pass together. Then call [`Attempt::forgive`]
    /// unless the password was wrong; an attempt that is dropped has failed.
    ///
    /// `account` is any text that is always the same for one account: its id once it has been looked
    /// up (it has several names), and the normalised text that was typed if there is none. It is
    /// not kept.
    pub fn log_in(&self, account: &str, address: IpAddr) -> Result<Attempt<'_, C>, RetryAfter> {
        let Some(brakes) = &self.0 else { return Ok(Attempt(None)) };
        let network = Network::of(address);
        let key = (brakes.accounts.hash_one(account), network);
        brakes.guesses.take(&key)?;
        let attempt = Attempt(Some((&brakes.guesses, key)));
        if let Err(retry_after) = brakes.log_ins.take(&network) {
            attempt.forgive();
            return Err(retry_after);
        }
        Ok(attempt)
    }

    /// Counts a registration from `address`, whether or not it succeeds.
    pub fn registration(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.0.as_ref().map_or(Ok(()), |brakes| brakes.registrations.take(&Network::of(address)))
    }

    /// Counts an invitation by `account`, any text that is always the same for one account, wherever
    /// it comes from and whomever it is for.
    pub fn invitation(&self, account: &str) -> Result<(), RetryAfter> {
        let Some(brakes) = &self.0 else { return Ok(()) };
        brakes.invitations.take(&brakes.accounts.hash_one(account))
    }
}

impl<C: Clock> fmt::Debug for Throttle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Throttle(on)" } else { "Throttle(off)" })
    }
}

/// An attempt to sign in, counted as a wrong guess until it is forgiven.
#[must_use = "forgive the attempt unless the password was wrong"]
pub struct Attempt<'a, C: Clock = DefaultClock>(Option<(&'a Limiter<Guesser, C>, Guesser)>);

impl<C: Clock> Attempt<'_, C> {
    /// The password was right, or was never checked: the attempt does not count as a guess at the
    /// account. It still counts for its address.
    pub fn forgive(self) {
        if let Some((limiter, key)) = self.0 {
            limiter.give_back(&key);
        }
    }
}

impl<C: Clock> fmt::Debug for Attempt<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attempt(…)")
    }
}

#[cfg(test)]
mod tests;
