//! The bus is a hint: what it loses is found in the database, by whoever may hear it and nobody else.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::{Location, Options};

use crate::on_both;
use crate::server::{Person, Setup, TestServer, text};
use crate::socket::Socket;

/// A reconciler that tests need not wait for.
fn options() -> Options {
    Options { reconcile_every: Duration::from_millis(200), ..Options::default() }
}

fn setup() -> Setup {
    Setup { options: options(), ..Setup::default() }
}

/// The contents of the next messages of a channel, whose frames must be a chain from `cursor` on.
async fn hear(ears: &mut Socket, channel: &str, cursor: &mut i64, count: usize) -> Vec<String> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let frame = ears.until(|frame| frame["feed"] == channel).await;
        assert_ne!(frame["type"], "stale", "a few changes are no reason to send a client away");
        assert_eq!(frame["prev"], *cursor, "{frame}");
        *cursor = frame["rev"].as_i64().unwrap();
        if frame["type"] == "message.created" {
            heard.push(text(&frame["message"]["content"]));
        }
    }
    heard
}

fn head_of(ready: &Value, channel: &str) -> i64 {
    let channels = ready["channels"].as_array().unwrap();
    let own = channels.iter().find(|own| own["feed"] == channel).unwrap();
    own["head"].as_i64().unwrap()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

/// Waits until a client that syncs when it is told to has heard these words, live or so.
async fn hears_of(ears: &mut Socket, channel: &str, words: &str) {
    let epoch = ears.ready["epoch"].clone();
    let says = |frame: &Value| frame["message"]["content"] == words;
    loop {
        let frame = ears.until(|frame| frame["feed"] == channel).await;
        if frame["type"] == "stale" {
            let delta = sync(ears, channel, &epoch, 0).await;
            if delta["data"]["items"].as_array().unwrap().iter().any(says) {
                return;
            }
        } else if says(&frame) {
            return;
        }
    }
}

async fn sync(ears: &mut Socket, feed: &str, epoch: &Value, rev: i64) -> Value {
    ears.ask(json!({ "type": "sync", "feed": feed, "epoch": epoch, "rev": rev })).await
}

on_both! {
    with setup(),
    async fn every_change_is_heard_once_and_in_order_whatever_the_bus_loses(server: TestServer) {
        let (ann, bob, carol) =
            (server.user("ann").await, server.user("bob").await, server.user("carol").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        carol.join(&channel).await;
        let mut ears = [bob.listen().await, carol.listen().await];
        let mut cursors = [head_of(&ears[0].ready, &channel), head_of(&ears[1].ready, &channel)];
        for every in [1, 2, 3] {
            server.chat.bus().lose_every(every);
            for n in 0..20 {
                ann.say(&channel, &n.to_string()).await;
            }
            for (ears, cursor) in ears.iter_mut().zip(&mut cursors) {
                assert_eq!(hear(ears, &channel, cursor, 20).await, numbers(0..20), "losing every {every}.");
            }
        }
        server.chat.bus().lose_every(0);
        ann.say(&channel, "and on").await;
        for (ears, cursor) in ears.iter_mut().zip(&mut cursors) {
            assert_eq!(hear(ears, &channel, cursor, 1).await, ["and on"]);
            ears.settle().await;
            assert!(ears.kept().all(|frame| frame["feed"] != channel.as_str()), "nothing twice");
        }
    }
}

on_both! {
    with setup(),
    async fn who_is_let_in_unheard_comes_in_all_the_same(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("secret").await;
        let mut ears = [bob.listen().await, server.log_in("bob").await.listen().await];
        server.chat.bus().lose_every(1);
        ann.say(&channel, "before").await;
        ann.add(&channel, &bob).await;
        ann.say(&channel, "during").await;
        // One more device, which knows from the beginning: the others must come in as well.
        let mut late = bob.listen().await;
        assert_eq!(late.ready["channels"][0]["feed"], channel.as_str());
        for ears in &mut ears {
            let joined = ears.next_of("membership.updated").await;
            assert_eq!(joined["channel"]["id"], channel.as_str());
            let epoch = ears.ready["epoch"].clone();
            let delta = sync(ears, &channel, &epoch, 0).await;
            assert_eq!(delta["data"]["head"], 5, "{delta}");
        }
        server.chat.bus().lose_every(0);
        ann.say(&channel, "after").await;
        for ears in ears.iter_mut().chain([&mut late]) {
            hears_of(ears, &channel, "after").await;
        }
    }
}

on_both! {
    with setup(),
    async fn who_was_sent_away_unheard_hears_nothing_of_what_came_after(server: TestServer) {
        let (ann, bob, carol) =
            (server.user("ann").await, server.user("bob").await, server.user("carol").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        carol.join(&channel).await;
        let (mut gone, mut stays) = (bob.listen().await, carol.listen().await);
        let mut cursor = head_of(&stays.ready, &channel);
        for lost in [1, 0] {
            // Whether all that follows is lost as well, or what follows shows that something was.
            server.chat.bus().lose_every(1);
            ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await.expect(StatusCode::NO_CONTENT);
            server.chat.bus().lose_every(lost);
            for n in 11..20 {
                ann.say(&channel, &n.to_string()).await;
            }
            assert_eq!(hear(&mut stays, &channel, &mut cursor, 9).await, numbers(11..20));
            let out = gone.until(|frame| frame["membership"]["state"] == "removed").await;
            assert!(out["channel"].is_null());
            gone.settle().await;
            assert!(gone.kept().all(|frame| frame["feed"] != channel.as_str()), "he was out by then");
            let sent = json!({ "type": "message.send", "channel_id": channel, "content": "hear me" });
            assert_eq!(gone.ask(sent).await["error"]["code"], "forbidden");

            server.chat.bus().lose_every(0);
            bob.join(&channel).await;
            let joined = gone.until(|frame| frame["member"]["user_id"] == bob.id.as_str()).await;
            assert_eq!(joined["member"]["state"], "joined");
        }
    }
}

on_both! {
    with setup(),
    async fn a_channel_deleted_unheard_is_gone(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("secret").await;
        ann.add(&channel, &bob).await;
        let mut ears = bob.listen().await;
        server.chat.bus().lose_every(1);
        ann.say(&channel, "never heard").await;
        ann.delete(&format!("/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        let gone = ears.until(|frame| frame["feed"] == channel.as_str()).await;
        assert_eq!((&gone["type"], &gone["channel"]["name"]), (&json!("channel.deleted"), &Value::Null));
        assert_eq!(sync(&mut ears, &channel, &Value::Null, 0).await["error"]["code"], "not_found");
    }
}

on_both! {
    with setup(),
    async fn a_session_that_ended_unheard_has_ended(server: TestServer) {
        let ann = server.user("ann").await;
        let other = server.log_in("ann").await;
        let (mut gone, mut stays) = (ann.listen().await, other.listen().await);
        server.chat.bus().lose_every(1);
        let ended = Instant::now();
        other.delete(&format!("/auth/sessions/{}", ann.session)).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(gone.closed().await, 4009);
        assert!(ended.elapsed() < Duration::from_millis(1500), "{:?}", ended.elapsed());
        ann.get("/users/me").await.problem(401, "unauthenticated");
        stays.settle().await;
    }
}

/// Two nodes on one database that do not hear of each other.
async fn two_nodes(location: Location) -> (TestServer, TestServer) {
    let one = TestServer::start(location.clone(), options(), None).await;
    (one, TestServer::start(location, options(), None).await)
}

/// The same device, speaking to another node.
fn at(node: &TestServer, person: &Person) -> Person {
    let mut there = person.clone();
    there.base.clone_from(&node.base);
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_on_one_node_is_heard_on_another() {
    let Some(location) = TestServer::postgres_location() else { return };
    let (one, two) = two_nodes(location).await;
    let (ann, bob) = (one.user("ann").await, one.user("bob").await);
    let channel = ann.create_private("secret").await;
    let mut early = at(&two, &bob).listen().await;
    ann.add(&channel, &bob).await;
    early.next_of("membership.updated").await;
    ann.say(&channel, "welcome").await;
    hears_of(&mut early, &channel, "welcome").await;
    early.drop_now();

    let mut ears = at(&two, &bob).listen().await;
    let mut cursor = head_of(&ears.ready, &channel);
    for _ in 0..3 {
        let said = Instant::now();
        for n in 0..20 {
            ann.say(&channel, &n.to_string()).await;
        }
        assert_eq!(hear(&mut ears, &channel, &mut cursor, 20).await, numbers(0..20));
        assert!(said.elapsed() < Duration::from_secs(2), "{:?}", said.elapsed());
    }
    // Both ways.
    let mut mouth = ann.listen().await;
    let mut behind = head_of(&mouth.ready, &channel);
    at(&two, &bob).say(&channel, "hello").await;
    assert_eq!(hear(&mut mouth, &channel, &mut behind, 1).await, ["hello"]);
    hear(&mut ears, &channel, &mut cursor, 1).await;

    ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await;
    ann.say(&channel, "not for bob").await;
    ears.until(|frame| frame["membership"]["state"] == "removed").await;
    ears.settle().await;
    assert!(ears.kept().all(|frame| frame["feed"] != channel.as_str()));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_on_one_node_ends_on_another() {
    let Some(location) = TestServer::postgres_location() else { return };
    let (one, two) = two_nodes(location).await;
    let ann = one.user("ann").await;
    let there = at(&two, &ann);
    let mut ears = there.listen().await;
    there.get("/users/me").await.expect(StatusCode::OK);
    let ended = Instant::now();
    ann.send(ann.request(Method::POST, "/auth/logout")).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(ears.closed().await, 4009);
    there.get("/users/me").await.problem(401, "unauthenticated");
    assert!(ended.elapsed() < Duration::from_millis(1500), "{:?}", ended.elapsed());
    let token = format!("Bearer {}", ann.token.clone().unwrap());
    let again = Socket::try_open(&two.base, "/api/v1/ws", &[("authorization", token)]).await;
    assert_eq!(again.err(), Some(401));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_one_socket_on_all_nodes() {
    let Some(location) = TestServer::postgres_location() else { return };
    let (one, two) = two_nodes(location).await;
    let ann = one.user("ann").await;
    let mut opened = 0;
    for _ in 0..5 {
        let ticket = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
        let path = format!("/api/v1/ws?ticket={}", text(&ticket.body["ticket"]));
        let (here, there) = tokio::join!(
            Socket::try_open(&one.base, &path, &[]),
            Socket::try_open(&two.base, &path, &[]),
        );
        opened += i32::from(here.is_ok()) + i32::from(there.is_ok());
        assert_eq!(here.err().or(there.err()), Some(401));
    }
    assert_eq!(opened, 5);
    one.stop().await;
    two.stop().await;
}
