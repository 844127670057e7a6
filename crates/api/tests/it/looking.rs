//! What is true for a moment, and told to those who look: typing, presence, and hearing a channel
//! without being in it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tertulia_chat::Options;

use crate::on_both;
use crate::server::{Person, Setup, TestServer, text};
use crate::socket::Socket;

fn setup() -> Setup {
    let options = Options { presence_every: Duration::from_millis(50), ..Options::default() };
    Setup { options, ..Setup::default() }
}

fn typing(channel: &str, active: bool) -> Value {
    json!({ "type": "typing", "channel_id": channel, "active": active })
}

fn focus(channels: &[&str]) -> Value {
    json!({ "type": "focus", "channel_ids": channels })
}

/// A socket that looks at a channel.
async fn looking(person: &Person, channel: &str) -> Socket {
    let mut socket = person.listen().await;
    socket.done(focus(&[channel])).await;
    socket
}

/// How somebody is in a frame of presence, if they are in it.
fn status<'a>(frame: &'a Value, person: &Person) -> Option<&'a Value> {
    let mut users = frame["users"].as_array()?.iter();
    users.find(|user| user["user_id"] == person.id.as_str())
}

/// Waits until this socket is told that somebody is so.
async fn told(socket: &mut Socket, person: &Person, wanted: &str) -> Value {
    let is = |frame: &Value| status(frame, person).is_some_and(|user| user["status"] == wanted);
    let frame = socket.until(|frame| frame["type"] == "presence" && is(frame)).await;
    status(&frame, person).unwrap().clone()
}

async fn presence(viewer: &Person, person: &Person) -> Value {
    viewer.get(&format!("/users/{}", person.id)).await.body["presence"].clone()
}

on_both! {
    async fn typing_reaches_those_who_look_and_nobody_else(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        let other = ann.create_channel("other").await;
        bob.join(&channel).await;
        bob.join(&other).await;
        let (mut looks, mut elsewhere) = (looking(&bob, &channel).await, looking(&bob, &other).await);
        let mut types = ann.listen().await;
        types.done(typing(&channel, true)).await;
        let frame = looks.next_of("typing").await;
        let seen = json!({ "type": "typing", "channel_id": channel, "user_id": ann.id, "active": true });
        assert_eq!(frame, seen, "no rev: it is in no feed");
        for _ in 0..10 {
            types.done(typing(&channel, true)).await;
        }
        types.done(typing(&channel, false)).await;
        assert_eq!(looks.next_of("typing").await["active"], false, "with every key, but told once");
        types.done(typing(&channel, false)).await;

        looks.done(focus(&[])).await;
        ann.listen().await.done(typing(&channel, true)).await;
        for socket in [&mut looks, &mut elsewhere] {
            socket.settle().await;
            assert!(socket.kept().all(|frame| frame["type"] != "typing"));
        }
    }
}

on_both! {
    with setup(),
    async fn typing_ends_by_itself(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut looks = looking(&bob, &channel).await;
        let mut types = ann.listen().await;
        types.done(typing(&channel, true)).await;
        let begun = tokio::time::Instant::now();
        assert_eq!(looks.next_of("typing").await["active"], true);
        types.drop_now();
        assert_eq!(looks.next_of("typing").await["active"], false);
        assert!(begun.elapsed() > Duration::from_millis(5900), "{:?}", begun.elapsed());
    }
}

on_both! {
    with setup(),
    async fn who_was_sent_out_sees_nothing_more(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("secret").await;
        ann.add(&channel, &bob).await;
        let mut looks = looking(&bob, &channel).await;
        let mut own = looking(&ann, &channel).await;
        ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await;
        own.done(typing(&channel, true)).await;
        own.next_of("typing").await;
        ann.put("/users/me/status", json!({ "status": "dnd" })).await.expect(StatusCode::OK);
        told(&mut own, &ann, "dnd").await;
        looks.until(|frame| frame["membership"]["state"] == "removed").await;
        looks.settle().await;
        let seen = |frame: &Value| {
            frame["type"] == "typing" || status(frame, &ann).is_some_and(|ann| ann["status"] == "dnd")
        };
        assert!(looks.kept().all(|frame| !seen(frame)));
        let again = looks.ask(focus(&[&channel])).await;
        assert_eq!(again["error"]["code"], "not_found");
        assert_eq!(looks.ask(typing(&channel, true)).await["error"]["code"], "not_found");
        assert_eq!(presence(&bob, &ann).await, Value::Null);
    }
}

on_both! {
    async fn frames_about_looking_are_checked(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let mut socket = ann.listen().await;
        let many = vec![json!(channel); 21];
        for (frame, field, code) in [
            (json!({ "type": "focus", "channel_ids": many }), "channel_ids", "too_long"),
            (json!({ "type": "focus" }), "channel_ids", "missing"),
            (json!({ "type": "focus", "channel_ids": ["x"] }), "channel_ids.0", "bad_id"),
            (json!({ "type": "typing", "channel_id": channel }), "active", "missing"),
            (json!({ "type": "typing", "channel_id": channel, "active": 1 }), "active", "wrong_type"),
            (json!({ "type": "delivered", "channel_id": channel, "seq": 1 }), "seq", "not_there_yet"),
            (json!({ "type": "read", "channel_id": "x", "seq": 1 }), "channel_id", "bad_id"),
            (json!({ "type": "status.set", "status": "busy" }), "status", "unknown_status"),
            (json!({ "type": "status.set", "status": "dnd", "emoji": "no" }), "emoji", "bad_emoji"),
            (json!({ "type": "status.set", "status": "dnd", "text": "x".repeat(101) }), "text", "too_long"),
            (json!({ "type": "status.set", "status": "dnd", "expires_at": "2020-01-01T00:00:00Z" }), "expires_at", "past"),
        ] {
            let reply = socket.ask(frame.clone()).await;
            let fault = &reply["error"]["errors"][0];
            assert_eq!((&fault["field"], &fault["code"]), (&json!(field), &json!(code)), "{frame}");
        }
        let all = vec![json!(channel); 20];
        socket.done(json!({ "type": "focus", "channel_ids": all })).await;
    }
}

on_both! {
    with setup(),
    async fn people_are_seen_to_come_be_away_and_go(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut looks = looking(&ann, &channel).await;
        let first = looks.next_of("presence").await;
        assert_eq!((&first["complete"], &first["channel_id"]), (&json!(true), &json!(channel)));
        assert!(status(&first, &bob).is_none(), "whoever is not in it is offline");
        assert_eq!(presence(&ann, &bob).await["status"], "offline");

        let (mut one, two) = (bob.listen().await, bob.listen().await);
        told(&mut looks, &bob, "online").await;
        assert_eq!(presence(&ann, &bob).await["status"], "online");
        let late = looking(&ann, &channel).await.next_of("presence").await;
        assert_eq!(status(&late, &bob).unwrap()["status"], "online");

        server.clock.advance(time::Duration::minutes(10));
        told(&mut looks, &bob, "away").await;
        one.done(focus(&[&channel])).await;
        told(&mut looks, &bob, "online").await;
        one.done(json!({ "type": "status.set", "status": "away" })).await;
        told(&mut looks, &bob, "away").await;
        one.done(json!({ "type": "status.set", "status": "dnd", "text": "At lunch", "emoji": "🍜" })).await;
        let dnd = told(&mut looks, &bob, "dnd").await;
        assert_eq!((&dnd["text"], &dnd["emoji"]), (&json!("At lunch"), &json!("🍜")));
        let own = bob.get("/users/me").await.body;
        assert_eq!((&own["status"]["status"], &own["status"]["text"]), (&json!("dnd"), &json!("At lunch")));

        one.drop_now();
        server.clock.advance(time::Duration::seconds(11));
        ann.put("/users/me/status", json!({ "status": "dnd" })).await;
        told(&mut looks, &ann, "dnd").await;
        assert!(looks.kept().all(|frame| status(frame, &bob).is_none()), "one device is left");
        two.drop_now();
        // Nobody announces that the server has seen it: it lingers until the clock moves on, and no
        // faster than nodes speak, or they would take each other for dead.
        let gone = async {
            while presence(&ann, &bob).await["status"] != "offline" {
                server.clock.advance(time::Duration::seconds(3));
                tokio::time::sleep(Duration::from_millis(1_200)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
        let offline = told(&mut looks, &bob, "offline").await;
        assert_eq!(offline["text"], "At lunch");
        assert!(offline["last_seen_at"].is_string());
        let fetched = presence(&ann, &bob).await;
        assert_eq!(fetched["last_seen_at"], offline["last_seen_at"]);
        bob.patch("/users/me", json!({ "last_seen": false })).await.expect(StatusCode::OK);
        assert_eq!(presence(&ann, &bob).await["last_seen_at"], Value::Null);
        bob.patch("/users/me", json!({ "last_seen": true })).await.expect(StatusCode::OK);
        assert_eq!(presence(&ann, &bob).await["last_seen_at"], Value::Null, "it was not kept");
    }
}

on_both! {
    with setup(),
    async fn who_shares_no_channel_sees_nothing_of_somebody(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        let _here = ann.listen().await;
        assert_eq!(presence(&bob, &ann).await, Value::Null);
        let by_name = bob.get("/users/by-username/ann").await.body;
        assert_eq!(by_name["presence"], Value::Null);
        assert!(!bob.get("/users").await.body.to_string().contains("presence"));
        // Who only reads a public channel shares nothing of it.
        let mut visits = bob.listen().await;
        visits.done(json!({ "type": "subscribe", "channel_id": channel })).await;
        visits.done(focus(&[&channel])).await;
        ann.put("/users/me/status", json!({ "status": "dnd" })).await.expect(StatusCode::OK);
        let mut own = looking(&ann, &channel).await;
        told(&mut own, &ann, "dnd").await;
        own.done(typing(&channel, true)).await;
        visits.next_of("typing").await;
        assert!(visits.kept().all(|frame| frame["type"] != "presence"));
        bob.join(&channel).await;
        assert_eq!(presence(&bob, &ann).await["status"], "dnd");
        assert_eq!(presence(&ann, &ann).await["status"], "dnd");
    }
}

on_both! {
    with setup(),
    async fn who_is_invisible_looks_as_if_they_were_not_there(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut looks = looking(&ann, &channel).await;
        let mut hides = bob.listen().await;
        told(&mut looks, &bob, "online").await;
        hides.done(json!({ "type": "status.set", "status": "invisible" })).await;
        hides.next_of("status.updated").await;
        hides.done(typing(&channel, true)).await;
        assert_eq!(presence(&ann, &bob).await["status"], "online", "as after leaving, for ten seconds");
        let gone = async {
            loop {
                server.clock.advance(time::Duration::seconds(2));
                if presence(&ann, &bob).await["status"] == "offline" {
                    return;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
        told(&mut looks, &bob, "offline").await;
        let _second = bob.listen().await;
        looks.done(focus(&[&channel])).await;
        looks.until(|frame| frame["type"] == "presence" && frame["complete"] == true && status(frame, &bob).is_none()).await;
        looks.settle().await;
        assert!(looks.kept().all(|frame| frame["type"] != "typing"));
        assert_eq!(bob.get("/users/me/status").await.body["status"]["status"], "invisible");
    }
}

on_both! {
    async fn what_one_says_of_oneself_reaches_ones_devices_in_order(server: TestServer) {
        let ann = server.user("ann").await;
        let mut socket = ann.listen().await;
        let me = &socket.ready["me"];
        assert_eq!((&me["status"]["status"], &me["receipts"]), (&json!("online"), &json!(true)));
        let head = me["head"].as_i64().unwrap();
        let over = "2096-11-18T00:00:00.000Z";
        let set = json!({ "status": "dnd", "text": " At lunch ", "emoji": "🍜", "expires_at": over });
        let answer = ann.put("/users/me/status", set.clone()).await;
        let said = json!({ "status": "dnd", "text": "At lunch", "emoji": "🍜", "expires_at": over });
        assert_eq!(answer.expect(StatusCode::OK).body["status"], said);
        ann.put("/users/me/status", set).await.expect(StatusCode::OK);
        ann.patch("/users/me", json!({ "last_seen": false })).await.expect(StatusCode::OK);
        let (one, two) = (socket.next_of("status.updated").await, socket.next_of("status.updated").await);
        assert_eq!((&one["feed"], &one["status"], &one["rev"]), (&json!("me"), &said, &json!(head + 1)));
        assert_eq!((&two["last_seen"], &two["rev"]), (&json!(false), &json!(head + 2)));
        let path = format!("/users/me/changes?since={head}&epoch={}", server.chat.epoch());
        let missed = ann.get(&path).await.body;
        assert_eq!(missed["items"].as_array().unwrap().len(), 1);
        assert_eq!((&missed["items"][0]["status"], &missed["items"][0]["type"]), (&said, &json!("status.updated")));
        server.clock.advance(time::Duration::days(365 * 80));
        assert_eq!(server.log_in("ann").await.get("/users/me/status").await.body["status"]["status"], "online");
    }
}

on_both! {
    async fn a_public_channel_is_heard_without_joining_it(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (public, private) = (ann.create_channel("general").await, ann.create_private("secret").await);
        let subscribe = |channel: &str| json!({ "type": "subscribe", "channel_id": channel });
        let mut visits = bob.listen().await;
        assert_eq!(visits.ask(subscribe(&private)).await["error"]["code"], "not_found");
        assert_eq!(visits.ask(focus(&[&public])).await["error"]["code"], "not_found");
        let view = visits.done(subscribe(&public)).await;
        assert_eq!((&view["id"], &view["head"]), (&json!(public), &json!(2)));
        visits.done(subscribe(&public)).await;
        let said = ann.say(&public, "hello").await;
        let heard = visits.next_of("message.created").await;
        assert_eq!((&heard["message"]["id"], &heard["prev"]), (&said["id"], &json!(2)));

        visits.done(json!({ "type": "unsubscribe", "channel_id": public })).await;
        ann.say(&public, "unheard").await;
        visits.done(subscribe(&public)).await;
        // Who joins is not a guest any more: to leave off visiting changes nothing.
        bob.join(&public).await;
        visits.next_of("membership.updated").await;
        visits.done(json!({ "type": "unsubscribe", "channel_id": public })).await;
        ann.say(&public, "again").await;
        assert_eq!(visits.next_of("message.created").await["message"]["content"], "again");

        let mut many = bob.listen().await;
        for n in 0..20 {
            let channel = ann.create_channel(&format!("channel {n}")).await;
            many.done(subscribe(&channel)).await;
        }
        let more = ann.create_channel("one more").await;
        assert_eq!(many.ask(subscribe(&more)).await["error"]["code"], "too_many_subscriptions");
    }
}

on_both! {
    async fn a_visit_ends_with_the_channel_or_with_a_ban(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (one, two) = (ann.create_channel("one").await, ann.create_channel("two").await);
        let mut visits = bob.listen().await;
        for channel in [&one, &two] {
            visits.done(json!({ "type": "subscribe", "channel_id": channel })).await;
        }
        ann.delete(&format!("/channels/{one}")).await.expect(StatusCode::NO_CONTENT);
        visits.next_of("channel.deleted").await;
        ann.ban(&two, &bob).await;
        ann.say(&two, "not for bob").await;
        visits.until(|frame| frame["membership"]["state"] == "banned").await;
        assert_eq!(visits.next_of("subscription.ended").await["channel_id"], two.as_str());
        visits.settle().await;
        assert!(visits.kept().all(|frame| frame["type"] != "message.created"));
        let again = visits.ask(json!({ "type": "subscribe", "channel_id": two })).await;
        assert_eq!(again["error"]["code"], "not_found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_look_see_what_happens_on_other_nodes() {
    let Some(location) = TestServer::postgres_location() else { return };
    let one = TestServer::start(location.clone(), setup().options, None).await;
    let two = TestServer::start(location, setup().options, None).await;
    one.chat.bus().link(two.chat.bus());
    let (ann, bob) = (one.user("ann").await, one.user("bob").await);
    let channel = ann.create_channel("general").await;
    bob.join(&channel).await;
    text(&ann.say(&channel, "hello").await["id"]);
    let mut looks = looking(&bob.at(&two), &channel).await;
    let mut there = ann.listen().await;
    told(&mut looks, &ann, "online").await;
    there.done(typing(&channel, true)).await;
    assert_eq!(looks.next_of("typing").await["user_id"], ann.id.as_str());
    ann.put("/users/me/status", json!({ "status": "dnd" })).await.expect(StatusCode::OK);
    told(&mut looks, &ann, "dnd").await;
    let mut own = looking(&ann, &channel).await;
    let reader = bob.at(&two);
    reader
        .put(&format!("/channels/{channel}/read"), json!({ "seq": 1 }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(own.next_of("read").await["user_id"], bob.id.as_str());
    one.stop().await;
    two.stop().await;
}
