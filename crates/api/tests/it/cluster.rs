//! Clients that are spread over two nodes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tertulia_realtime::Bus;

use crate::server::{TestServer, until};

/// The nodes that clients are spread over: every person and every socket is on the next one.
pub(crate) struct Spread {
    bases: Vec<String>,
    buses: Vec<Bus>,
    turn: AtomicUsize,
}

impl Spread {
    pub(crate) fn over(nodes: [&TestServer; 2]) -> Self {
        Self {
            bases: nodes.iter().map(|node| node.base.clone()).collect(),
            buses: nodes.iter().map(|node| node.chat.bus().clone()).collect(),
            turn: AtomicUsize::new(0),
        }
    }

    pub(crate) fn next_base(&self) -> String {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.bases[turn % self.bases.len()].clone()
    }

    /// Waits until both nodes hear of each other.
    pub(crate) async fn joined(&self) {
        until(|| self.buses.iter().all(|bus| bus.is_connected() == Some(true))).await;
        self.settled().await;
    }

    /// Waits until each node has heard what the other one has said, as people do who are told on one
    /// node and act on another. Where Redis is away, at once.
    pub(crate) async fn settled(&self) {
        let [one, two] = &self.buses[..] else { return };
        let settled = async {
            while one.is_connected() == Some(true) && two.is_connected() == Some(true) {
                if one.is_heard_by(two) && two.is_heard_by(one) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled).await.expect("the bus settles");
    }
}

/// Whether stories on Redis are to be told here: `.ci/test` says so at its end.
pub(crate) fn has_redis() -> bool {
    !std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("redis"))
}
