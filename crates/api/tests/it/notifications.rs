//! What people are told of, on all of their devices, and what they are not.

mod channel;
mod levels;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{Person, text};
use crate::socket::Socket;

/// What somebody was told of, the newest first: kind, message and whether it is read.
async fn told(person: &Person) -> Vec<(String, Value, bool)> {
    let items = person.pages("/notifications?limit=2").await;
    let told = |it: &Value| (text(&it["kind"]), it["message_id"].clone(), it["read"] == true);
    items.iter().map(told).collect()
}

/// How many are unread: the inbox and `ready` say the same.
async fn unread(person: &Person) -> i64 {
    let page = person.get("/notifications?limit=1").await;
    let unread = page.expect(StatusCode::OK).body["unread"].as_i64().unwrap();
    let socket = person.listen().await;
    assert_eq!(socket.ready["me"]["notifications"]["unread"], unread);
    let only = person.pages("/notifications?unread=true&limit=2").await;
    assert!(only.iter().all(|it| it["read"] == false));
    assert_eq!(i64::try_from(only.len()).unwrap(), unread);
    unread
}

async fn reply(person: &Person, channel: &str, to: &Value, content: &str) -> Value {
    let body = json!({ "content": content, "reply_to": to["id"] });
    let answer = person.post(&format!("/channels/{channel}/messages"), body).await;
    answer.expect(StatusCode::CREATED);
    answer.body
}

async fn next(socket: &mut Socket) -> Value {
    let frame = socket.next_of("notification").await;
    assert_eq!(frame["feed"], "me");
    assert_eq!(frame["channel_id"], frame["notification"]["channel_id"]);
    frame["notification"].clone()
}

/// Nothing more was told until now.
async fn nothing_more(socket: &mut Socket) {
    socket.settle().await;
    let more: Vec<&Value> = socket.kept().filter(|frame| frame["type"] == "notification").collect();
    assert_eq!(more, Vec::<&Value>::new());
}

on_both! {
    async fn who_is_mentioned_is_told_on_all_devices(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("secret").await;
        ann.add(&channel, &bob).await;
        let (mut one, mut two) = (bob.listen().await, bob.listen().await);
        let mut author = ann.listen().await;
        let head = one.ready["me"]["head"].as_i64().unwrap();
        let said = ann.say(&channel, "a secret for @bob and @ann").await;
        for socket in [&mut one, &mut two] {
            let told = next(socket).await;
            assert_eq!(told, json!({
                "id": told["id"], "kind": "mention", "channel_id": channel, "message_id": said["id"],
                "seq": 1, "actor_id": ann.id, "created_at": said["created_at"], "made": head + 1,
                "read_at": null,
            }), "it says where, and nothing of what was said");
        }
        nothing_more(&mut author).await;
        assert_eq!(told(&ann).await, [], "nobody is told of what they have done themselves");
        assert_eq!(told(&bob).await, [("mention".to_owned(), said["id"].clone(), false)]);
        assert_eq!(unread(&bob).await, 1);
        // Sent again, it is told of once.
        let again = json!({ "id": said["id"], "content": "a secret for @bob and @ann" });
        ann.post(&format!("/channels/{channel}/messages"), again).await.expect(StatusCode::OK);
        assert_eq!(unread(&bob).await, 1);

        // It is read by itself; every device hears of it, once.
        let id = text(&bob.get("/notifications").await.body["items"][0]["id"]);
        let path = format!("/notifications/{id}/read");
        ann.put(&path, json!({})).await.problem(404, "not_found");
        let read = bob.put(&path, json!({})).await;
        assert_ne!(read.expect(StatusCode::OK).body["read_at"], Value::Null);
        assert_eq!(bob.put(&path, json!({})).await.body, read.body);
        for socket in [&mut one, &mut two] {
            assert_eq!(next(socket).await, read.body);
            nothing_more(socket).await;
        }
        assert_eq!(unread(&bob).await, 0);
        let epoch = server.chat.epoch();
        let missed = bob.get(&format!("/users/me/changes?since={head}&epoch={epoch}")).await.body;
        assert_eq!(missed["items"].as_array().unwrap().len(), 1, "state, not events");
        assert_eq!(missed["items"][0]["notification"], read.body);
        let synced = one.done(json!({ "type": "sync", "feed": "me", "rev": head, "epoch": epoch })).await;
        assert_eq!(synced["items"], missed["items"]);
    }
}

on_both! {
    async fn what_is_read_with_its_channel_or_with_all_others_is_read(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        for n in 1..=4 {
            ann.say(&channel, &format!("@bob {n}")).await;
        }
        assert_eq!(unread(&bob).await, 4);
        bob.put(&format!("/channels/{channel}/read"), json!({ "seq": 2 })).await.expect(StatusCode::OK);
        assert_eq!(unread(&bob).await, 2);
        let read: Vec<bool> = told(&bob).await.into_iter().map(|(.., read)| read).collect();
        assert_eq!(read, [false, false, true, true]);
        bob.post(&format!("/channels/{channel}/unread"), json!({ "seq": 2 })).await.expect(StatusCode::OK);
        assert_eq!(unread(&bob).await, 3);

        // Up to one, and then all.
        let mut ears = bob.listen().await;
        let items = bob.get("/notifications").await.body["items"].clone();
        let up_to = json!({ "up_to": items[1]["id"] });
        ann.post("/notifications/read", up_to.clone()).await.problem(422, "invalid");
        let done = bob.post("/notifications/read", up_to.clone()).await;
        assert_eq!(done.expect(StatusCode::OK).body, json!({ "read_up_to": items[1]["made"] }));
        let heard = ears.next_of("inbox.updated").await;
        assert_eq!((&heard["feed"], &heard["inbox"]), (&json!("me"), &done.body));
        assert_eq!(unread(&bob).await, 1);
        bob.post("/notifications/read", json!({ "up_to": items[2]["id"] })).await.expect(StatusCode::OK);
        let all = bob.post("/notifications/read", json!({})).await.body;
        assert_eq!(all["read_up_to"], items[0]["made"]);
        assert_eq!(ears.next_of("inbox.updated").await["inbox"], all, "what changed nothing was not said");
        assert_eq!(bob.post("/notifications/read", json!({})).await.body, all);
        assert_eq!(unread(&bob).await, 0);
        assert_eq!(bob.listen().await.ready["me"]["notifications"]["read_up_to"], all["read_up_to"]);
        // Who speaks has read.
        ann.say(&channel, "@bob 5").await;
        assert_eq!(unread(&bob).await, 1);
        bob.say(&channel, "yes").await;
        assert_eq!(unread(&bob).await, 0);
    }
}

on_both! {
    async fn who_is_answered_or_follows_is_told(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (carol, dan) = (server.user("carol").await, server.user("dan").await);
        let channel = ann.create_channel("general").await;
        for person in [&bob, &carol, &dan] {
            person.join(&channel).await;
        }
        let mut ears = [ann.listen().await, bob.listen().await, carol.listen().await, dan.listen().await];
        let root = ann.say(&channel, "lunch?").await;
        let first = reply(&bob, &channel, &root, "yes").await;
        let told_ann = next(&mut ears[0]).await;
        assert_eq!((&told_ann["kind"], &told_ann["message_id"], &told_ann["actor_id"]), (&json!("reply"), &first["id"], &json!(bob.id)));
        // Carol says that she follows; bob answers himself, and tells ann and carol.
        carol.put(&format!("/messages/{}/follow", text(&root["id"])), json!({})).await.expect(StatusCode::NO_CONTENT);
        let second = reply(&bob, &channel, &first, "at noon").await;
        for person in [0, 2] {
            assert_eq!(next(&mut ears[person]).await["message_id"], second["id"]);
        }
        // Ann follows no longer what she began; who is answered is told all the same.
        ann.delete(&format!("/messages/{}/follow", text(&root["id"]))).await.expect(StatusCode::NO_CONTENT);
        let third = reply(&carol, &channel, &second, "where?").await;
        assert_eq!(next(&mut ears[1]).await["message_id"], third["id"]);
        let fourth = reply(&bob, &channel, &root, "here").await;
        assert_eq!(next(&mut ears[0]).await["message_id"], fourth["id"]);
        assert_eq!(next(&mut ears[2]).await["message_id"], fourth["id"]);
        // A mention is the first of its reasons.
        let fifth = reply(&ann, &channel, &first, "@bob @dan").await;
        let (bobs, dans) = (next(&mut ears[1]).await, next(&mut ears[3]).await);
        assert_eq!((&bobs["kind"], &dans["kind"]), (&json!("mention"), &json!("mention")));
        assert_eq!(next(&mut ears[2]).await["message_id"], fifth["id"]);
        for socket in &mut ears {
            nothing_more(socket).await;
        }
        assert_eq!(told(&bob).await.len(), 2);
    }
}

on_both! {
    async fn direct_messages_and_invitations_are_told_of(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let mut ears = bob.listen().await;
        let direct = ann.post("/conversations", json!({ "recipient_id": bob.id })).await.body;
        let direct = text(&direct["id"]);
        let said = ann.say(&direct, "hello").await;
        let told_of = next(&mut ears).await;
        assert_eq!((&told_of["kind"], &told_of["message_id"]), (&json!("direct"), &said["id"]));
        let answer = reply(&bob, &direct, &said, "hi").await;
        assert_eq!(told(&ann).await, [("reply".to_owned(), answer["id"].clone(), false)]);
        assert_eq!(unread(&bob).await, 0, "who speaks has read");

        let secret = ann.create_private("a secret name").await;
        let invite = async || {
            let body = json!({ "user_id": bob.id });
            ann.post(&format!("/channels/{secret}/invitations"), body).await.expect(StatusCode::CREATED);
        };
        invite().await;
        let invited = next(&mut ears).await;
        assert_eq!((&invited["kind"], &invited["message_id"], &invited["seq"]), (&json!("invitation"), &Value::Null, &Value::Null));
        assert!(!bob.get("/notifications").await.body.to_string().contains("a secret name"));
        assert_eq!(unread(&bob).await, 1);
        // It goes when it is answered, and comes with the next one.
        bob.call(&format!("/users/me/invitations/{secret}/decline")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(told(&bob).await.len(), 1);
        invite().await;
        assert_ne!(next(&mut ears).await["id"], invited["id"]);
        bob.call(&format!("/users/me/invitations/{secret}/accept")).await.expect(StatusCode::OK);
        assert_eq!(told(&bob).await.len(), 1);
    }
}

on_both! {
    async fn of_what_one_may_not_see_any_more_nothing_is_left(server: TestServer) {
        let ann = server.user("ann").await;
        let (bob, carol) = (server.user("bob").await, server.user("carol").await);
        let channel = ann.create_channel("general").await;
        let enter = async |person: &Person| person.join(&channel).await;
        enter(&carol).await;
        let epoch = server.chat.epoch();
        for way in ["leave", "remove", "ban"] {
            enter(&bob).await;
            let head = bob.listen().await.ready["me"]["head"].clone();
            let said = ann.say(&channel, "@bob @carol").await;
            assert_eq!(told(&bob).await.len(), 1, "{way}");
            let id = text(&bob.get("/notifications").await.body["items"][0]["id"]);
            match way {
                "leave" => drop(bob.call(&format!("/channels/{channel}/leave")).await),
                "remove" => drop(ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await),
                _ => ann.ban(&channel, &bob).await,
            }
            assert_eq!((told(&bob).await.len(), unread(&bob).await), (0, 0), "{way}");
            bob.put(&format!("/notifications/{id}/read"), json!({})).await.problem(404, "not_found");
            let missed = bob.get(&format!("/users/me/changes?since={head}&epoch={epoch}")).await.body;
            assert!(!missed.to_string().contains(&text(&said["id"])), "{way}: {missed}");
        }
        assert_eq!(told(&carol).await.len(), 3);
        // What is deleted, and what an edit takes back.
        let said = carol.get(&format!("/channels/{channel}/messages")).await.body["items"].clone();
        let edit = json!({ "content": "nobody" });
        ann.patch(&format!("/messages/{}", text(&said[0]["id"])), edit).await.expect(StatusCode::OK);
        ann.delete(&format!("/messages/{}", text(&said[1]["id"]))).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(told(&carol).await, [("mention".to_owned(), said[2]["id"].clone(), false)]);
        // An edit that mentions tells, once.
        let mut ears = carol.listen().await;
        for content in ["@carol", "@carol!"] {
            let edit = json!({ "content": content });
            ann.patch(&format!("/messages/{}", text(&said[0]["id"])), edit).await.expect(StatusCode::OK);
        }
        assert_eq!(next(&mut ears).await["message_id"], said[0]["id"]);
        nothing_more(&mut ears).await;
        ann.delete(&format!("/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!((told(&carol).await.len(), unread(&carol).await), (0, 0));
    }
}
