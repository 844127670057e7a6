//! Links into channels, and invitations.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::bans::patient;
use crate::on_both;
use crate::server::{Person, text};

async fn link(from: &Person, channel: &str, body: Value) -> (String, String) {
    let made = from.post(&format!("/channels/{channel}/invites"), body).await;
    made.expect(StatusCode::CREATED);
    (text(&made.body["id"]), text(&made.body["code"]))
}

on_both! {
    async fn a_link_lets_people_in_until_it_is_revoked(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let id = ann.create_private("secret").await;
        ann.say(&id, "hush").await;
        let (invite, code) = link(&ann, &id, json!({})).await;
        assert!(code.len() >= 25, "at least 128 bits");
        let seen = bob.get(&format!("/invites/{code}")).await;
        let expected = json!({ "channel_id": id, "kind": "private", "name": "secret", "members": 1 });
        assert_eq!(seen.expect(StatusCode::OK).body, expected);
        bob.get(&format!("/channels/{id}")).await.problem(404, "not_found");
        server.nobody().get(&format!("/invites/{code}")).await.problem(401, "unauthenticated");

        let mut ears = ann.listen().await;
        let mut own = bob.listen().await;
        let joined = bob.call(&format!("/invites/{code}/join")).await;
        assert_eq!(joined.expect(StatusCode::OK).body["state"], "joined");
        assert_eq!(ears.next_of("member.joined").await["member"], joined.body);
        assert_eq!(own.next_of("membership.updated").await["channel"]["id"], id.as_str());
        bob.get(&format!("/channels/{id}/messages")).await.expect(StatusCode::OK);
        bob.call(&format!("/invites/{code}/join")).await.expect(StatusCode::OK);
        let list = ann.get(&format!("/channels/{id}/invites")).await;
        let item = &list.body["items"][0];
        assert_eq!((&item["id"], &item["uses"]), (&json!(invite), &json!(1)));
        assert!(!list.body.to_string().contains(&code), "it was shown once");
        bob.get(&format!("/channels/{id}/invites")).await.problem(403, "forbidden");
        bob.post(&format!("/channels/{id}/invites"), json!({})).await.problem(403, "forbidden");
        let path = format!("/channels/{id}/invites/{invite}");
        bob.delete(&path).await.problem(403, "forbidden");
        eve.delete(&path).await.problem(404, "not_found");
        let other = ann.create_private("other").await;
        ann.delete(&format!("/channels/{other}/invites/{invite}")).await.problem(404, "not_found");
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        ann.delete(&path).await.problem(404, "not_found");
        for bad in [code.as_str(), "ti_", "ti_AAAA", "x", &code.replace("ti_", "tt_")] {
            eve.get(&format!("/invites/{bad}")).await.problem(404, "not_found");
            eve.call(&format!("/invites/{bad}/join")).await.problem(404, "not_found");
        }
    }
}

on_both! {
    with patient(),
    async fn a_link_is_over_in_time_and_to_who_is_banned(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let id = ann.create_channel("general").await;
        let past = json!({ "expires_at": server.clock.now() });
        let past = ann.post(&format!("/channels/{id}/invites"), past).await;
        assert_eq!(past.problem(422, "invalid").faults(), [("expires_at".into(), "past".into())]);
        let end = server.clock.now().plus(time::Duration::hours(1));
        let (_, code) = link(&ann, &id, json!({ "expires_at": end })).await;
        ann.ban(&id, &eve).await;
        eve.get(&format!("/invites/{code}")).await.problem(404, "not_found");
        eve.call(&format!("/invites/{code}/join")).await.problem(404, "not_found");
        ann.patch(&format!("/channels/{id}"), json!({ "archived": true })).await.expect(StatusCode::OK);
        bob.call(&format!("/invites/{code}/join")).await.problem(409, "archived");
        ann.patch(&format!("/channels/{id}"), json!({ "archived": false })).await.expect(StatusCode::OK);
        server.clock.advance(time::Duration::hours(1));
        bob.get(&format!("/invites/{code}")).await.problem(404, "not_found");
        bob.call(&format!("/invites/{code}/join")).await.problem(404, "not_found");
        assert_eq!(ann.get(&format!("/channels/{id}/invites")).await.body["items"], json!([]));

        let (_, code) = link(&ann, &id, json!({})).await;
        ann.delete(&format!("/channels/{id}")).await.expect(StatusCode::NO_CONTENT);
        bob.get(&format!("/invites/{code}")).await.problem(404, "not_found");
        bob.call(&format!("/invites/{code}/join")).await.problem(404, "not_found");
    }
}

on_both! {
    async fn a_link_lets_in_as_many_as_it_says(server: TestServer) {
        let ann = server.user("ann").await;
        let id = ann.create_private("secret").await;
        let (_, code) = link(&ann, &id, json!({ "max_uses": 3 })).await;
        let mut people = Vec::new();
        for n in 0..20 {
            people.push(server.user(&format!("guest{n}")).await);
        }
        // Each of them twice: who is in it uses nothing up.
        let all = people.iter().chain(&people).map(|person| {
            let path = format!("/invites/{code}/join");
            async move { person.call(&path).await.status.as_u16() }
        });
        futures_util::future::join_all(all).await;
        let members = ann.pages(&format!("/channels/{id}/members?limit=50")).await;
        assert_eq!(members.len(), 4, "her, and three");
        people[0].get(&format!("/invites/{code}")).await.problem(404, "not_found");
        for _ in 0..100 {
            link(&ann, &id, json!({})).await;
        }
        let full = ann.post(&format!("/channels/{id}/invites"), json!({})).await;
        full.problem(409, "too_many_invites");
        assert_eq!(ann.pages(&format!("/channels/{id}/invites?limit=33")).await.len(), 100);
    }
}

on_both! {
    async fn only_who_is_invited_answers(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let id = ann.create_private("secret").await;
        let ask = format!("/channels/{id}/invitations");
        let answer = |how: &str| format!("/users/me/invitations/{id}/{how}");
        let mut ears = [bob.listen().await, server.log_in("bob").await.listen().await];
        eve.post(&ask, json!({ "user_id": bob.id })).await.problem(404, "not_found");
        let asked = ann.post(&ask, json!({ "user_id": bob.id })).await;
        let expected = json!({
            "channel_id": id, "kind": "private", "name": "secret", "user_id": bob.id, "by": ann.id,
            "created_at": server.clock.now(), "state": "pending",
        });
        assert_eq!(asked.expect(StatusCode::CREATED).body, expected);
        ann.post(&ask, json!({ "user_id": bob.id })).await.expect(StatusCode::OK);
        for ears in &mut ears {
            let told = ears.next_of("invitation.created").await;
            assert_eq!((&told["feed"], &told["invitation"]), (&json!("me"), &expected));
        }
        assert_eq!(bob.get("/users/me/invitations").await.body["items"], json!([expected]));
        assert_eq!(eve.get("/users/me/invitations").await.body["items"], json!([]));
        let missed = bob.get("/users/me/changes?since=0").await;
        assert_eq!(missed.body["items"][0]["invitation"], expected);
        bob.get(&format!("/channels/{id}")).await.problem(404, "not_found");
        eve.call(&answer("accept")).await.problem(404, "not_found");
        ann.call(&answer("accept")).await.problem(404, "not_found");

        bob.call(&answer("decline")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(ears[0].next_of("invitation.updated").await["invitation"]["state"], "declined");
        bob.call(&answer("decline")).await.problem(404, "not_found");
        bob.call(&answer("accept")).await.problem(404, "not_found");
        ann.post(&ask, json!({ "user_id": bob.id })).await.expect(StatusCode::CREATED);
        let came = bob.call(&answer("accept")).await;
        assert_eq!(came.expect(StatusCode::OK).body["state"], "joined");
        assert_eq!(bob.get("/users/me/invitations").await.body["items"], json!([]));
        ann.post(&ask, json!({ "user_id": bob.id })).await.problem(409, "already_a_member");
        bob.post(&ask, json!({ "user_id": eve.id })).await.problem(403, "forbidden");

        // However somebody comes in, the invitation is answered; and a ban takes it back.
        ann.post(&ask, json!({ "user_id": eve.id })).await.expect(StatusCode::CREATED);
        ann.add(&id, &eve).await;
        assert_eq!(eve.get("/users/me/invitations").await.body["items"], json!([]));
        let dan = server.user("dan").await;
        ann.post(&ask, json!({ "user_id": dan.id })).await.expect(StatusCode::CREATED);
        ann.ban(&id, &dan).await;
        assert_eq!(dan.get("/users/me/invitations").await.body["items"], json!([]));
        dan.call(&answer("accept")).await.problem(404, "not_found");
        ann.post(&ask, json!({ "user_id": dan.id })).await.problem(409, "banned");
    }
}

on_both! {
    async fn who_is_invited_hears_that_the_channel_is_gone(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_private("secret").await;
        let mut ears = bob.listen().await;
        ann.post(&format!("/channels/{id}/invitations"), json!({ "user_id": bob.id }))
            .await
            .expect(StatusCode::CREATED);
        ears.next_of("invitation.created").await;
        ann.delete(&format!("/channels/{id}")).await.expect(StatusCode::NO_CONTENT);
        let told = ears.next_of("invitation.updated").await;
        assert_eq!((&told["invitation"]["state"], &told["invitation"]["name"]), (&json!("withdrawn"), &Value::Null));
        let missed = bob.get("/users/me/changes?since=0").await;
        assert_eq!(missed.body["items"][0]["invitation"], told["invitation"]);
        assert_eq!(missed.body["head"], told["rev"]);
    }
}
