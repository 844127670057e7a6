//! The only place that reads the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

/// An instant to the millisecond, so that a live frame and a row read back say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T09:30:00.000Z")]
pub struct Timestamp(i64);

const RFC_3339_MILLIS: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

impl Timestamp {
    /// Milliseconds since 1970-01-01T00:00Z.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00Z.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00Z.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same instant for libraries that speak `time`.
    pub fn to_offset(self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(self.0))
    }

    /// This instant moved by `by`, which may be negative.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let millis = i64::try_from(by.whole_milliseconds()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long ago `earlier` was; negative when it is still to come.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::milliseconds(self.0.saturating_sub(earlier.0))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(at: OffsetDateTime) -> Self {
        Self(i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.to_offset().format(RFC_3339_MILLIS).map_err(|_| std::fmt::Error)?;
        f.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc3339)
            .map(Self::from)
            .map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from: the machine, or a test that sets it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A clock that stands at `start` until [`Clock::advance`] moves it; clones share it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(start.0))))
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(millis) => Timestamp(millis.load(Ordering::Relaxed)),
            None => OffsetDateTime::now_utc().into(),
        }
    }

    /// How long it has been since some moment of this process: it never goes back, whatever becomes
    /// of the date. Of a manual clock, the same as [`Clock::now`].
    pub fn elapsed(&self) -> std::time::Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Some(millis) => {
                let millis = u64::try_from(millis.load(Ordering::Relaxed)).unwrap_or_default();
                std::time::Duration::from_millis(millis)
            }
            None => START.elapsed(),
        }
    }

    /// Moves a manual clock; the machine's own cannot be moved.
    pub fn advance(&self, by: Duration) {
        if let Some(millis) = &self.0 {
            let by = i64::try_from(by.whole_milliseconds()).unwrap_or(i64::MAX);
            millis.fetch_add(by, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339_with_milliseconds_and_come_back_the_same() {
        let at = Timestamp::from_unix_millis(1_795_253_400_007);
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "\"2026-11-21T09:30:00.007Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), at);
    }
}
