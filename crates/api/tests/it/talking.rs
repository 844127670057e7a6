//! Saying things, live and afterwards.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{as_said, text};

on_both! {
    async fn a_message_is_heard_by_everybody_once_and_in_order(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let (mut ears, mut mouth) = (bob.listen().await, ann.listen().await);
        let mut prev = ears.ready["channels"][0]["head"].as_i64().unwrap();
        for n in 0..50 {
            mouth
                .send(json!({ "type": "message.send", "ref": n, "channel_id": channel, "content": n.to_string() }))
                .await;
        }
        for n in 0..50 {
            let frame = ears.next().await;
            assert_eq!((&frame["type"], &frame["feed"]), (&json!("message.created"), &json!(channel)));
            assert_eq!(frame["prev"], prev);
            assert_eq!(frame["message"]["content"], n.to_string());
            prev = frame["rev"].as_i64().unwrap();
            let reply = mouth.next_of("reply").await;
            assert_eq!((&reply["ref"], &reply["ok"]), (&json!(n), &json!(true)));
            assert_eq!(reply["data"], frame["message"], "what is acknowledged is what is heard");
        }
    }
}

on_both! {
    async fn a_client_may_send_again_what_got_no_answer(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let path = format!("/channels/{channel}/messages");
        let body = json!({ "id": "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a", "content": "once" });
        let first = ann.post(&path, body.clone()).await;
        let again = ann.post(&path, body.clone()).await;
        first.expect(StatusCode::CREATED);
        assert_eq!(again.expect(StatusCode::OK).body, first.body);
        let mut socket = ann.listen().await;
        let mut frame = body.clone();
        frame["type"] = json!("message.send");
        frame["channel_id"] = json!(channel);
        assert_eq!(socket.done(frame).await, as_said(&first.body));
        let other = json!({ "id": body["id"], "content": "another" });
        ann.post(&path, other).await.problem(409, "id_taken");
        let bob = server.user("bob").await;
        bob.join(&channel).await;
        bob.post(&path, body).await.problem(409, "id_taken");
        assert_eq!(ann.get(&path).await.body["items"].as_array().map(Vec::len), Some(1));
        let v4 = json!({ "id": "3f9f5b0a-2f6e-4f7c-9f0b-1a2b3c4d5e6f", "content": "x" });
        ann.post(&path, v4).await.problem(422, "invalid");
    }
}

on_both! {
    async fn messages_are_edited_answered_and_deleted(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut ears = bob.listen().await;
        let message = ann.say(&channel, "frist").await;
        let path = format!("/messages/{}", text(&message["id"]));
        ears.next().await;
        bob.patch(&path, json!({ "content": "mine" })).await.problem(403, "forbidden");
        let edited = ann.patch(&path, json!({ "content": "first" })).await;
        edited.expect(StatusCode::OK);
        assert!(edited.body["edited_at"].is_string());
        let frame = ears.next().await;
        assert_eq!((&frame["type"], &frame["message"]), (&json!("message.updated"), &as_said(&edited.body)));

        let answers = format!("/channels/{channel}/messages");
        let answer = bob.post(&answers, json!({ "content": "yes", "reply_to": message["id"] })).await;
        assert_eq!(answer.expect(StatusCode::CREATED).body["reply_to"], message["id"]);
        let elsewhere = ann.create_channel("other").await;
        let astray = json!({ "content": "yes", "reply_to": message["id"] });
        ann.post(&format!("/channels/{elsewhere}/messages"), astray).await.problem(422, "invalid");

        bob.delete(&path).await.problem(403, "forbidden");
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        let tombstone = ears.next_of("message.deleted").await;
        assert_eq!(tombstone["message"]["content"], "");
        ann.patch(&path, json!({ "content": "back" })).await.problem(409, "deleted");
        assert_eq!(as_said(&ann.get(&path).await.body), tombstone["message"]);
    }
}

on_both! {
    async fn an_edit_may_insist_on_what_it_saw(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let message = ann.say(&channel, "one").await;
        let path = format!("/messages/{}", text(&message["id"]));
        let tag = ann.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
        let edit = |tag: &str, content: &str| {
            let request = ann.request(Method::PATCH, &path).header("if-match", tag);
            request.json(&json!({ "content": content }))
        };
        ann.send(edit(&tag, "two")).await.expect(StatusCode::OK);
        ann.send(edit(&tag, "three")).await.problem(412, "stale");
        ann.send(edit("*", "three")).await.expect(StatusCode::OK);
        let unchanged = ann.get(&path).await.headers["etag"].clone();
        let request = ann.request(Method::GET, &path).header("if-none-match", unchanged);
        ann.send(request).await.expect(StatusCode::NOT_MODIFIED);
    }
}

on_both! {
    async fn history_is_paged_from_the_newest(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        for n in 1..=7 {
            ann.say(&channel, &n.to_string()).await;
        }
        let path = format!("/channels/{channel}/messages");
        let seqs = |page: &Value| -> Vec<i64> {
            let items = page["items"].as_array().unwrap();
            items.iter().map(|message| message["seq"].as_i64().unwrap()).collect()
        };
        let page = ann.get(&format!("{path}?limit=3")).await.body;
        assert_eq!(seqs(&page), [7, 6, 5]);
        assert_eq!(page["head"], 9);
        let next = text(&page["next"]);
        let page = ann.get(&format!("{path}?limit=3&cursor={next}")).await.body;
        assert_eq!(seqs(&page), [4, 3, 2]);
        assert_eq!(seqs(&ann.get(&format!("{path}?limit=2&after=2")).await.body), [4, 3]);
        assert_eq!(seqs(&ann.get(&format!("{path}?limit=3&around=4")).await.body), [5, 4, 3]);
        assert_eq!(seqs(&ann.get(&format!("{path}?before=3")).await.body), [2, 1]);
        let bad = ann.get(&format!("{path}?limit=0&before=1&after=2&cursor=%00")).await;
        bad.problem(422, "invalid");
        assert!(bad.faults().len() >= 2, "{}", bad.body);
    }
}

on_both! {
    async fn who_comes_back_syncs_what_was_missed(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let ears = bob.listen().await;
        let cursor = ears.ready["channels"][0]["head"].clone();
        let epoch = ears.ready["epoch"].clone();
        ears.drop_now();
        let one = ann.say(&channel, "one").await;
        ann.say(&channel, "two").await;
        ann.delete(&format!("/messages/{}", text(&one["id"]))).await;

        let mut ears = bob.listen().await;
        assert_eq!(ears.ready["channels"][0]["head"], cursor.as_i64().unwrap() + 3);
        let sync = |rev: &Value, epoch: &Value| json!({ "type": "sync", "feed": channel, "epoch": epoch, "rev": rev });
        let delta = ears.done(sync(&cursor, &epoch)).await;
        let kinds: Vec<_> = delta["items"].as_array().unwrap().iter().map(|frame| &frame["type"]).collect();
        assert_eq!(kinds, ["message.created", "message.deleted"]);
        assert_eq!((&delta["items"][0]["prev"], &delta["more"]), (&cursor, &json!(false)));
        let rest = format!("/channels/{channel}/changes?since={cursor}&epoch={}", text(&epoch));
        assert_eq!(bob.get(&rest).await.body, delta, "REST says the same");

        let other = ears.done(sync(&cursor, &json!("another"))).await;
        assert_eq!(other["reset"]["reason"], "epoch");
        let ahead = ears.done(sync(&json!(1000), &epoch)).await;
        assert_eq!(ahead["reset"]["reason"], "ahead");
    }
}

on_both! {
    async fn who_is_let_in_hears_from_then_on_and_who_is_out_hears_nothing(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let mut ears = bob.listen().await;
        let channel = ann.create_private("secret").await;
        ann.say(&channel, "before").await;
        ann.add(&channel, &bob).await;
        ann.say(&channel, "during").await;
        let joined = ears.next_of("membership.updated").await;
        assert_eq!((&joined["feed"], &joined["channel"]["name"]), (&json!("me"), &json!("secret")));
        let frame = ears.next_of("message.created").await;
        assert_eq!(frame["message"]["content"], "during");
        ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await;
        ann.say(&channel, "after").await;
        let out = ears.until(|frame| frame["membership"]["state"] == "removed").await;
        assert!(out["channel"].is_null());
        ears.settle().await;
        let heard: Vec<_> = ears.kept().filter(|frame| frame["feed"] == channel.as_str()).collect();
        assert!(heard.iter().all(|frame| frame["type"] == "member.joined"), "{heard:?}");
        let sync = ears.ask(json!({ "type": "sync", "feed": channel, "rev": 0 })).await;
        assert_eq!(sync["error"]["code"], "not_found");
        let send = json!({ "type": "message.send", "channel_id": channel, "content": "let me in" });
        assert_eq!(ears.ask(send).await["error"]["code"], "not_found");
    }
}

on_both! {
    async fn a_bad_frame_is_answered_and_closes_nothing(server: TestServer) {
        let ann = server.user("ann").await;
        let mut socket = ann.listen().await;
        let code = |reply: &Value| text(&reply["error"]["code"]);
        for bad in ["", "{", "[]", "null", "7", r#"{"type":1,"type":2}"#] {
            socket.send_text(bad).await;
            let reply = socket.next_of("reply").await;
            assert_eq!((&reply["ref"], code(&reply).as_str()), (&Value::Null, "malformed"), "{bad}");
        }
        for (bad, fields) in [
            (json!({}), vec!["type"]),
            (json!({ "type": "dance" }), vec!["type"]),
            (json!({ "type": "ping", "extra": 1 }), vec!["extra"]),
            (json!({ "type": "message.send" }), vec!["channel_id", "content"]),
            (json!({ "type": "message.send", "channel_id": 7, "content": "", "id": "x", "reply_to": [] }),
                vec!["channel_id", "id", "content", "reply_to"]),
            (json!({ "type": "sync", "feed": "you", "rev": -1, "limit": 1e9 }), vec!["feed", "rev", "limit"]),
        ] {
            let reply = socket.ask(bad).await;
            assert_eq!(code(&reply), "invalid", "{reply}");
            let named: Vec<_> = reply["error"]["errors"].as_array().unwrap().iter().map(|e| text(&e["field"])).collect();
            assert_eq!(named, fields);
        }
        socket.settle().await;
    }
}
