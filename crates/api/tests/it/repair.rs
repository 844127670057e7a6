//! The bus is a hint: what it loses is found in the database, by whoever may hear it and nobody else.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::Options;

use crate::on_both;
use crate::server::{Setup, text};
use crate::socket::Socket;

mod nodes;

/// A reconciler that tests need not wait for.
fn options() -> Options {
    Options { reconcile_every: Duration::from_millis(200), ..Options::default() }
}

fn setup() -> Setup {
    Setup { options: options(), ..Setup::default() }
}

/// A reconciler that never comes: what is lost is found by what follows it, or not at all.
fn never() -> Setup {
    let options = Options { reconcile_every: Duration::from_hours(1), ..Options::default() };
    Setup { options, ..Setup::default() }
}

/// The longest message in UTF-8: 16 kB.
fn long(n: usize) -> String {
    let start = format!("{n} ");
    let rest = 4000 - start.len();
    start + &"🦀".repeat(rest)
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
            server.lose_every(every);
            for n in 0..20 {
                ann.say(&channel, &n.to_string()).await;
            }
            for (ears, cursor) in ears.iter_mut().zip(&mut cursors) {
                assert_eq!(hear(ears, &channel, cursor, 20).await, numbers(0..20), "losing every {every}.");
            }
        }
        server.lose_every(0);
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
        server.lose_every(1);
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
        server.lose_every(0);
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
            server.lose_every(1);
            ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await.expect(StatusCode::NO_CONTENT);
            server.lose_every(lost);
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

            server.lose_every(0);
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
        server.lose_every(1);
        ann.say(&channel, "never heard").await;
        ann.delete(&format!("/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        let gone = ears.until(|frame| frame["feed"] == channel.as_str()).await;
        assert_eq!((&gone["type"], &gone["channel"]["name"]), (&json!("channel.deleted"), &Value::Null));
        assert_eq!(sync(&mut ears, &channel, &Value::Null, 0).await["error"]["code"], "not_found");
    }
}

on_both! {
    // By what looks for ended sessions alone.
    with never(),
    async fn a_session_that_ended_unheard_has_ended(server: TestServer) {
        let ann = server.user("ann").await;
        let other = server.log_in("ann").await;
        let (mut gone, mut stays) = (ann.listen().await, other.listen().await);
        server.lose_every(1);
        let ended = Instant::now();
        other.delete(&format!("/auth/sessions/{}", ann.session)).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(gone.closed().await, 4009);
        // On whichever node, each of which finds out by itself.
        while ann.get("/users/me").await.status != 401 {}
        assert!(ended.elapsed() < Duration::from_millis(1500), "{:?}", ended.elapsed());
        ann.get("/users/me").await.problem(401, "unauthenticated");
        stays.settle().await;
    }
}

on_both! {
    with never(),
    async fn a_gap_is_read_to_its_end(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut ears = bob.listen().await;
        let mut cursor = head_of(&ears.ready, &channel);
        server.lose_every(1);
        // Twice what one reading has.
        for n in 0..60 {
            ann.say(&channel, &long(n)).await;
        }
        server.lose_every(0);
        ann.say(&channel, "and on").await;
        let mut all: Vec<_> = (0..60).map(long).collect();
        all.push("and on".to_owned());
        assert!(hear(&mut ears, &channel, &mut cursor, 61).await == all, "each once, and in order");
        ears.settle().await;
        assert_eq!(ears.kept().next(), None);
    }
}

on_both! {
    alone "that a node has read a gap is seen by another socket of the same node",
    with never(),
    async fn who_was_out_for_a_while_hears_nothing_until_they_are_back(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("secret").await;
        ann.add(&channel, &bob).await;
        let mut ears = bob.listen().await;
        let member = format!("/channels/{channel}/members/{}", bob.id);

        // The gap is read while he is out.
        server.lose_every(1);
        ann.delete(&member).await.expect(StatusCode::NO_CONTENT);
        for n in 11..19 {
            ann.say(&channel, &n.to_string()).await;
        }
        server.lose_every(0);
        // Somebody who is in hears of it: then the gap has been read.
        let mut others = ann.listen().await;
        ann.say(&channel, "19").await;
        others.until(|frame| frame["message"]["content"] == "19").await;
        ann.add(&channel, &bob).await;
        let back = ears.until(|frame| frame["feed"] == channel.as_str()).await;
        assert_eq!((&back["type"], &back["member"]["user_id"]), (&json!("member.joined"), &json!(bob.id)));

        ears.until(|frame| frame["membership"]["state"] == "joined").await;

        // The gap is read when he is back: it is all there for him, in its order.
        let mut cursor = back["rev"].as_i64().unwrap();
        server.lose_every(1);
        ann.delete(&member).await.expect(StatusCode::NO_CONTENT);
        for n in 11..20 {
            ann.say(&channel, &n.to_string()).await;
        }
        ears.settle().await;
        assert!(ears.kept().all(|frame| frame["feed"] != channel.as_str()), "he is out");
        ann.add(&channel, &bob).await;
        server.lose_every(0);
        ann.say(&channel, "21").await;
        let heard = hear(&mut ears, &channel, &mut cursor, 10).await;
        assert_eq!(heard, [numbers(11..20), numbers(21..22)].concat());
    }
}

on_both! {
    alone "a node that hears again looks for what it missed at once, before the channel is deleted",
    with never(),
    async fn of_what_was_said_unheard_in_a_deleted_channel_nothing_is_heard(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("secret").await;
        ann.add(&channel, &bob).await;
        let mut ears = bob.listen().await;
        server.lose_every(1);
        // More than one reading has: the end is not in it.
        for n in 0..60 {
            ann.say(&channel, &long(n)).await;
        }
        server.lose_every(0);
        ann.delete(&format!("/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        let gone = ears.next().await;
        assert_eq!((&gone["type"], &gone["feed"]), (&json!("channel.deleted"), &json!(channel)));
        ears.settle().await;
        assert_eq!(ears.kept().next(), None);
    }
}

on_both! {
    with setup(),
    async fn a_visitor_misses_nothing_that_the_bus_loses(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        // Somebody who was in it, and visits it now.
        bob.join(&channel).await;
        bob.send(bob.request(Method::POST, &format!("/channels/{channel}/leave"))).await.expect(StatusCode::NO_CONTENT);
        let mut ears = bob.listen().await;
        let visit = json!({ "type": "subscribe", "channel_id": channel });
        let mut cursor = ears.ask(visit).await["data"]["head"].as_i64().unwrap();
        for every in [1, 2, 3] {
            server.lose_every(every);
            for n in 0..10 {
                ann.say(&channel, &n.to_string()).await;
            }
            assert_eq!(hear(&mut ears, &channel, &mut cursor, 10).await, numbers(0..10));
        }
        // Until he is banned: not one word from then on.
        server.lose_every(1);
        ann.say(&channel, "lost, and before the ban").await;
        ann.put(&format!("/channels/{channel}/bans/{}", bob.id), json!({})).await.expect(StatusCode::CREATED);
        ann.say(&channel, "after the ban").await;
        let ended = ears.until(|frame| frame["channel_id"] == channel.as_str() && frame["feed"] != "me").await;
        assert_eq!(ended["type"], "subscription.ended");
        ears.settle().await;
        assert!(ears.kept().all(|frame| frame["feed"] != channel.as_str()));
    }
}
