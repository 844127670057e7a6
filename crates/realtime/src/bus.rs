//! How nodes tell each other that something was committed, and what is true for a moment. It is a
//! hint, never the truth: what the bus loses of what was committed, the reconciler finds in the
//! database; the rest may be lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::RwLock;

use crate::{Event, Hub, Signal};

/// Takes what was committed to the hubs that may have listeners, and signals to those who look.
#[derive(Clone)]
pub struct Bus {
    hub: Hub,
    /// Other nodes of this process; held for a look only.
    others: Arc<RwLock<Vec<Hub>>>,
    /// Loses every n-th event; 0 loses none.
    lose_every: Arc<AtomicU32>,
    sent: Arc<AtomicU32>,
}

impl Bus {
    /// A bus within this process.
    pub fn local(hub: Hub) -> Self {
        Self { hub, others: Arc::default(), lose_every: Arc::default(), sent: Arc::default() }
    }

    /// Joins two nodes of one process: each hears what the other commits and signals.
    pub fn link(&self, other: &Self) {
        self.others.write().push(other.hub.clone());
        other.others.write().push(self.hub.clone());
    }

    /// Hands on events, each feed's in the order of its revs.
    pub fn publish(&self, mut events: Vec<Event>) {
        let every = self.lose_every.load(Ordering::Relaxed);
        if every > 0 {
            events.retain(|_| self.sent.fetch_add(1, Ordering::Relaxed) % every != every - 1);
        }
        for other in self.others.read().iter() {
            other.publish(events.clone());
        }
        self.hub.publish(events);
    }

    /// Hands on what is true for a moment.
    pub fn signal(&self, signals: &[Signal]) {
        if signals.is_empty() {
            return;
        }
        for other in self.others.read().iter() {
            other.signal(signals);
        }
        self.hub.signal(signals);
    }

    /// Loses every n-th event from now on (1 loses all, 0 none): for tests of what the reconciler
    /// promises.
    pub fn lose_every(&self, n: u32) {
        self.lose_every.store(n, Ordering::Relaxed);
    }
}
