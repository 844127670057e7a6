//! How nodes tell each other that something was committed, and what is true for a moment. It is a
//! hint, never the truth: what the bus loses of what was committed, the reconciler finds in the
//! database; the rest may be lost.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use hmac::Hmac;
use parking_lot::RwLock;
use sha2::Sha256;

use crate::{Event, Hub, Signal};

mod effects;
mod envelope;
mod queue;
mod redis;

pub use redis::RedisAddress;

use envelope::Sealer;
use redis::{Line, Remote};

/// Takes what was committed to the hubs that may have listeners, and signals to those who look.
#[derive(Clone)]
pub struct Bus {
    hub: Hub,
    /// Other nodes of this process; held for a look only.
    others: Arc<RwLock<Vec<Hub>>>,
    /// The way to nodes of other processes.
    remote: Option<Arc<Remote>>,
    /// Loses every n-th event; 0 loses none.
    lose_every: Arc<AtomicU32>,
    sent: Arc<AtomicU32>,
}

impl Bus {
    /// A bus within this process.
    pub fn local(hub: Hub) -> Self {
        let (others, lose_every, sent) = (Arc::default(), Arc::default(), Arc::default());
        Self { hub, others, remote: None, lose_every, sent }
    }

    /// A bus to all nodes on the database of this epoch, and what serves it, to be run until it ends
    /// after [`Bus::finish`]. Nodes know each other's messages by the MAC.
    pub fn redis(
        hub: Hub,
        address: RedisAddress,
        epoch: &str,
        mac: Hmac<Sha256>,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let remote = Arc::new(Remote::new());
        let line = Line {
            remote: Arc::clone(&remote),
            hub: hub.clone(),
            address,
            sealer: Sealer::new(mac, epoch, hub.node()),
            channel: format!("tertulia:{epoch}:bus"),
        };
        (Self { remote: Some(remote), ..Self::local(hub) }, line.run())
    }

    /// Joins two nodes of one process: each hears what the other commits and signals.
    pub fn link(&self, other: &Self) {
        self.others.write().push(other.hub.clone());
        other.others.write().push(self.hub.clone());
    }

    /// Hands on events, each feed's in the order of its revs. Never waits for other nodes.
    pub fn publish(&self, mut events: Vec<Event>) {
        let every = self.lose_every.load(Ordering::Relaxed);
        if every > 0 {
            events.retain(|_| self.sent.fetch_add(1, Ordering::Relaxed) % every != every - 1);
        }
        if let Some(remote) = &self.remote {
            remote.queue.events(&events);
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
        if let Some(remote) = &self.remote {
            remote.queue.signals(signals);
        }
        for other in self.others.read().iter() {
            other.signal(signals);
        }
        self.hub.signal(signals);
    }

    /// Waits until something may have been lost on the way from other nodes.
    pub async fn doubted(&self) {
        match &self.remote {
            Some(remote) => remote.doubted().await,
            None => std::future::pending().await,
        }
    }

    /// Whether what is committed elsewhere is heard of at once; `None` where there is no elsewhere.
    pub fn is_connected(&self) -> Option<bool> {
        self.remote.as_ref().map(|remote| remote.is_connected())
    }

    /// Says to other nodes what still waits, and ends what serves it.
    pub fn finish(&self) {
        if let Some(remote) = &self.remote {
            remote.finish();
        }
    }

    /// Loses every n-th event from now on (1 loses all, 0 none): for tests of what the reconciler
    /// promises.
    pub fn lose_every(&self, n: u32) {
        self.lose_every.store(n, Ordering::Relaxed);
    }

    /// Whether all that was said here has been heard by another node of this process: for tests that
    /// ask one node for what they did on another.
    pub fn is_heard_by(&self, other: &Self) -> bool {
        match (&self.remote, &other.remote) {
            (Some(here), Some(there)) => here.is_heard_by(self.hub.node(), there),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests;
