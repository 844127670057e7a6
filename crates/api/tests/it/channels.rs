//! Making channels, coming and going.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::on_both;
use crate::server::{as_said, text};

on_both! {
    async fn a_channel_is_made_found_changed_and_deleted(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let made = ann.post("/channels", json!({ "name": "General", "description": "all" })).await;
        let id = text(&made.expect(StatusCode::CREATED).body["id"]);
        assert_eq!(made.headers["location"], format!("/api/v1/channels/{id}"));
        assert_eq!((&made.body["kind"], &made.body["owner_id"]), (&json!("public"), &json!(ann.id)));
        let found = bob.get("/channels?query=gen").await;
        assert_eq!(found.body["items"][0]["id"], id.as_str());

        let path = format!("/channels/{id}");
        bob.patch(&path, json!({ "name": "Mine" })).await.problem(403, "forbidden");
        let changed = ann.patch(&path, json!({ "name": "Town", "description": "" })).await;
        assert_eq!(changed.expect(StatusCode::OK).body["name"], "Town");
        bob.delete(&path).await.problem(403, "forbidden");
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        ann.get(&path).await.problem(404, "not_found");
        assert_eq!(bob.get("/channels").await.body["items"], json!([]));
    }
}

on_both! {
    async fn private_channels_exist_for_their_members_only(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_private("secret").await;
        let message = ann.say(&id, "hush").await;
        let message = format!("/messages/{}", text(&message["id"]));
        let paths = ["", "/members", "/messages", "/changes?since=0"];
        for path in paths {
            bob.get(&format!("/channels/{id}{path}")).await.problem(404, "not_found");
        }
        bob.get(&message).await.problem(404, "not_found");
        let join = bob.request(Method::POST, &format!("/channels/{id}/join"));
        bob.send(join).await.problem(404, "not_found");

        ann.add(&id, &bob).await;
        for path in paths {
            bob.get(&format!("/channels/{id}{path}")).await.expect(StatusCode::OK);
        }
        bob.get(&message).await.expect(StatusCode::OK);
        ann.delete(&format!("/channels/{id}/members/{}", bob.id)).await.expect(StatusCode::NO_CONTENT);
        for path in paths {
            bob.get(&format!("/channels/{id}{path}")).await.problem(404, "not_found");
        }
        bob.get(&message).await.problem(404, "not_found");
    }
}

on_both! {
    async fn everybody_reads_a_public_channel_and_members_write(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_channel("general").await;
        ann.say(&id, "welcome").await;
        let messages = format!("/channels/{id}/messages");
        assert_eq!(bob.get(&messages).await.body["items"][0]["content"], "welcome");
        bob.post(&messages, json!({ "content": "hi" })).await.problem(403, "forbidden");
        bob.join(&id).await;
        bob.join(&id).await;
        bob.post(&messages, json!({ "content": "hi" })).await.expect(StatusCode::CREATED);
        let members = ann.get(&format!("/channels/{id}/members")).await;
        assert_eq!(members.body["items"].as_array().map(Vec::len), Some(2));
        let leave = || bob.request(Method::POST, &format!("/channels/{id}/leave"));
        bob.send(leave()).await.expect(StatusCode::NO_CONTENT);
        bob.send(leave()).await.problem(409, "not_a_member");
        bob.post(&messages, json!({ "content": "hi" })).await.problem(403, "forbidden");
        let owner = ann.request(Method::POST, &format!("/channels/{id}/leave"));
        ann.send(owner).await.problem(403, "forbidden");
    }
}

on_both! {
    async fn ones_own_channels_tell_what_is_unread(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_channel("general").await;
        bob.join(&id).await;
        ann.say(&id, "one").await;
        let two = ann.say(&id, "two").await;
        let own = bob.get("/users/me/channels").await;
        let own = &own.body["items"][0];
        assert_eq!((&own["unread"], &own["read_seq"]), (&json!(2), &json!(0)));
        assert_eq!(own["last_message"], as_said(&two));
        assert_eq!(own["channel"]["id"], id.as_str());
        ann.delete(&format!("/messages/{}", text(&two["id"]))).await.expect(StatusCode::NO_CONTENT);
        let own = bob.get("/users/me/channels").await;
        assert_eq!(own.body["items"][0]["unread"], 1);
    }
}

on_both! {
    async fn twenty_requests_make_one_direct_conversation(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let mut tasks = tokio::task::JoinSet::new();
        for turn in 0..20 {
            let (from, to) = if turn % 2 == 0 { (&ann, &bob) } else { (&bob, &ann) };
            let (from, body) = (from.clone(), json!({ "recipient_id": to.id }));
            tasks.spawn(async move { from.post("/conversations", body).await });
        }
        let mut ids = std::collections::BTreeSet::new();
        let mut made = 0;
        while let Some(answer) = tasks.join_next().await {
            let answer = answer.unwrap();
            made += i32::from(answer.status == StatusCode::CREATED);
            assert!(answer.status.is_success(), "{answer:?}");
            ids.insert(text(&answer.body["id"]));
        }
        assert_eq!((made, ids.len()), (1, 1));
        let id = ids.first().unwrap();
        ann.say(id, "hi bob").await;
        assert_eq!(bob.get("/users/me/channels").await.body["items"][0]["unread"], 1);
        let carol = server.user("carol").await;
        carol.get(&format!("/channels/{id}")).await.problem(404, "not_found");
        ann.post("/conversations", json!({ "recipient_id": ann.id })).await.problem(422, "invalid");
        ann.delete(&format!("/channels/{id}")).await.problem(403, "forbidden");
    }
}
