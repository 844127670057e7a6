//! Making a channel or a group again when the answer was lost.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::Options;

use crate::on_both;
use crate::server::{Answer, Person, TestServer, text};

const KEY: &str = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";

async fn make(person: &Person, path: &str, key: &str, body: &Value) -> Answer {
    let request = person.request(Method::POST, path).header("idempotency-key", key).json(body);
    person.send(request).await
}

on_both! {
    async fn a_channel_asked_for_again_is_the_same_channel_as_it_is_now(server: TestServer) {
        let ann = server.user("ann").await;
        let tea = json!({ "name": "tea", "description": "and cake" });
        let first = make(&ann, "/channels", KEY, &tea).await;
        let id = text(&first.expect(StatusCode::CREATED).body["id"]);
        let again = make(&ann, "/channels", KEY, &tea).await;
        assert_eq!(again.expect(StatusCode::OK).body, first.body);
        let bare = make(&ann, "/channels", KEY.trim_matches('"'), &tea).await;
        assert_eq!(bare.expect(StatusCode::OK).body, first.body, "quotes are no part of a key");
        let plain = json!({ "kind": "public", "description": "and cake", "name": " tea " });
        make(&ann, "/channels", KEY, &plain).await.expect(StatusCode::OK);

        let path = format!("/channels/{id}");
        ann.patch(&path, json!({ "name": "coffee" })).await.expect(StatusCode::OK);
        let again = make(&ann, "/channels", KEY, &tea).await;
        assert_eq!(again.expect(StatusCode::OK).body, ann.get(&path).await.body, "as it is now");

        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        make(&ann, "/channels", KEY, &tea).await.problem(404, "not_found");
        assert_eq!(ann.get("/channels").await.body["items"], json!([]), "nothing is made again");
        let other = make(&ann, "/channels", "another", &tea).await;
        assert_ne!(other.expect(StatusCode::CREATED).body["id"], id.as_str());
        let unnamed = ann.post("/channels", tea).await;
        assert_ne!(unnamed.expect(StatusCode::CREATED).body["id"], other.body["id"]);
    }
}

on_both! {
    async fn a_group_asked_for_again_is_the_same_group(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let carol = server.user("carol").await;
        let group = json!({ "recipient_ids": [bob.id, carol.id], "name": "tea" });
        let first = make(&ann, "/conversations", KEY, &group).await;
        let id = text(&first.expect(StatusCode::CREATED).body["id"]);
        let turned = json!({ "recipient_ids": [carol.id, bob.id, ann.id], "name": "tea" });
        for same in [&group, &turned] {
            let again = make(&ann, "/conversations", KEY, same).await;
            assert_eq!(again.expect(StatusCode::OK).body, first.body);
        }
        let leave = bob.request(Method::POST, &format!("/channels/{id}/leave"));
        bob.send(leave).await.expect(StatusCode::NO_CONTENT);
        make(&ann, "/conversations", KEY, &group).await.expect(StatusCode::OK);
        bob.get(&format!("/channels/{id}")).await.problem(404, "not_found");

        let direct = json!({ "recipient_id": bob.id });
        make(&ann, "/conversations", KEY, &direct).await.expect(StatusCode::CREATED);
        make(&ann, "/conversations", "other", &direct).await.expect(StatusCode::OK);
    }
}

on_both! {
    async fn a_key_is_for_one_request_of_one_person(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let carol = server.user("carol").await;
        let secret = json!({ "name": "secret", "kind": "private" });
        let first = make(&ann, "/channels", KEY, &secret).await;
        first.expect(StatusCode::CREATED);
        for (path, other) in [
            ("/channels", json!({ "name": "secret" })),
            ("/channels", json!({ "name": "secrets", "kind": "private" })),
            ("/channels", json!({ "name": "secret", "kind": "private", "description": "x" })),
            ("/conversations", json!({ "recipient_ids": [bob.id], "name": "secret" })),
        ] {
            let refused = make(&ann, path, KEY, &other).await;
            assert_eq!(refused.problem(422, "invalid").faults(), [fault("key_reused")]);
        }
        let group = json!({ "recipient_ids": [bob.id] });
        make(&ann, "/conversations", "g", &group).await.expect(StatusCode::CREATED);
        for other in [
            json!({ "recipient_ids": [bob.id], "name": "tea" }),
            json!({ "recipient_ids": [bob.id, carol.id] }),
        ] {
            let refused = make(&ann, "/conversations", "g", &other).await;
            assert_eq!(refused.problem(422, "invalid").faults(), [fault("key_reused")]);
        }
        assert_eq!(ann.pages("/users/me/channels?limit=50").await.len(), 2);

        // The key of somebody else is another key: it neither finds nor refuses anything.
        let own = make(&bob, "/channels", KEY, &secret).await;
        assert_ne!(own.expect(StatusCode::CREATED).body["id"], first.body["id"]);
        let nobody = server.nobody();
        make(&nobody, "/channels", KEY, &secret).await.problem(401, "unauthenticated");
    }
}

on_both! {
    async fn a_bad_key_is_named_with_every_other_fault(server: TestServer) {
        let ann = server.user("ann").await;
        let (long, good) = ("k".repeat(65), json!({ "name": "tea" }));
        for (key, code) in [
            ("", "bad_length"),
            ("\"\"", "bad_length"),
            (long.as_str(), "bad_length"),
            ("a b", "bad_character"),
            ("\"a", "bad_character"),
            ("\"a\";b", "bad_character"),
            ("schlüssel", "bad_character"),
        ] {
            let refused = make(&ann, "/channels", key, &good).await;
            assert_eq!(refused.problem(422, "invalid").faults(), [fault(code)], "{key}");
        }
        let bad = json!({ "name": "", "colour": "red" });
        let faults = make(&ann, "/channels", "a b", &bad).await.problem(422, "invalid").faults();
        let fields: Vec<_> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["Idempotency-Key", "colour", "name"]);
        let twice = ann.request(Method::POST, "/conversations").header("idempotency-key", "a");
        let twice = twice.header("idempotency-key", "a").json(&json!({ "recipient_id": ann.id }));
        assert_eq!(ann.send(twice).await.problem(422, "invalid").faults(), [fault("not_allowed")]);
        let unread = ann.request(Method::POST, "/channels").header("idempotency-key", "a b");
        ann.send(unread.body("tea")).await.problem(415, "unsupported_media_type");
        assert_eq!(ann.get("/channels").await.body["items"], json!([]));
    }
}

fn fault(code: &str) -> (String, String) {
    ("Idempotency-Key".to_owned(), code.to_owned())
}

on_both! {
    async fn twenty_requests_with_one_key_make_one_channel_and_one_group(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (phone, mut inbox) = (server.log_in("ann").await, ann.listen().await);
        let group = json!({ "recipient_ids": [bob.id] });
        for (path, key, body) in
            [("/channels", "c", json!({ "name": "tea" })), ("/conversations", "g", group)]
        {
            let mut tasks = tokio::task::JoinSet::new();
            for turn in 0..20 {
                let (person, body) = (if turn % 2 == 0 { &ann } else { &phone }.clone(), body.clone());
                tasks.spawn(async move { make(&person, path, key, &body).await });
            }
            let answers = tasks.join_all().await;
            let ids: BTreeSet<_> = answers.iter().map(|answer| text(&answer.body["id"])).collect();
            let mut statuses: Vec<_> = answers.iter().map(|it| it.status.as_u16()).collect();
            statuses.sort_unstable();
            assert_eq!((ids.len(), &statuses[..19], statuses[19]), (1, &[200; 19][..], 201));
            let heard = inbox.next_of("membership.updated").await;
            assert_eq!(heard["channel_id"], **ids.first().as_ref().unwrap());
        }
        assert_eq!(ann.pages("/users/me/channels?limit=50").await.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_make_one_channel_of_one_key() {
    let Some(location) = TestServer::postgres_location() else { return };
    let one = TestServer::start(location.clone(), Options::default(), None).await;
    let two = TestServer::start(location, Options::default(), None).await;
    let ann = [one.user("ann").await, two.log_in("ann").await];
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..40 {
        // Two keys that each node takes in the other order.
        let key = if turn % 4 < 2 { "a" } else { "b" };
        let person = ann[turn % 2].clone();
        tasks
            .spawn(async move { make(&person, "/channels", key, &json!({ "name": "tea" })).await });
    }
    let answers = tasks.join_all().await;
    let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    let found = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let ids: BTreeSet<_> = answers.iter().map(|answer| text(&answer.body["id"])).collect();
    assert_eq!((made, found, ids.len()), (2, 38, 2));
    one.stop().await;
    two.stop().await;
}
