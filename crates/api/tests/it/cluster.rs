//! Clients that are spread over two nodes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tertulia_chat::Options;
use tertulia_realtime::Bus;
use tertulia_testing::RedisServer;

use crate::server::{Setup, TestServer, until};
use crate::socket::Socket;

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

/// Waits until this socket hears these words.
async fn hears(ears: &mut Socket, words: &str) {
    ears.until(|frame| frame["message"]["content"] == words).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_is_asked_for_as_soon_as_redis_is_back() {
    let Some(location) = TestServer::postgres_location().filter(|_| has_redis()) else { return };
    let redis = RedisServer::start();
    // Nobody looks by themselves.
    let never = Duration::from_hours(1);
    let options =
        Options { reconcile_every: never, poll_system_every: never, ..Options::default() };
    let setup = Setup { options, ..Setup::default() };
    let server = TestServer::cluster_on(&redis, location, setup).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let channel = ann.create_channel("general").await;
    bob.join(&channel).await;
    let mut ears = [bob.listen().await, bob.listen().await];
    redis.kill();
    let [one, two] = server.nodes();
    let away = |node: &TestServer| node.chat.bus().is_connected() == Some(false);
    until(|| away(one) && away(two)).await;
    ann.say(&channel, "unheard").await;
    ann.delete("/auth/sessions").await.expect(StatusCode::NO_CONTENT);
    redis.start_again();
    for ears in &mut ears {
        hears(ears, "unheard").await;
    }
    for node in [one, two] {
        until(|| node.chat.authenticate(ann.token.as_deref().unwrap()).is_err()).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_on_a_node_that_died_is_seen_to_go_half_a_minute_later() {
    let options = Options { presence_every: Duration::from_millis(50), ..Options::default() };
    let setup = Setup { options, ..Setup::default() };
    let Some(mut server) = TestServer::cluster_as(setup).await else { return };
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let channel = ann.create_channel("general").await;
    bob.join(&channel).await;
    let two = server.take_other();
    let mut looks = ann.at(&server).listen().await;
    looks.done(json!({ "type": "focus", "channel_ids": [channel] })).await;
    let _there = bob.at(&two).listen().await;
    let told = |status: &'static str| {
        let bob = bob.id.clone();
        move |frame: &Value| {
            let users = frame["users"].as_array().into_iter().flatten();
            frame["type"] == "presence"
                && users.into_iter().any(|it| it["user_id"] == *bob && it["status"] == status)
        }
    };
    looks.until(told("online")).await;
    // Nothing more is heard of it.
    two.stop().await;
    server.clock.advance(time::Duration::seconds(29));
    tokio::time::sleep(Duration::from_millis(200)).await;
    looks.settle().await;
    assert!(!looks.kept().any(told("offline")));
    server.clock.advance(time::Duration::seconds(1));
    looks.until(told("offline")).await;
    server.stop().await;
}
