//! How nodes tell each other that something was committed. It is a hint, never the truth: what the
//! bus loses, the reconciler finds in the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Event, Hub};

/// Takes what was committed to the hubs that may have listeners.
#[derive(Clone)]
pub struct Bus {
    hub: Hub,
    /// Loses every n-th event; 0 loses none.
    lose_every: Arc<AtomicU32>,
    sent: Arc<AtomicU32>,
}

impl Bus {
    /// A bus within this process.
    pub fn local(hub: Hub) -> Self {
        Self { hub, lose_every: Arc::default(), sent: Arc::default() }
    }

    /// Hands on events, each feed's in the order of its revs.
    pub fn publish(&self, mut events: Vec<Event>) {
        let every = self.lose_every.load(Ordering::Relaxed);
        if every > 0 {
            events.retain(|_| self.sent.fetch_add(1, Ordering::Relaxed) % every != every - 1);
        }
        self.hub.publish(events);
    }

    /// Loses every n-th event from now on (1 loses all, 0 none): for tests of what the reconciler
    /// promises.
    pub fn lose_every(&self, n: u32) {
        self.lose_every.store(n, Ordering::Relaxed);
    }
}
