//! People who give a name and nothing else.

use reqwest::{Method, StatusCode};
use serde_json::json;
use tertulia_chat::Options;
use time::Duration;

use crate::on_both;
use crate::retention::until;
use crate::server::{PASSWORD, Person, Setup, TestServer, text};

fn open() -> Setup {
    let purge_every = std::time::Duration::from_millis(20);
    Setup {
        options: Options { guests: true, purge_every, ..Options::default() },
        ..Setup::default()
    }
}

async fn guest(server: &TestServer, name: &str) -> Person {
    let answer = server.nobody().post("/auth/guest", json!({ "name": name })).await;
    server.person(&answer.expect(StatusCode::CREATED).body)
}

on_both! {
    async fn guests_are_let_in_only_where_the_settings_say_so(server: TestServer) {
        server.nobody().post("/auth/guest", json!({ "name": "Ann" })).await.problem(403, "forbidden");
    }
}

on_both! {
    with open(),
    async fn a_guest_talks_and_is_shown_as_one(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let (one, two) = (guest(server, "Ann").await, guest(server, "Ann").await);
        for guest in [&one, &two] {
            guest.join(&channel).await;
            guest.say(&channel, "hello").await;
            let seen = ann.get(&format!("/users/{}", guest.id)).await.body;
            assert_eq!((&seen["kind"], &seen["display_name"]), (&json!("guest"), &json!("Ann")));
            assert!(text(&seen["username"]).starts_with("ann-"), "{seen}");
        }
        assert_eq!(ann.get("/users/me").await.body["kind"], "person");
    }
}

on_both! {
    with open(),
    async fn a_guest_makes_nothing_and_runs_nothing(server: TestServer) {
        let ann = server.user("ann").await;
        let eve = guest(server, "Eve").await;
        eve.post("/channels", json!({ "name": "spam" })).await.problem(403, "forbidden");
        eve.post("/conversations", json!({ "recipient_id": ann.id })).await.problem(403, "forbidden");
        let token = server.chat.offer_admin().await.unwrap().unwrap();
        eve.post("/admin/claim", json!({ "token": token })).await.problem(403, "forbidden");
        // The token is still good, for somebody who can be asked about it later.
        ann.post("/admin/claim", json!({ "token": token })).await.expect(StatusCode::OK);
        let path = format!("/admin/users/{}", eve.id);
        ann.patch(&path, json!({ "role": "admin" })).await.problem(409, "guest");
        let change = json!({ "current": "", "new": PASSWORD });
        eve.post("/auth/password", change).await.problem(409, "guest");
        // Nor do they ask anybody in, or are given a channel to run.
        let channel = ann.create_channel("tea").await;
        eve.join(&channel).await;
        let ask = format!("/channels/{channel}/invitations");
        eve.post(&ask, json!({ "user_id": server.user("bob").await.id })).await.problem(403, "forbidden");
        eve.post(&format!("/channels/{channel}/invites"), json!({})).await.problem(403, "forbidden");
        let place = format!("/channels/{channel}/members/{}", eve.id);
        ann.put(&place, json!({ "role": "moderator" })).await.problem(409, "guest");
        // Whoever begins a conversation with a guest is answered.
        let talk = ann.post("/conversations", json!({ "recipient_id": eve.id })).await;
        eve.say(&text(&talk.body["id"]), "hello").await;
    }
}

on_both! {
    with open(),
    async fn a_guest_who_signs_up_stays_who_they_were(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_private("tea").await;
        let eve = guest(server, "Eve").await;
        ann.add(&channel, &eve).await;
        let said = eve.say(&channel, "as a guest").await;
        let mut socket = eve.listen().await;
        let sign_up = |name: &str| json!({ "username": name, "email": "eve@example.com", "password": PASSWORD });
        eve.post("/auth/guest/upgrade", sign_up("ANN")).await.problem(409, "username_taken");
        let signed_up = eve.post("/auth/guest/upgrade", sign_up("eve")).await;
        let me = signed_up.expect(StatusCode::OK).body.clone();
        assert_eq!((&me["id"], &me["kind"]), (&json!(eve.id), &json!("person")));
        eve.post("/auth/guest/upgrade", sign_up("eve")).await.problem(409, "not_a_guest");

        socket.settle().await;
        server.clock.advance(Duration::days(2));
        let eve = server.log_in("eve").await;
        assert_eq!(said["author_id"], eve.id.as_str());
        eve.say(&channel, "as myself").await;
    }
}

on_both! {
    with open(),
    async fn a_guest_who_is_away_for_a_day_is_forgotten(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let (stays, goes) = (guest(server, "Stays").await, guest(server, "Goes").await);
        for guest in [&stays, &goes] {
            guest.join(&channel).await;
            guest.say(&channel, "hello").await;
        }
        server.clock.advance(Duration::hours(23));
        let refresh = json!({ "refresh_token": stays.refresh_token });
        let stays = server.person(&server.nobody().post("/auth/refresh", refresh).await.body);
        server.clock.advance(Duration::hours(2));

        let refresh = |person: &Person| json!({ "refresh_token": person.refresh_token });
        server.nobody().post("/auth/refresh", refresh(&goes)).await.problem(401, "unauthenticated");
        let stays = server.person(&server.nobody().post("/auth/refresh", refresh(&stays)).await.body);
        let ann = server.log_in("ann").await;
        let members = format!("/channels/{channel}/members");
        until(async || ann.get(&members).await.body["items"].as_array().unwrap().len() == 2).await;
        let profile = ann.get(&format!("/users/{}", goes.id)).await.body;
        assert_eq!((&profile["kind"], &profile["display_name"]), (&json!("deleted"), &json!("Deleted user")));
        let history = ann.get(&format!("/channels/{channel}/messages")).await.body;
        assert_eq!(history["items"][0]["content"], "hello", "what they said stays");
        stays.say(&channel, "still here").await;
    }
}

on_both! {
    with open(),
    async fn a_guest_who_signs_out_is_forgotten_soon(server: TestServer) {
        server.user("ann").await;
        let eve = guest(server, "Eve").await;
        eve.send(eve.request(Method::POST, "/auth/logout")).await.expect(StatusCode::NO_CONTENT);
        server.clock.advance(Duration::hours(2));
        let ann = server.log_in("ann").await;
        let path = format!("/users/{}", eve.id);
        until(async || ann.get(&path).await.body["kind"] == "deleted").await;
    }
}
