//! How much is too much.

use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;
use std::time::Duration;

use governor::Quota;

use super::Rule;

/// So many at once, and as many again over each period; unused ones come back up to the number at
/// once. Written `300/60s`; the unit is s, m, h or d.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    burst: NonZeroU32,
    seconds: NonZeroU32,
}

impl Limit {
    /// The highest number at once.
    pub const MAX_BURST: u32 = 100_000;

    /// The longest period: a day.
    pub const MAX_SECONDS: u32 = 86_400;

    /// So many in so many seconds; numbers out of bounds are taken as the nearest in them.
    pub const fn of(burst: u32, seconds: u32) -> Self {
        const fn within(number: u32, max: u32) -> NonZeroU32 {
            let number = if number > max { max } else { number };
            match NonZeroU32::new(number) {
                Some(number) => number,
                None => NonZeroU32::MIN,
            }
        }
        Self { burst: within(burst, Self::MAX_BURST), seconds: within(seconds, Self::MAX_SECONDS) }
    }

    /// How many may come at once: 1 to 100,000.
    pub const fn burst(self) -> u32 {
        self.burst.get()
    }

    /// Over how many seconds as many come back: 1 to 86,400.
    pub const fn seconds(self) -> u32 {
        self.seconds.get()
    }

    /// After how long one more may come: 10 µs to a day.
    pub fn every(self) -> Duration {
        Duration::from_secs(self.seconds.get().into()) / self.burst.get()
    }

    pub(crate) fn quota(self) -> Quota {
        let quota = Quota::with_period(self.every());
        quota.unwrap_or(Quota::per_second(self.burst)).allow_burst(self.burst)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.burst, self.seconds)
    }
}

/// A limit is not written like one, or out of its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number from 1 to 100000 and a time from 1s to 1d are wanted, as 300/60s")]
pub struct NoLimit;

impl FromStr for Limit {
    type Err = NoLimit;

    fn from_str(text: &str) -> Result<Self, NoLimit> {
        let (burst, period) = text.split_once('/').ok_or(NoLimit)?;
        let unit = period.trim().chars().last().ok_or(NoLimit)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(NoLimit),
        };
        let number = |text: &str, max: u32| -> Result<u32, NoLimit> {
            let number = text.trim().parse().map_err(|_| NoLimit)?;
            if (1..=max).contains(&number) { Ok(number) } else { Err(NoLimit) }
        };
        let period = period.trim().strip_suffix(unit).ok_or(NoLimit)?;
        let period = number(period, Self::MAX_SECONDS)?;
        let seconds = period.checked_mul(seconds).ok_or(NoLimit)?;
        if seconds > Self::MAX_SECONDS {
            return Err(NoLimit);
        }
        Ok(Self::of(number(burst, Self::MAX_BURST)?, seconds))
    }
}

/// The limits of a [`crate::Throttle`], one for each [`Rule`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    each: Vec<Limit>,
    /// How many keys are remembered at least, of all rules together; 8 bytes each.
    pub remembered: NonZeroUsize,
}

impl Limits {
    /// The limit of a rule.
    pub fn get(&self, rule: Rule) -> Limit {
        self.each.get(rule.index()).copied().unwrap_or(rule.default_limit())
    }

    /// The same with another limit for a rule.
    #[must_use]
    pub fn with(mut self, rule: Rule, limit: Limit) -> Self {
        if let Some(place) = self.each.get_mut(rule.index()) {
            *place = limit;
        }
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        let each = Rule::ALL.iter().map(|rule| rule.default_limit()).collect();
        Self { each, remembered: NonZeroUsize::MIN.saturating_add((1 << 16) - 1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_they_are_read() {
        for (text, burst, seconds) in
            [("300/60s", 300, 60), ("1/1d", 1, 86_400), (" 5 / 2m", 5, 120), ("9/24h", 9, 86_400)]
        {
            let limit: Limit = text.parse().unwrap();
            assert_eq!((limit.burst(), limit.seconds()), (burst, seconds), "{text}");
            assert_eq!(limit.to_string().parse(), Ok(limit));
        }
        for text in [
            "",
            "300",
            "/",
            "300/",
            "300/60",
            "300/s",
            "0/60s",
            "1/0s",
            "100001/1s",
            "1/2d",
            "1/25h",
            "1/86401s",
            "-1/1s",
            "1.5/1s",
            "1/1é",
            "1/1ss",
            "off",
            "4294967296/1s",
            "1/4294967295d",
        ] {
            assert_eq!(text.parse::<Limit>(), Err(NoLimit), "{text}");
        }
    }

    #[test]
    fn every_rule_has_a_name_and_a_limit_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for (at, rule) in Rule::ALL.iter().enumerate() {
            assert_eq!(rule.index(), at);
            let limits = Limits::default().with(*rule, Limit::of(7, 9));
            assert_eq!(limits.get(*rule), Limit::of(7, 9));
        }
        assert_eq!(Limit::of(0, u32::MAX), Limit::of(1, 86_400));
    }
}
