//! Conversations of several people.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::on_both;
use crate::server::text;

on_both! {
    async fn a_group_reaches_all_devices_of_all_who_are_in_it(server: TestServer) {
        let (ann, bob, carol) =
            (server.user("ann").await, server.user("bob").await, server.user("carol").await);
        let mut ears = [
            ann.listen().await,
            bob.listen().await,
            server.log_in("bob").await.listen().await,
            carol.listen().await,
        ];
        let body = json!({ "recipient_ids": [bob.id, carol.id], "name": "Tea" });
        let made = ann.post("/conversations", body).await;
        let id = text(&made.expect(StatusCode::CREATED).body["id"]);
        for ears in &mut ears {
            let heard = ears.next_of("channel.created").await;
            assert_eq!((&heard["feed"], &heard["channel"]["name"]), (&json!(id), &json!("Tea")));
            assert_eq!(heard["rev"], made.body["rev"]);
            let own = ears.next_of("membership.updated").await;
            assert_eq!(own["channel"], heard["channel"]);
        }
        ann.say(&id, "hello").await;
        for ears in &mut ears {
            ears.until(|frame| frame["message"]["content"] == "hello").await;
        }
    }
}

on_both! {
    async fn a_group_is_renamed_left_and_added_to_by_whoever_is_in_it(server: TestServer) {
        let (ann, bob, carol) =
            (server.user("ann").await, server.user("bob").await, server.user("carol").await);
        let dan = server.user("dan").await;
        let made = ann.post("/conversations", json!({ "recipient_ids": [bob.id, carol.id] })).await;
        let id = text(&made.expect(StatusCode::CREATED).body["id"]);
        let path = format!("/channels/{id}");
        assert_eq!(made.body["name"], Value::Null);
        let mut ears = carol.listen().await;
        let renamed = bob.patch(&path, json!({ "name": "Tea", "topic": "green" })).await;
        assert_eq!(renamed.expect(StatusCode::OK).body["name"], "Tea");
        assert_eq!(ears.next_of("channel.updated").await["channel"]["name"], "Tea");
        bob.patch(&path, json!({ "slow_mode_seconds": 5 })).await.problem(403, "forbidden");
        bob.add(&id, &dan).await;
        dan.get(&format!("{path}/messages")).await.expect(StatusCode::OK);
        bob.delete(&format!("{path}/members/{}", dan.id)).await.problem(403, "forbidden");

        // Whoever has been there longest owns it when its owner goes; a moderator before others.
        let leave = format!("{path}/leave");
        ann.promote(&id, &carol).await;
        ann.call(&leave).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(bob.get(&path).await.body["owner_id"], carol.id.as_str());
        ann.get(&path).await.problem(404, "not_found");
        ears.until(|frame| frame["membership"]["role"] == "owner").await;
        carol.call(&leave).await.expect(StatusCode::NO_CONTENT);
        let bob_id = bob.get(&path).await.body["owner_id"].clone();
        assert!(bob_id == bob.id.as_str() || bob_id == dan.id.as_str());
        let (first, last) = if bob_id == bob.id.as_str() { (&bob, &dan) } else { (&dan, &bob) };
        first.call(&leave).await.expect(StatusCode::NO_CONTENT);
        last.call(&leave).await.problem(409, "last_member");
        last.delete(&path).await.expect(StatusCode::NO_CONTENT);
    }
}

on_both! {
    async fn all_may_leave_a_group_at_once(server: TestServer) {
        let mut people = Vec::new();
        for n in 0..8 {
            people.push(server.user(&format!("person{n}")).await);
        }
        let others: Vec<_> = people[1..].iter().map(|person| person.id.clone()).collect();
        let made = people[0].post("/conversations", json!({ "recipient_ids": others })).await;
        let id = text(&made.expect(StatusCode::CREATED).body["id"]);
        let path = format!("/channels/{id}/leave");
        let all = people.iter().map(|person| person.call(&path));
        futures_util::future::join_all(all).await;
        // Who could not go, as others went at the same time, asks again; one is left, and owns it.
        for person in &people {
            let left = person.call(&path).await.status.as_u16();
            assert!([204, 404, 409].contains(&left), "{left}");
        }
        let mut left = Vec::new();
        for person in &people {
            let found = person.get(&format!("/channels/{id}")).await;
            left.extend(found.status.is_success().then(|| (person.id.clone(), found.body)));
        }
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].1["owner_id"], left[0].0.as_str());
    }
}
