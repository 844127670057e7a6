//! Replies, what they quote, and the threads that they make.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{Person, text};

async fn reply(person: &Person, channel: &str, to: &Value, content: &str) -> Value {
    let body = json!({ "content": content, "reply_to": to["id"] });
    let answer = person.post(&format!("/channels/{channel}/messages"), body).await;
    answer.expect(StatusCode::CREATED);
    answer.body
}

async fn read(person: &Person, message: &Value) -> Value {
    let answer = person.get(&format!("/messages/{}", text(&message["id"]))).await;
    answer.expect(StatusCode::OK);
    answer.body
}

async fn delete(person: &Person, message: &Value) {
    let path = format!("/messages/{}", text(&message["id"]));
    person.delete(&path).await.expect(StatusCode::NO_CONTENT);
}

async fn follow(person: &Person, message: &Value, method: Method) {
    let path = format!("/messages/{}/follow", text(&message["id"]));
    person.send(person.request(method, &path)).await.expect(StatusCode::NO_CONTENT);
}

fn contents(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| text(&item["content"])).collect()
}

on_both! {
    async fn replies_make_a_thread_that_its_root_tells_of(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let root = ann.say(&channel, "lunch?").await;
        assert_eq!((&root["thread_id"], &root["reply_count"]), (&Value::Null, &json!(0)));
        let mut ears = ann.listen().await;
        let first = reply(&bob, &channel, &root, "yes").await;
        assert_eq!(first["thread_id"], root["id"]);
        let sent = ears.next_of("message.created").await;
        let told = ears.next_of("message.updated").await;
        assert_eq!(sent["message"]["id"], first["id"]);
        assert_eq!((&told["message"]["id"], &told["message"]["reply_count"]), (&root["id"], &json!(1)));
        assert_eq!(told["message"]["rev"], told["rev"]);
        assert_eq!(told["message"]["last_reply_at"], first["created_at"]);
        assert_eq!(told["message"]["edited_at"], Value::Null);
        // An answer to an answer is of the same thread, and quotes what it answers.
        let second = reply(&ann, &channel, &first, "where?").await;
        assert_eq!((&second["thread_id"], &second["reply_to"]), (&root["id"], &first["id"]));
        let third = reply(&bob, &channel, &second, "here").await;
        ann.say(&channel, "something else").await;
        assert_eq!(read(&ann, &root).await["reply_count"], 3);

        let path = format!("/messages/{}/replies?limit=2", text(&root["id"]));
        let page = ann.get(&path).await;
        assert_eq!(page.expect(StatusCode::OK).body["head"], ann.get(&format!("/channels/{channel}")).await.body["head"]);
        assert_eq!(contents(&ann.pages(&path).await), ["yes", "where?", "here"]);
        assert_eq!(ann.get(&format!("/messages/{}/replies", text(&third["id"]))).await.body["items"], json!([]));

        delete(&ann, &second).await;
        assert_eq!(read(&ann, &root).await["reply_count"], 2);
        assert_eq!(contents(&ann.pages(&path).await), ["yes", "", "here"], "a tombstone in its place");
        // Of a deleted root the replies stay.
        delete(&ann, &root).await;
        delete(&bob, &first).await;
        let gone = read(&ann, &root).await;
        assert_eq!((&gone["content"], &gone["reply_count"]), (&json!(""), &json!(1)));
        assert_eq!(contents(&ann.pages(&path).await), ["", "", "here"]);
        let late = reply(&bob, &channel, &third, "late").await;
        assert_eq!((&late["thread_id"], &read(&ann, &root).await["reply_count"]), (&root["id"], &json!(2)));
    }
}

on_both! {
    async fn a_reply_quotes_what_it_answers_as_it_stands(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let long = "é".repeat(300);
        let root = ann.say(&channel, &long).await;
        assert_eq!(read(&ann, &root).await["quote"], Value::Null);
        let answer = reply(&bob, &channel, &root, "yes").await;
        let quote = |content: &str, deleted: bool| {
            json!({ "id": root["id"], "author_id": ann.id, "content": content, "deleted": deleted })
        };
        assert_eq!(answer["quote"], quote(&long[..400], false));
        let path = format!("/messages/{}", text(&root["id"]));
        ann.patch(&path, json!({ "content": "short" })).await.expect(StatusCode::OK);
        assert_eq!(read(&bob, &answer).await["quote"], quote("short", false));
        delete(&ann, &root).await;
        let page = bob.get(&format!("/channels/{channel}/messages")).await.body;
        assert_eq!(page["items"][0]["quote"], quote("", true));
    }
}

on_both! {
    async fn who_began_a_thread_or_replied_follows_it_unless_they_say_otherwise(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let carol = server.user("carol").await;
        let channel = ann.create_channel("general").await;
        for person in [&bob, &carol] {
            person.join(&channel).await;
        }
        let root = ann.say(&channel, "lunch?").await;
        let first = reply(&bob, &channel, &root, "yes").await;
        let path = format!("/messages/{}/replies", text(&root["id"]));
        let follows = async || {
            let mut follows = Vec::new();
            for person in [&ann, &bob, &carol] {
                follows.push(person.get(&path).await.body["following"] == true);
            }
            follows
        };
        assert_eq!(follows().await, [true, true, false]);
        follow(&bob, &first, Method::DELETE).await;
        follow(&carol, &first, Method::PUT).await;
        follow(&ann, &root, Method::DELETE).await;
        assert_eq!(follows().await, [false, false, true]);
        reply(&bob, &channel, &root, "again").await;
        follow(&ann, &root, Method::PUT).await;
        assert_eq!(follows().await, [true, false, true]);
        let dan = server.user("dan").await;
        let follow = format!("/messages/{}/follow", text(&root["id"]));
        dan.send(dan.request(Method::PUT, &follow)).await.problem(403, "forbidden");
    }
}
