//! Whether it pays to wait for company.

use std::time::Duration;

use tokio::time::Instant;

/// How much of the average the newest interval is.
const WEIGHT: f64 = 0.125;

/// How fast changes have been coming lately.
pub(crate) struct Pace {
    /// When the batch that is gathering began.
    pub(crate) begun: Instant,
    /// When the one before it began.
    before: Instant,
    /// Seconds between two changes, averaged.
    interval: f64,
}

impl Pace {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, before: now, interval: f64::INFINITY }
    }

    /// A batch begins to gather.
    pub(crate) fn begin(&mut self) {
        self.before = std::mem::replace(&mut self.begun, Instant::now());
    }

    /// As many changes have come since the batch before began.
    pub(crate) fn note(&mut self, changes: usize) {
        let seconds = self.begun.duration_since(self.before).as_secs_f64();
        let changes = u32::try_from(changes).map_or(f64::INFINITY, f64::from);
        let latest = seconds / changes.max(1.0);
        // After a silence nothing of the past counts.
        let silence = !self.interval.is_finite() || latest > self.interval * 16.0;
        self.interval =
            if silence { latest } else { self.interval + (latest - self.interval) * WEIGHT };
    }

    /// Whether at least one more change is likely to come within this time.
    pub(crate) fn expects_more(&self, within: Duration) -> bool {
        self.interval < within.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn after(pace: &mut Pace, interval: Duration, changes: usize) {
        tokio::time::advance(interval).await;
        pace.begin();
        pace.note(changes);
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_log_waits_and_a_quiet_one_does_not() {
        let window = Duration::from_millis(2);
        let mut pace = Pace::new();
        for _ in 0..20 {
            after(&mut pace, Duration::from_millis(20), 1).await;
        }
        assert!(!pace.expects_more(window));
        for _ in 0..40 {
            after(&mut pace, Duration::from_millis(3), 3).await;
        }
        assert!(pace.expects_more(window));
        after(&mut pace, Duration::from_secs(1), 1).await;
        assert!(!pace.expects_more(window), "the first after a silence is not kept waiting");
    }
}
