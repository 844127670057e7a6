//! Latencies in buckets that are at most 1.6 % wide.

/// Sub-buckets a power of two, as a shift.
const FINE: u32 = 6;

/// Room for values up to 2^44 ns, five hours.
const BUCKETS: usize = (44 - FINE as usize + 1) << FINE;

/// Counts nanoseconds; adding one costs a few instructions and never allocates.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, largest: 0 }
    }
}

impl Histogram {
    /// Adds one value; what is too large counts in the last bucket.
    pub(crate) fn add(&mut self, value: u64) {
        let bucket = bucket(value).min(BUCKETS - 1);
        self.buckets[bucket] += 1;
        self.count += 1;
        self.largest = self.largest.max(value);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
        self.largest = 0;
    }

    /// The value that `per_mille` thousandths of all are at or below, in milliseconds.
    pub(crate) fn milliseconds(&self, per_mille: u64) -> Option<f64> {
        let rank = (self.count * per_mille).div_ceil(1000).max(1);
        let mut below = 0;
        let found = self.buckets.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(to_milliseconds(upper_edge(found).min(self.largest)))
    }

    /// The largest value, in milliseconds.
    pub(crate) fn largest(&self) -> Option<f64> {
        (self.count > 0).then(|| to_milliseconds(self.largest))
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a run fit into 52 bits")]
fn to_milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

fn bucket(value: u64) -> usize {
    if value < 1 << FINE {
        return usize::try_from(value).unwrap_or(0);
    }
    let power = value.ilog2();
    let fine = (value >> (power - FINE)) & ((1 << FINE) - 1);
    let coarse = (power - FINE + 1) as usize;
    (coarse << FINE) + usize::try_from(fine).unwrap_or(0)
}

fn upper_edge(bucket: usize) -> u64 {
    let coarse = bucket >> FINE;
    let fine = (bucket & ((1 << FINE) - 1)) as u64;
    if coarse == 0 {
        return fine;
    }
    let shift = coarse - 1;
    (((1 << FINE) + fine + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_values_and_is_narrow() {
        for value in (0..200).chain([1_000, 12_345, 999_999, 1 << 30, (1 << 43) + 77]) {
            let edge = upper_edge(bucket(value));
            assert!(edge >= value, "{value} is above its bucket's edge {edge}");
            assert!(edge - value <= value / 64 + 1, "{value} in a wide bucket");
            assert_eq!(bucket(edge), bucket(value));
            assert_eq!(bucket(edge + 1), bucket(value) + 1);
        }
    }

    #[test]
    fn percentiles_are_of_what_was_added() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.milliseconds(500), None);
        for value in 1..=1000 {
            histogram.add(value * 1_000_000);
        }
        let near = |per_mille: u64, wanted: f64| {
            let found = histogram.milliseconds(per_mille).unwrap();
            assert!((found / wanted - 1.0).abs() < 0.02, "{found} for {wanted}");
        };
        near(500, 500.0);
        near(990, 990.0);
        near(999, 999.0);
        assert_eq!(histogram.largest(), Some(1000.0));
    }

    #[test]
    fn what_is_too_large_is_still_counted() {
        let mut histogram = Histogram::default();
        histogram.add(u64::MAX);
        assert!(histogram.milliseconds(500).is_some());
    }
}
