//! Registering, signing in and out, and seeing each other.

use reqwest::{Method, StatusCode};
use serde_json::json;
use time::Duration;

use crate::on_both;
use crate::server::{PASSWORD, text};
use crate::socket::Socket;

on_both! {
    async fn somebody_registers_and_signs_in_by_name_or_address(server: TestServer) {
        let nobody = server.nobody();
        let body = json!({
            "username": "Ann", "email": "Ann@Example.com", "password": PASSWORD,
            "display_name": "Ann Lee"
        });
        let answer = nobody.post("/auth/register", body).await;
        answer.expect(StatusCode::CREATED);
        assert_eq!(answer.body["token_type"], "bearer");
        assert_eq!(answer.body["user"]["email"], "Ann@Example.com");
        for name in ["ann", "ANN", "ann@example.com"] {
            let body = json!({ "username": name, "password": PASSWORD });
            nobody.post("/auth/login", body).await.expect(StatusCode::OK);
        }
        let form = [("grant_type", "password"), ("username", "ann"), ("password", PASSWORD), ("scope", "")];
        let request = nobody.request(Method::POST, "/auth/login").form(&form);
        let ann = server.person(&nobody.send(request).await.expect(StatusCode::OK).body);
        let me = ann.get("/users/me").await;
        assert_eq!(me.body["display_name"], "Ann Lee");
        assert_eq!(ann.get("/auth/me").await.body, me.body);
    }
}

on_both! {
    async fn wrong_names_and_wrong_passwords_are_answered_alike(server: TestServer) {
        server.user("ann").await;
        let nobody = server.nobody();
        let try_in = async |name: &str| {
            let body = json!({ "username": name, "password": "wrong password" });
            nobody.post("/auth/login", body).await
        };
        let (known, unknown) = (try_in("ann").await, try_in("nobody").await);
        known.problem(401, "wrong_credentials");
        assert_eq!(known.body, unknown.body);
    }
}

on_both! {
    async fn a_taken_name_or_address_is_a_conflict(server: TestServer) {
        let nobody = server.nobody();
        let register = async |name: &str, email: &str| {
            let body = json!({ "username": name, "email": email, "password": PASSWORD });
            nobody.post("/auth/register", body).await
        };
        register("ann", "ann@example.com").await.expect(StatusCode::CREATED);
        register("ANN", "other@example.com").await.problem(409, "username_taken");
        register("bob", "ANN@example.com").await.problem(409, "email_taken");
    }
}

on_both! {
    async fn every_fault_of_a_request_is_named_at_once(server: TestServer) {
        let body = json!({
            "username": "a b", "email": 7, "password": "short", "display_name": "", "admin": true
        });
        let answer = server.nobody().post("/auth/register", body).await;
        answer.problem(422, "invalid");
        let expected = [
            ("admin", "unknown_field"), ("display_name", "too_short"), ("email", "wrong_type"),
            ("password", "too_short"), ("username", "bad_character"),
        ];
        let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
        assert_eq!(answer.faults(), expected);
    }
}

on_both! {
    async fn twenty_refreshes_at_once_give_one_successor(server: TestServer) {
        let ann = server.user("ann").await;
        let refresh = || server.nobody();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (nobody, token) = (refresh(), ann.refresh_token.clone());
            tasks.spawn(async move {
                nobody.post("/auth/refresh", json!({ "refresh_token": token })).await
            });
        }
        let mut successors = std::collections::BTreeSet::new();
        while let Some(answer) = tasks.join_next().await {
            let answer = answer.unwrap();
            answer.expect(StatusCode::OK);
            successors.insert(text(&answer.body["refresh_token"]));
        }
        assert_eq!(successors.len(), 1);

        server.clock.advance(Duration::seconds(21));
        let again = json!({ "refresh_token": ann.refresh_token });
        refresh().post("/auth/refresh", again).await.problem(401, "unauthenticated");
        // Somebody has stolen one of the two: the family has ended.
        let successor = json!({ "refresh_token": successors.first() });
        refresh().post("/auth/refresh", successor).await.problem(401, "unauthenticated");
        ann.get("/users/me").await.problem(401, "unauthenticated");
    }
}

on_both! {
    async fn signing_out_ends_tokens_and_sockets_at_once(server: TestServer) {
        let ann = server.user("ann").await;
        let other = server.log_in("ann").await;
        let (mut gone, mut stays) = (ann.listen().await, other.listen().await);
        let sessions = other.get("/auth/sessions").await;
        assert_eq!(sessions.body["items"].as_array().map(Vec::len), Some(2));
        let path = format!("/auth/sessions/{}", ann.session);
        other.delete(&path).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(gone.closed().await, 4009);
        ann.get("/users/me").await.problem(401, "unauthenticated");
        let refresh = json!({ "refresh_token": ann.refresh_token });
        server.nobody().post("/auth/refresh", refresh).await.problem(401, "unauthenticated");
        other.delete(&path).await.problem(404, "not_found");
        stays.settle().await;
        other.send(other.request(Method::POST, "/auth/logout")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(stays.closed().await, 4009);
    }
}

on_both! {
    async fn nobody_ends_the_session_of_somebody_else(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let path = format!("/auth/sessions/{}", ann.session);
        bob.delete(&path).await.problem(404, "not_found");
        ann.get("/users/me").await.expect(StatusCode::OK);
    }
}

on_both! {
    async fn access_tokens_end_and_the_socket_lives_on_with_a_new_one(server: TestServer) {
        let ann = server.user("ann").await;
        let mut socket = ann.listen().await;
        server.clock.advance(Duration::minutes(14));
        let refresh = json!({ "refresh_token": ann.refresh_token });
        let renewed = server.nobody().post("/auth/refresh", refresh).await;
        let renewed = server.person(&renewed.expect(StatusCode::OK).body);
        let token = renewed.token.clone();
        socket.done(json!({ "type": "auth.refresh", "token": token })).await;
        let bob = server.user("bob").await;
        let foreign = socket.ask(json!({ "type": "auth.refresh", "token": bob.token })).await;
        assert_eq!(foreign["error"]["code"], "forbidden");
        server.clock.advance(Duration::minutes(2));
        ann.get("/users/me").await.problem(401, "unauthenticated");
        renewed.get("/users/me").await.expect(StatusCode::OK);
        socket.settle().await;
    }
}

on_both! {
    async fn a_ticket_opens_one_socket(server: TestServer) {
        let ann = server.user("ann").await;
        let answer = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
        let ticket = text(&answer.expect(StatusCode::CREATED).body["ticket"]);
        let protocols = [("sec-websocket-protocol", format!("tertulia.v1, ticket.{ticket}"))];
        let opened = Socket::try_open(&server.base, "/api/v1/ws", &protocols).await.unwrap();
        assert_eq!(opened.ready["user"]["id"], ann.id.as_str());
        let again = Socket::try_open(&server.base, "/api/v1/ws", &protocols).await;
        assert_eq!(again.err(), Some(401));
        let answer = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
        let path = format!("/api/v1/ws?ticket={}", text(&answer.body["ticket"]));
        assert!(Socket::try_open(&server.base, &path, &[]).await.is_ok());
        let bare = Socket::try_open(&server.base, "/api/v1/ws", &[]).await;
        assert_eq!(bare.err(), Some(401));
    }
}

on_both! {
    async fn people_find_each_other(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        server.user("bobby").await;
        let found = ann.get("/users?query=BOB&limit=1").await;
        assert_eq!(found.body["items"][0]["username"], "bob");
        let next = text(&found.body["next"]);
        let rest = ann.get(&format!("/users?query=BOB&limit=1&cursor={next}")).await;
        assert_eq!(rest.body["items"][0]["username"], "bobby");
        assert!(rest.body["next"].is_null());
        let by_name = ann.get("/users/by-username/BoB").await;
        assert_eq!(by_name.body, ann.get(&format!("/users/{}", bob.id)).await.body);
        assert!(by_name.body.get("email").is_none(), "an address is nobody else's business");
        ann.get("/users/by-username/nobody").await.problem(404, "not_found");
        ann.get("/users/not-an-id").await.problem(404, "not_found");
        let edited = ann.patch("/users/me", json!({ "display_name": "Ann", "bio": "hello" })).await;
        assert_eq!(edited.expect(StatusCode::OK).body["bio"], "hello");
        ann.patch("/users/me", json!({})).await.problem(422, "invalid");
    }
}
