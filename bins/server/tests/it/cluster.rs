//! Two processes on one PostgreSQL, which hear of each other by Redis.

use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::Method;
use serde_json::json;
use tertulia_testing::{PostgresCluster, RedisServer};

use crate::client::{Answer, PASSWORD, Person, text};
use crate::load::World;
use crate::process::{Home, PATIENCE, Server, has_postgres};
use crate::socket::{Closed, Socket};

/// What all nodes of a cluster have in common.
const SECRET: &str = "a secret of the tests 8f14e45fceea167a5a36dedd4bea2543";

/// A Redis and two homes on one database; `None` where PostgreSQL or Redis are known not to be.
fn two_homes() -> Option<(RedisServer, Home, Home)> {
    if !has_postgres() || !has_redis() {
        return None;
    }
    let redis = RedisServer::start();
    let one = Home::postgres_of(PostgresCluster::shared());
    let database = one.setting("DATABASE_URL").to_owned();
    let two = Home::sqlite().with("DATABASE_URL", database);
    let files = format!("file://{}", one.path("files").display());
    let node = |home: Home| {
        home.with("SECRET_KEY", SECRET)
            .with("REDIS_URL", redis.url())
            .with("FILES_URL", files.clone())
            .with("ACCESS_TOKEN_EXPIRE_MINUTES", "1440")
    };
    let (one, two) = (node(one), node(two));
    Some((redis, one, two))
}

fn has_redis() -> bool {
    !std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("redis"))
}

/// Waits until a node says this of itself; requests are to be sent to it all the time.
async fn says(node: &Server, status: &str) -> Answer {
    let asked = async {
        loop {
            let answer = node.look("/ready").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            if answer.body["status"] == status {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.expect("it becomes so")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_on_two_nodes_though_redis_is_killed_in_the_middle() {
    let Some((redis, one, two)) = two_homes() else { return };
    let (one, two) = (one.start(), two.start());
    for node in [&one, &two] {
        let ready = says(node, "ready").await;
        assert_eq!(ready.body["checks"], json!({ "database": true, "serving": true, "bus": true }));
    }
    let mut world = World::new(&one).await;
    let talk = world.begin_over(&[&one, &two]).await;
    talk.acknowledged(100).await;
    redis.kill();
    for node in [&one, &two] {
        assert_eq!(says(node, "degraded").await.body["checks"]["bus"], false);
    }
    talk.acknowledged(100).await;
    redis.start_again();
    for node in [&one, &two] {
        says(node, "ready").await;
    }
    talk.acknowledged(100).await;
    world.finish(&two, talk).await;
    world.verify(&two).await;
    world.verify_all(&one).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_on_a_killed_node_goes_on_on_the_other() {
    let Some((_redis, home, two)) = two_homes() else { return };
    let (one, two) = (home.start(), two.start());
    let mut world = World::new(&one).await;
    let talk = world.begin(&one).await;
    talk.acknowledged(50).await;
    one.program.kill();
    world.interrupted(talk).await;
    world.verify(&two).await;
    let talk = world.begin(&two).await;
    talk.acknowledged(50).await;
    let one = home.start();
    talk.acknowledged(50).await;
    world.finish(&one, talk).await;
    world.verify_all(&one).await;
}

/// How long a message takes to the other node, at best of some.
async fn way(from: &Person, ears: &mut Socket, channel: &str) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let said = from.say(channel, "hello").await;
        let begun = Instant::now();
        while ears.next().await.unwrap()["message"]["id"] != said["id"] {}
        best = best.min(begun.elapsed());
    }
    best
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_on_one_node_ends_on_the_other_at_once_or_a_second_later_without_redis() {
    let Some((redis, one, two)) = two_homes() else { return };
    let (one, two) = (one.start(), two.start());
    says(&one, "ready").await;
    says(&two, "ready").await;
    let (ann, bob) = (one.user("ann").await, one.user("bob").await);
    let channel = ann.create_channel("general").await;
    bob.join(&channel).await;
    for with_redis in [true, false] {
        if !with_redis {
            redis.kill();
            says(&one, "degraded").await;
            says(&two, "degraded").await;
        }
        let mut ears = Socket::open(&bob.at(&two)).await.unwrap();
        let took = way(&ann, &mut ears, &channel).await;
        if with_redis {
            assert!(took < Duration::from_millis(150), "by the bus: {took:?}");
        }

        let ban = format!("/channels/{channel}/bans/{}", bob.id);
        let banned = ann.request(Method::PUT, &ban).json(&json!({}));
        Answer::to(banned).await.expect(201);
        ann.say(&channel, "not for bob").await;
        loop {
            let frame = ears.next().await.unwrap();
            assert_ne!(frame["message"]["content"], "not for bob");
            if frame["membership"]["state"] == "banned" {
                break;
            }
        }
        let pinged = ears.ask(json!({ "type": "ping" })).await.unwrap();
        assert_eq!(pinged["ok"], true);
        Answer::to(ann.request(Method::DELETE, &ban)).await.expect(204);
        bob.at(&two).join(&channel).await;

        let log_in = json!({ "username": "bob", "password": PASSWORD });
        let signed_in = one.nobody().post("/auth/login", log_in).await;
        let device = one.nobody().signed_in(&signed_in.expect(200).body).at(&two);
        let mut gone = Socket::open(&device).await.unwrap();
        let session = format!("/auth/sessions/{}", text(&signed_in.body["session_id"]));
        let ended = Instant::now();
        Answer::to(bob.request(Method::DELETE, &session)).await.expect(204);
        let closed = loop {
            if let Err(closed) = gone.next().await {
                break closed;
            }
        };
        assert_eq!(closed, Closed(4009));
        assert!(ended.elapsed() < Duration::from_secs(3), "{:?}", ended.elapsed());
        device.get("/users/me").await.expect(401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_is_reached_by_tls_alone_when_the_address_says_so_and_its_password_is_not_told() {
    if !has_postgres() || !has_redis() {
        return;
    }
    let (authority, certificate, key) = papers();
    let redis = RedisServer::start_tls(&certificate, &key);
    let url = redis.tls_url("localhost");
    let password = url.split([':', '@']).nth(2).unwrap().to_owned();
    let home = || Home::postgres_of(PostgresCluster::shared()).with("LOG_LEVEL", "trace");

    let trusting = home();
    let file = trusting.path("ca.pem");
    std::fs::write(&file, authority).unwrap();
    let trusting =
        trusting.with("REDIS_URL", url.clone()).with("SSL_CERT_FILE", file.display().to_string());
    let trusts = trusting.start();
    says(&trusts, "ready").await;

    let doubts = home().with("REDIS_URL", url.clone());
    let doubts = doubts.start();
    says(&doubts, "degraded").await;
    let wrong = home().with("REDIS_URL", url.replace(&password, "pa55word"));
    let wrong = wrong.start();
    says(&wrong, "degraded").await;
    for node in [trusts, doubts, wrong] {
        let ended = node.stop();
        let told = [ended.out, ended.err].concat().join("\n");
        assert!(!told.contains(&password) && !told.contains("pa55word"), "{told}");
    }
}

/// An authority, and a certificate with its key for `localhost`.
fn papers() -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (authority, server.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
}
