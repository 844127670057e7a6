//! PostgreSQL goes away while the server serves, and comes back.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tertulia_testing::PostgresCluster;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::client::{Answer, PASSWORD, Person};
use crate::load::World;
use crate::process::{Home, Server, has_postgres};
use crate::proxy::Proxy;

/// What is asked while the database is away is answered by then.
const LATEST_ANSWER: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_killed_and_comes_back() {
    let Some(cluster) = cluster() else { return };
    story(&cluster, PostgresCluster::stop_immediately, PostgresCluster::start_again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_hangs_and_goes_on() {
    let Some(cluster) = cluster() else { return };
    story(&cluster, PostgresCluster::pause, PostgresCluster::resume).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_parts_and_joins_again_leaves_no_dead_connection_behind() {
    if !has_postgres() {
        return;
    }
    let (proxy, url) = Proxy::before(&PostgresCluster::shared().database()).await;
    let server = Home::sqlite().with("DATABASE_URL", url).start();
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    let history = format!("/channels/{channel}/messages");
    let before = ann.say(&channel, "before").await;
    // As many connections as the pool may have, which lie idle when the network parts.
    all_work(&server, &ann, &channel).await;

    proxy.part();
    server.until_ready_is(503).await;
    all_is_unavailable(&server, &ann, &history).await;
    proxy.join();
    server.until_ready_is(200).await;
    all_work(&server, &ann, &channel).await;
    let after = ann.history(&channel, 0).await;
    assert_eq!(after[0], before);
}

/// Two hundred reads and writes, by many at once: not one fails.
async fn all_work(server: &Server, person: &Person, channel: &str) {
    let mut asked = JoinSet::new();
    for turn in 0..200 {
        let (person, channel) = (person.at(server), channel.to_owned());
        asked.spawn(async move {
            match turn % 4 {
                0 => person.try_to_say(&channel, "still here").await.status,
                1 => person.get("/users/me").await.status,
                2 => person.get("/users/me/channels").await.status,
                _ => person.get(&format!("/channels/{channel}/messages")).await.status,
            }
        });
    }
    for status in asked.join_all().await {
        assert!(status.is_success(), "{status}");
    }
}

fn cluster() -> Option<PostgresCluster> {
    has_postgres().then(PostgresCluster::start)
}

async fn story(cluster: &PostgresCluster, away: fn(&PostgresCluster), back: fn(&PostgresCluster)) {
    let server = Home::postgres_of(cluster).start();
    let mut world = World::new(&server).await;
    let talk = world.begin(&server).await;
    let (owner, channel) = world.owner(&server);
    let history = format!("/channels/{channel}/messages");
    let over = watch::Sender::new(false);
    let mut readers = JoinSet::new();
    for path in ["/users/me", "/users/me/channels", &history] {
        readers.spawn(read(owner.clone(), path.to_owned(), over.subscribe()));
    }
    talk.acknowledged(50).await;

    away(cluster);
    server.until_ready_is(503).await;
    server.look("/health").await.expect(200);
    all_is_unavailable(&server, &owner, &history).await;
    back(cluster);

    server.until_ready_is(200).await;
    talk.acknowledged(50).await;
    over.send_replace(true);
    for statuses in readers.join_all().await {
        assert_eq!(statuses, BTreeSet::from([200, 503]));
    }
    // On the sockets of before: the publishers find each answer, the listeners each message.
    world.finish(&server, talk).await;
    world.verify_all(&server).await;
}

/// Reads without pause until it is over, at the very moments of the going and the coming too. Gives
/// what it was answered with.
async fn read(person: Person, path: String, over: watch::Receiver<bool>) -> BTreeSet<u16> {
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    let mut statuses = BTreeSet::new();
    while !*over.borrow() {
        pace.tick().await;
        statuses.insert(person.get(&path).await.status.as_u16());
    }
    statuses
}

/// Reads, writes and signing in are answered as they should, and so is what comes a little later
/// and finds others that wait.
async fn all_is_unavailable(server: &Server, owner: &Person, history: &str) {
    let (mut asked, mut pace) = (JoinSet::new(), tokio::time::interval(Duration::from_millis(300)));
    for path in ["/users/me", "/users/me/channels", history] {
        asked.spawn(unavailable(owner.request(Method::GET, path)));
    }
    let login = json!({ "username": "owner", "password": PASSWORD });
    for (path, body) in [
        ("/auth/login", login),
        ("/auth/tickets", json!({})),
        ("/channels", json!({ "name": "three" })),
    ] {
        asked.spawn(unavailable(owner.request(Method::POST, path).json(&body)));
    }
    for _ in 0..10 {
        pace.tick().await;
        let body = json!({ "content": "is anybody there?" });
        asked.spawn(unavailable(owner.request(Method::POST, history).json(&body)));
    }
    asked.join_all().await;
    server.look("/health").await.expect(200);
}

/// Says what is so while the database is away, soon.
async fn unavailable(request: RequestBuilder) {
    let begun = Instant::now();
    let answer = Answer::to(request).await;
    let (code, took) = (answer.problem(503), begun.elapsed());
    assert!(["unavailable", "overloaded", "timeout"].contains(&code), "{}", answer.body);
    assert!(answer.headers.contains_key("retry-after"), "{}", answer.body);
    assert!(took < LATEST_ANSWER, "{} after {took:?}", answer.body);
}
