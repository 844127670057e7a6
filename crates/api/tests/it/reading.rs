//! How far people have read: what their own devices see of it, and what others.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_domain::{ChannelId, UserId};

use crate::on_both;
use crate::server::{Person, TestServer, text};

/// Where one stands in a channel: the marker, and how much is unread.
async fn own(person: &Person, channel: &str) -> (i64, i64) {
    let list = person.get("/users/me/channels").await;
    let own = list.body["items"].as_array().unwrap().iter();
    let own = own.clone().find(|own| own["channel"]["id"] == channel).unwrap();
    (own["read_seq"].as_i64().unwrap(), own["unread"].as_i64().unwrap())
}

async fn read(person: &Person, channel: &str, seq: i64) -> Value {
    let answer = person.put(&format!("/channels/{channel}/read"), json!({ "seq": seq })).await;
    answer.expect(StatusCode::OK);
    answer.body["read_seq"].clone()
}

async fn unread(person: &Person, channel: &str, seq: i64) -> Value {
    let answer = person.post(&format!("/channels/{channel}/unread"), json!({ "seq": seq })).await;
    answer.expect(StatusCode::OK);
    answer.body["read_seq"].clone()
}

/// Whom one sees to have read how far, by id: read, delivered.
async fn reads(person: &Person, path: &str) -> Vec<(String, i64, i64)> {
    let seq = |read: &Value, name: &str| read[name].as_i64().unwrap();
    let page = person.pages(&format!("{path}/reads?limit=1")).await;
    page.iter()
        .map(|it| (text(&it["user_id"]), seq(it, "read_seq"), seq(it, "delivered_seq")))
        .collect()
}

/// A channel of these people in which the first has said so much; the messages.
async fn channel_with(people: &[&Person], messages: usize) -> (String, Vec<String>) {
    let channel = people[0].create_channel("general").await;
    for other in &people[1..] {
        other.join(&channel).await;
    }
    let mut said = Vec::new();
    for n in 1..=messages {
        said.push(text(&people[0].say(&channel, &n.to_string()).await["id"]));
    }
    (channel, said)
}

on_both! {
    async fn reading_moves_forward_and_back_on_all_of_ones_devices(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (channel, _) = channel_with(&[&ann, &bob], 5).await;
        let (mut one, mut two) = (bob.listen().await, bob.listen().await);
        let head = one.ready["me"]["head"].as_i64().unwrap();
        let before = ann.get(&format!("/channels/{channel}")).await.body;

        assert_eq!(read(&bob, &channel, 3).await, 3);
        assert_eq!(own(&bob, &channel).await, (3, 2));
        for socket in [&mut one, &mut two] {
            let frame = socket.next_of("membership.updated").await;
            assert_eq!((&frame["feed"], &frame["rev"]), (&json!("me"), &json!(head + 1)));
            assert_eq!(frame["membership"]["read_seq"], 3);
            assert_eq!(frame["membership"]["last_seq"], 5);
        }
        assert_eq!(read(&bob, &channel, 2).await, 3, "never back by reading");
        assert_eq!(unread(&bob, &channel, 2).await, 1);
        assert_eq!(own(&bob, &channel).await, (1, 4));
        assert_eq!(unread(&bob, &channel, 4).await, 1, "never forward by unreading");
        let reply = one.done(json!({ "type": "read", "channel_id": channel, "seq": 5 })).await;
        assert_eq!(reply, json!({ "channel_id": channel, "read_seq": 5 }));
        assert_eq!(own(&bob, &channel).await, (5, 0));

        let missed = bob.get(&format!("/users/me/changes?since={head}&epoch={}", server.chat.epoch())).await;
        let items = missed.body["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["membership"]["read_seq"]), (1, &json!(5)), "state, not events");
        assert_eq!(items[0]["rev"], head + 3, "what moved nothing took no rev");
        let after = ann.get(&format!("/channels/{channel}")).await.body;
        assert_eq!(before, after, "nothing of it is in the channel's feed");
    }
}

on_both! {
    async fn what_is_not_there_cannot_be_read(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (channel, _) = channel_with(&[&ann, &bob], 2).await;
        for (method, path) in [(Method::PUT, "read"), (Method::POST, "unread")] {
            let path = format!("/channels/{channel}/{path}");
            for (body, field, code) in [
                (json!({ "seq": 3 }), "seq", "not_there_yet"),
                (json!({ "seq": 0 }), "seq", "out_of_range"),
                (json!({ "seq": -1 }), "seq", "out_of_range"),
                (json!({ "seq": 1.5 }), "seq", "wrong_type"),
                (json!({ "seq": "1" }), "seq", "wrong_type"),
                (json!({}), "seq", "missing"),
            ] {
                let answer = bob.send(bob.request(method.clone(), &path).json(&body)).await;
                answer.problem(422, "invalid");
                assert_eq!(answer.faults(), [(field.to_owned(), code.to_owned())], "{body}");
            }
        }
        assert_eq!(own(&bob, &channel).await, (0, 2));
        let mut socket = bob.listen().await;
        // One that is refused does not take those along that wait with it.
        for seq in [1, 2, 9] {
            socket.send(json!({ "type": "read", "ref": seq, "channel_id": channel, "seq": seq })).await;
        }
        for (seq, ok) in [(1, true), (2, true), (9, false)] {
            let reply = socket.until(|frame| frame["ref"] == seq).await;
            assert_eq!(reply["ok"], ok, "{reply}");
        }
        assert_eq!(own(&bob, &channel).await, (2, 0));
    }
}

on_both! {
    alone "how far one has read waits on one node for a second, and is read there at once",
    async fn a_storm_of_reading_is_one_commit_a_second_and_nobody_reads_past_it(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (channel, _) = channel_with(&[&ann, &bob], 40).await;
        let mut socket = bob.listen().await;
        let head = socket.ready["me"]["head"].as_i64().unwrap();
        for seq in 1..=40 {
            socket.send(json!({ "type": "read", "ref": seq, "channel_id": channel, "seq": seq })).await;
        }
        // All have come in, and most still wait.
        socket.settle().await;
        assert_eq!(own(&bob, &channel).await, (40, 0), "what waits is committed first");
        for seq in 1..=40 {
            let reply = socket.until(|frame| frame["ref"] == seq).await;
            assert_eq!(reply["ok"], true, "{reply}");
        }
        let second = bob.listen().await;
        let moved = second.ready["me"]["head"].as_i64().unwrap() - head;
        assert!((1..=3).contains(&moved), "{moved} commits for 40 readings");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_to_be_read_is_committed_when_the_server_stops() {
    let server = TestServer::sqlite().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let (channel, _) = channel_with(&[&ann, &bob], 2).await;
    let caller = server.chat.authenticate(bob.token.as_deref().unwrap()).unwrap();
    let id: ChannelId = channel.parse().unwrap();
    server.chat.read(&caller, id, 1).await.unwrap();
    let waits = tokio::spawn(server.chat.read(&caller, id, 2));
    let store = server.store.clone();
    server.stop().await;
    assert_eq!(waits.await.unwrap().unwrap().read_seq, 2);
    let user: UserId = bob.id.parse().unwrap();
    assert_eq!(store.place(id, user).await.unwrap().unwrap().member.unwrap().read_seq, 2);
}

on_both! {
    async fn others_see_how_far_one_has_read_unless_one_hides_it(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let carol = server.user("carol").await;
        let (channel, said) = channel_with(&[&ann, &bob, &carol], 4).await;
        let here = format!("/channels/{channel}");
        let message = format!("/messages/{}", said[1]);
        // In the order of their ids.
        let (bob, carol) = if bob.id < carol.id { (bob, carol) } else { (carol, bob) };
        let (b, c) = (bob.id.clone(), carol.id.clone());
        assert_eq!(reads(&ann, &here).await, [(b.clone(), 0, 0), (c.clone(), 0, 0)]);
        assert_eq!(reads(&ann, &message).await, []);

        let mut socket = bob.listen().await;
        socket.done(json!({ "type": "delivered", "channel_id": channel, "seq": 4 })).await;
        assert_eq!(own(&bob, &channel).await, (0, 4), "what has come has not been read");
        assert_eq!(reads(&ann, &message).await, [(b.clone(), 0, 4)]);
        read(&bob, &channel, 2).await;
        read(&carol, &channel, 3).await;
        let all = [(b.clone(), 2, 4), (c.clone(), 3, 3)];
        assert_eq!(reads(&ann, &here).await, all);
        assert_eq!(reads(&ann, &message).await, all, "reading implies that it was delivered");
        unread(&bob, &channel, 1).await;
        assert_eq!(reads(&ann, &here).await, all, "what was read has been read");

        let off = bob.patch("/users/me", json!({ "receipts": false })).await;
        assert_eq!(off.expect(StatusCode::OK).body["receipts"], false);
        assert_eq!(reads(&ann, &here).await, [(c.clone(), 3, 3)]);
        assert_eq!(reads(&ann, &message).await, [(c, 3, 3)]);
        assert_eq!(reads(&bob, &here).await, [], "who hides it sees nobody's");
        read(&bob, &channel, 4).await;
        bob.patch("/users/me", json!({ "receipts": true })).await.expect(StatusCode::OK);
        assert_eq!(reads(&ann, &here).await[0], (b, 2, 4), "what was hidden stays hidden");
    }
}

on_both! {
    async fn those_who_look_see_reading_as_it_happens(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (channel, _) = channel_with(&[&ann, &bob], 4).await;
        let (mut looks, mut does_not) = (ann.listen().await, ann.listen().await);
        looks.done(json!({ "type": "focus", "channel_ids": [channel] })).await;
        let mut reader = bob.listen().await;
        reader.done(json!({ "type": "delivered", "channel_id": channel, "seq": 1 })).await;
        let frame = looks.next_of("delivered").await;
        let seen = json!({ "type": "delivered", "channel_id": channel, "user_id": bob.id, "seq": 1 });
        assert_eq!(frame, seen);
        read(&bob, &channel, 2).await;
        let frame = looks.next_of("read").await;
        assert_eq!(frame, json!({ "type": "read", "channel_id": channel, "user_id": bob.id, "seq": 2 }));

        bob.patch("/users/me", json!({ "receipts": false })).await.expect(StatusCode::OK);
        read(&bob, &channel, 3).await;
        bob.patch("/users/me", json!({ "receipts": true })).await.expect(StatusCode::OK);
        ann.patch("/users/me", json!({ "receipts": false })).await.expect(StatusCode::OK);
        looks.next_of("status.updated").await;
        read(&bob, &channel, 4).await;
        does_not.settle().await;
        looks.settle().await;
        for socket in [&looks, &does_not] {
            assert!(socket.kept().all(|frame| frame["type"] != "read"));
        }
    }
}

on_both! {
    async fn who_is_invisible_reads_unseen(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (channel, _) = channel_with(&[&ann, &bob], 3).await;
        let here = format!("/channels/{channel}");
        bob.put("/users/me/status", json!({ "status": "invisible" })).await.expect(StatusCode::OK);
        read(&bob, &channel, 2).await;
        assert_eq!(own(&bob, &channel).await, (2, 1));
        assert_eq!(reads(&ann, &here).await, [(bob.id.clone(), 0, 0)]);
        bob.put("/users/me/status", json!({ "status": "online" })).await.expect(StatusCode::OK);
        assert_eq!(reads(&ann, &here).await, [(bob.id.clone(), 0, 0)]);
        tokio::time::timeout(Duration::from_secs(5), read(&bob, &channel, 2)).await.unwrap();
        assert_eq!(reads(&ann, &here).await, [(bob.id.clone(), 2, 2)], "said again, it is seen");
    }
}
