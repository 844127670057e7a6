//! Mentions: who is meant, who may mention everybody, and how many somebody has not read.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{Person, text};

/// What counts for somebody in a channel: unread, and mentions of them.
async fn counts(person: &Person, channel: &str) -> (i64, i64) {
    let list = person.get("/users/me/channels").await;
    let items = list.body["items"].as_array().unwrap();
    let own = items.iter().find(|own| own["channel"]["id"] == channel).unwrap();
    let listed = (own["unread"].as_i64().unwrap(), own["mentions"].as_i64().unwrap());
    let socket = person.listen().await;
    let heads = socket.ready["channels"].as_array().unwrap();
    let head = heads.iter().find(|head| head["feed"] == channel).unwrap();
    let ready = (head["unread"].as_i64().unwrap(), head["mentions"].as_i64().unwrap());
    assert_eq!(ready, listed, "`ready` says the same");
    listed
}

async fn edit(person: &Person, message: &Value, content: &str) -> Value {
    let path = format!("/messages/{}", text(&message["id"]));
    let answer = person.patch(&path, json!({ "content": content })).await;
    answer.expect(StatusCode::OK);
    answer.body
}

async fn mark(person: &Person, channel: &str, how: &str, seq: i64) {
    let (path, body) = (format!("/channels/{channel}/{how}"), json!({ "seq": seq }));
    let answer = match how {
        "read" => person.put(&path, body).await,
        _ => person.post(&path, body).await,
    };
    answer.expect(StatusCode::OK);
}

fn mentions(users: &[&Person], channel: bool) -> Value {
    let users: Vec<&str> = users.iter().map(|person| person.id.as_str()).collect();
    json!({ "users": users, "channel": channel })
}

on_both! {
    async fn a_message_mentions_who_is_in_the_channel(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("Bob.K").await);
        let (carol, dan) = (server.user("carol").await, server.user("dan").await);
        let channel = ann.create_channel("general").await;
        for person in [&bob, &carol] {
            person.join(&channel).await;
        }
        let mut ears = bob.listen().await;
        // Dan is not in it, though he may read it; ann means herself.
        let said = ann.say(&channel, "hi @bob.k, @CAROL @bob.k! @dan @ann @nobody bob@carol.example `@dan`").await;
        assert_eq!(said["mentions"], mentions(&[&bob, &carol], false));
        let heard = ears.next_of("message.created").await;
        assert_eq!(heard["message"]["mentions"], said["mentions"]);
        let path = format!("/messages/{}", text(&said["id"]));
        assert_eq!(dan.get(&path).await.body["mentions"], said["mentions"], "in what one fetches");
        let missed = bob.get(&format!("/channels/{channel}/changes")).await.body;
        let missed = missed["items"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(missed["message"]["mentions"], said["mentions"], "in what one missed");
        assert_eq!(counts(&bob, &channel).await, (1, 1));
        let sent = json!({ "type": "message.send", "channel_id": channel, "content": "@carol" });
        let mut mouth = bob.listen().await;
        assert_eq!(mouth.done(sent).await["mentions"], mentions(&[&carol], false), "over sockets too");
        assert_eq!(counts(&carol, &channel).await, (2, 2));
        // Who is sent away is not there to be mentioned.
        ann.ban(&channel, &carol).await;
        assert_eq!(ann.say(&channel, "@carol").await["mentions"], mentions(&[], false));
        // Whoever says the same again gets the same.
        let again = json!({ "id": "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a", "content": "@Bob.K" });
        let path = format!("/channels/{channel}/messages");
        let first = ann.post(&path, again.clone()).await;
        let second = ann.post(&path, again).await;
        second.expect(StatusCode::OK);
        assert_eq!((&first.body["mentions"], &second.body), (&mentions(&[&bob], false), &first.body));
    }
}

on_both! {
    async fn everybody_is_mentioned_by_who_may(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        assert_eq!(bob.say(&channel, "@channel!").await["mentions"], mentions(&[], false));
        assert_eq!(counts(&ann, &channel).await, (1, 0));
        let said = ann.say(&channel, "@Channel @bob").await;
        assert_eq!(said["mentions"], mentions(&[&bob], true));
        assert_eq!(counts(&bob, &channel).await, (1, 1), "a message counts once");
        ann.promote(&channel, &bob).await;
        assert_eq!(bob.say(&channel, "@channel").await["mentions"], mentions(&[], true));
        assert_eq!(counts(&bob, &channel).await, (0, 0));
        mark(&bob, &channel, "unread", 3).await;
        assert_eq!(counts(&bob, &channel).await, (1, 0), "one's own are no mentions of oneself");
        // In conversations everybody may.
        let group = ann.post("/conversations", json!({ "recipient_ids": [bob.id] })).await.body;
        let group = text(&group["id"]);
        assert_eq!(bob.say(&group, "@channel").await["mentions"]["channel"], true);
        assert_eq!(counts(&ann, &group).await, (1, 1));
        // Nobody is called so.
        let body = json!({ "username": "Channel", "password": crate::server::PASSWORD });
        let taken = server.nobody().post("/auth/register", body).await;
        assert_eq!(taken.faults(), [("username".to_owned(), "reserved".to_owned())]);
    }
}

on_both! {
    async fn counts_are_right_after_edits_deletes_and_unreading(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let one = ann.say(&channel, "@bob").await;
        let two = ann.say(&channel, "nothing").await;
        let three = ann.say(&channel, "@channel").await;
        assert_eq!(counts(&bob, &channel).await, (3, 2));
        // An edit mentions, and takes it back.
        assert_eq!(edit(&ann, &two, "you, @bob").await["mentions"], mentions(&[&bob], false));
        assert_eq!(counts(&bob, &channel).await, (3, 3));
        assert_eq!(edit(&ann, &one, "nobody").await["mentions"], mentions(&[], false));
        assert_eq!(counts(&bob, &channel).await, (3, 2));
        assert_eq!(edit(&ann, &three, "only @bob").await["mentions"], mentions(&[&bob], false));
        assert_eq!(counts(&bob, &channel).await, (3, 2));
        edit(&ann, &three, "@bob and @channel").await;
        assert_eq!(counts(&bob, &channel).await, (3, 2));
        edit(&ann, &three, "@bob or @channel").await;
        mark(&bob, &channel, "read", 2).await;
        assert_eq!(counts(&bob, &channel).await, (1, 1));
        // What was read does not come back by being edited.
        edit(&ann, &one, "@bob again").await;
        assert_eq!(counts(&bob, &channel).await, (1, 1));
        mark(&bob, &channel, "unread", 1).await;
        assert_eq!(counts(&bob, &channel).await, (3, 3));
        for (message, left) in [(&three, (2, 2)), (&one, (1, 1)), (&two, (0, 0))] {
            let path = format!("/messages/{}", text(&message["id"]));
            ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
            assert_eq!(bob.get(&path).await.body["mentions"], mentions(&[], false));
            assert_eq!(counts(&bob, &channel).await, left);
        }
    }
}

on_both! {
    async fn who_deletes_their_account_is_mentioned_nowhere(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (channel, other) = (ann.create_channel("general").await, ann.create_channel("other").await);
        for channel in [&channel, &other] {
            bob.join(channel).await;
        }
        let said = ann.say(&channel, "@bob").await;
        let everybody = ann.say(&other, "@channel @bob").await;
        let mut ears = ann.listen().await;
        let end = json!({ "password": crate::server::PASSWORD, "messages": "keep" });
        bob.send(bob.request(reqwest::Method::DELETE, "/users/me").json(&end)).await.expect(StatusCode::NO_CONTENT);
        for message in [&said, &everybody] {
            let changed = ears.until(|frame| frame["message"]["id"] == message["id"]).await;
            assert_eq!(changed["message"]["mentions"]["users"], json!([]));
            assert_eq!(changed["message"]["content"], message["content"], "that is ann's");
        }
        // The name is nobody's now.
        assert_eq!(ann.say(&channel, "@bob").await["mentions"], mentions(&[], false));
        let user = bob.id.parse::<tertulia_domain::UserId>().unwrap();
        assert_eq!(server.store.messages_naming(user, 10).await.unwrap(), []);
    }
}
