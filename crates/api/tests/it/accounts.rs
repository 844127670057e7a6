//! Changing what one signs in by, and who is taken for whom.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::json;
use tertulia_chat::{Options, Registration};
use tertulia_domain::{NewPassword, Username};

use crate::on_both;
use crate::server::{Answer, PASSWORD, Setup, TestServer};

const NEW: &str = "a better horse battery";

async fn log_in(server: &TestServer, name: &str, password: &str) -> Answer {
    server.nobody().post("/auth/login", json!({ "username": name, "password": password })).await
}

on_both! {
    async fn another_password_signs_out_every_other_device_with_its_sockets(server: TestServer) {
        let ann = server.user("ann").await;
        let other = server.log_in("ann").await;
        let (mut stays, mut gone) = (ann.listen().await, other.listen().await);
        let change = json!({ "current": PASSWORD, "new": NEW });
        ann.post("/auth/password", change.clone()).await.expect(StatusCode::NO_CONTENT);

        assert_eq!(gone.closed().await, 4009);
        other.get("/users/me").await.problem(401, "unauthenticated");
        let refresh = json!({ "refresh_token": other.refresh_token });
        server.nobody().post("/auth/refresh", refresh).await.problem(401, "unauthenticated");
        stays.settle().await;
        ann.get("/users/me").await.expect(StatusCode::OK);
        log_in(server, "ann", PASSWORD).await.problem(401, "wrong_credentials");
        log_in(server, "ann", NEW).await.expect(StatusCode::OK);
        // The old one proves nothing any more.
        ann.post("/auth/password", change).await.problem(403, "wrong_password");
    }
}

on_both! {
    async fn a_log_in_that_races_a_new_password_does_not_outlive_it(server: TestServer) {
        for n in 0..5 {
            let name = format!("racer{n}");
            let ann = server.user(&name).await;
            let change = json!({ "current": PASSWORD, "new": NEW });
            let (changed, raced) =
                tokio::join!(ann.post("/auth/password", change), log_in(server, &name, PASSWORD));
            changed.expect(StatusCode::NO_CONTENT);
            if raced.status == StatusCode::OK {
                let raced = server.person(&raced.body);
                raced.get("/users/me").await.problem(401, "unauthenticated");
            }
        }
    }
}

on_both! {
    async fn of_six_new_passwords_at_once_one_counts(server: TestServer) {
        let ann = server.user("ann").await;
        let new = |n: usize| format!("horse battery number {n}");
        let changes = (0..6).map(|n| {
            ann.post("/auth/password", json!({ "current": PASSWORD, "new": new(n) }))
        });
        let answers = join_all(changes).await;
        let counted: Vec<_> =
            (0..6).filter(|n| answers[*n].status == StatusCode::NO_CONTENT).collect();
        assert_eq!(counted.len(), 1, "{answers:?}");
        for (n, answer) in answers.iter().enumerate() {
            if !counted.contains(&n) {
                answer.problem(403, "wrong_password");
            }
            let signs_in = log_in(server, "ann", &new(n)).await.status == StatusCode::OK;
            assert_eq!(signs_in, counted.contains(&n), "{n}");
        }
    }
}

on_both! {
    async fn another_address_needs_the_password_and_is_nobody_elses(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let change = |email: &str, password: &str| json!({ "email": email, "password": password });
        let changed = ann.post("/auth/email", change("ann@example.com", PASSWORD)).await;
        assert_eq!(changed.expect(StatusCode::OK).body["email"], "ann@example.com");
        log_in(server, "ANN@example.com", PASSWORD).await.expect(StatusCode::OK);
        let wrong = ann.post("/auth/email", change("eve@example.com", "not the password")).await;
        wrong.problem(403, "wrong_password");
        let taken = bob.post("/auth/email", change("Ann@Example.com", PASSWORD)).await;
        taken.problem(409, "email_taken");
        assert!(bob.get("/users/me").await.body["email"].is_null());
    }
}

on_both! {
    async fn a_name_that_looks_like_another_is_taken(server: TestServer) {
        server.user("paypal").await;
        let register = async |name: &str| {
            server.nobody().post("/auth/register", json!({ "username": name, "password": PASSWORD })).await
        };
        for name in ["paypa1", "PaypaI", "p\u{430}yp\u{430}l"] {
            let answer = register(name).await;
            answer.problem(409, "username_taken");
            assert_eq!(answer.body, register("paypal").await.body);
        }
        register("paypals").await.expect(StatusCode::CREATED);
    }
}

on_both! {
    alone "each node counts by itself",
    with Setup { throttled: true, ..Setup::default() },
    async fn guessing_at_the_password_of_an_open_device_is_slowed(server: TestServer) {
        let ann = server.user("ann").await;
        let change = json!({ "current": "not the password", "new": NEW });
        let mut tries = 0;
        let refused = loop {
            let answer = ann.post("/auth/password", change.clone()).await;
            if answer.status != StatusCode::FORBIDDEN {
                break answer;
            }
            tries += 1;
        };
        refused.problem(429, "too_many_requests");
        assert!((15..=25).contains(&tries), "{tries}");
        // The device is, and nobody else: its owner signs in elsewhere, even behind the same address.
        let answer = log_in(server, "ann", PASSWORD).await;
        let elsewhere = server.person(&answer.expect(StatusCode::OK).body);
        let change = json!({ "current": PASSWORD, "new": NEW });
        elsewhere.post("/auth/password", change).await.expect(StatusCode::NO_CONTENT);
    }
}

on_both! {
    with Setup {
        options: Options { registration_open: false, guests: true, ..Options::default() },
        ..Setup::default()
    },
    async fn where_registration_is_closed_no_way_of_signing_up_is_open(server: TestServer) {
        let nobody = server.nobody();
        let new = json!({ "username": "ann", "password": PASSWORD });
        nobody.post("/auth/register", new.clone()).await.problem(403, "forbidden");
        let guest = nobody.post("/auth/guest", json!({ "name": "Ann" })).await;
        let guest = server.person(&guest.expect(StatusCode::CREATED).body);
        guest.post("/auth/guest/upgrade", new.clone()).await.problem(403, "forbidden");
        let root = Registration {
            username: Username::parse("root").unwrap(),
            email: None,
            password: NewPassword::parse(PASSWORD.to_owned()).unwrap(),
            display_name: None,
        };
        server.chat.create_admin(root).await.unwrap();
        let made = server.log_in("root").await.post("/admin/users", new).await;
        assert_eq!(made.expect(StatusCode::CREATED).body["username"], "ann");
        server.log_in("ann").await.get("/users/me").await.expect(StatusCode::OK);
    }
}
