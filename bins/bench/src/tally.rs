//! What all clients of a run count together. One thread drives them, so cells are enough.

use crate::histogram::Histogram;
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Instant,
};

/// Read at once from a socket: large, so that waiting frames cost one system call, and shared, so
/// that ten thousand clients cost ten thousand sockets and not 2.5 GiB.
const READ_BUFFER: usize = 256 * 1024;

/// Shared counters, clock and read buffer.
pub(crate) struct Tally {
    start: Instant,
    /// Where every socket's bytes are read into.
    pub(crate) buffer: RefCell<Vec<u8>>,
    /// Messages acknowledged.
    pub(crate) acks: Cell<u64>,
    /// Messages seen, each by each client.
    pub(crate) deliveries: Cell<u64>,
    /// Whether latencies are recorded now.
    pub(crate) recording: Cell<bool>,
    /// From sending to receipt by another client, or by oneself.
    pub(crate) latency: RefCell<Histogram>,
    /// From sending to the acknowledgement.
    pub(crate) ack_latency: RefCell<Histogram>,
    /// Refused messages by the error's code.
    pub(crate) refused: RefCell<BTreeMap<String, u64>>,
}

impl Tally {
    /// Counters at zero; the clock begins now.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            buffer: RefCell::new(vec![0; READ_BUFFER]),
            acks: Cell::new(0),
            deliveries: Cell::new(0),
            recording: Cell::new(false),
            latency: RefCell::default(),
            ack_latency: RefCell::default(),
            refused: RefCell::default(),
        }
    }

    /// Nanoseconds of a monotonic clock, from the making of this tally; sixteen digits last for
    /// 115 days.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Counts a message that a client saw.
    pub(crate) fn delivered(&self, stamp: Option<u64>, now: u64) {
        self.deliveries.set(self.deliveries.get() + 1);
        if let Some(stamp) = stamp
            && self.recording.get()
        {
            self.latency.borrow_mut().add(now.saturating_sub(stamp));
        }
    }

    /// Counts an acknowledgement of the message sent at `stamp`.
    pub(crate) fn acknowledged(&self, stamp: u64, now: u64) {
        self.acks.set(self.acks.get() + 1);
        if self.recording.get() {
            self.ack_latency.borrow_mut().add(now.saturating_sub(stamp));
        }
    }

    /// Counts a refused message.
    pub(crate) fn refuse(&self, code: String) {
        *self.refused.borrow_mut().entry(code).or_default() += 1;
    }

    /// Forgets the latencies so far and records from now on.
    pub(crate) fn record(&self) {
        self.latency.borrow_mut().clear();
        self.ack_latency.borrow_mut().clear();
        self.recording.set(true);
    }
}
