//! Running the server: who may be there, and what is kept of what was done.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{PASSWORD, Person, TestServer, text};

async fn log_in(server: &TestServer, password: &str) -> crate::server::Answer {
    server.nobody().post("/auth/login", json!({ "username": "bob", "password": password })).await
}

fn path(person: &Person) -> String {
    format!("/admin/users/{}", person.id)
}

on_both! {
    async fn who_is_disabled_is_out_everywhere_at_once_until_enabled(server: TestServer) {
        let (root, bob) = (server.admin("root").await, server.user("bob").await);
        let other = server.log_in("bob").await;
        let channel = root.create_channel("general").await;
        bob.join(&channel).await;
        let mut sockets = [bob.listen().await, other.listen().await];
        let disabled = root.patch(&path(&bob), json!({ "disabled": true })).await;
        assert!(disabled.expect(StatusCode::OK).body["disabled_at"].is_string());
        let rev = root.say(&channel, "after it").await["rev"].as_i64().unwrap();

        for socket in &mut sockets {
            assert_eq!(socket.closed().await, 4009);
            assert!(socket.kept().all(|frame| frame["rev"].as_i64() < Some(rev)));
        }
        for device in [&bob, &other] {
            device.get("/users/me").await.problem(401, "unauthenticated");
            let refresh = json!({ "refresh_token": device.refresh_token });
            server.nobody().post("/auth/refresh", refresh).await.problem(401, "unauthenticated");
        }
        // Said to nobody but who knows the password.
        log_in(server, PASSWORD).await.problem(403, "account_disabled");
        log_in(server, "not the password").await.problem(401, "wrong_credentials");
        assert_eq!(root.get("/users?query=bob").await.body["items"], json!([]));
        let listed = root.get("/admin/users?query=BOB").await.body;
        assert_eq!(listed["items"][0]["id"], bob.id.as_str());

        root.patch(&path(&bob), json!({ "disabled": false })).await.expect(StatusCode::OK);
        bob.get("/users/me").await.problem(401, "unauthenticated");
        server.log_in("bob").await.say(&channel, "back").await;
    }
}

on_both! {
    async fn a_log_in_that_races_the_disabling_does_not_outlive_it(server: TestServer) {
        let (root, bob) = (server.admin("root").await, server.user("bob").await);
        let path = path(&bob);
        for _ in 0..5 {
            let disable = root.patch(&path, json!({ "disabled": true }));
            let (disabled, raced) = tokio::join!(disable, log_in(server, PASSWORD));
            disabled.expect(StatusCode::OK);
            if raced.status == StatusCode::OK {
                server.person(&raced.body).get("/users/me").await.problem(401, "unauthenticated");
            }
            root.patch(&path, json!({ "disabled": false })).await.expect(StatusCode::OK);
        }
    }
}

on_both! {
    async fn one_admin_always_stays(server: TestServer) {
        let (root, bob) = (server.admin("root").await, server.user("bob").await);
        for order in [json!({ "role": "member" }), json!({ "disabled": true })] {
            root.patch(&path(&root), order).await.problem(409, "last_admin");
        }
        let end = json!({ "password": PASSWORD });
        let delete = root.request(reqwest::Method::DELETE, "/users/me").json(&end);
        root.send(delete).await.problem(409, "last_admin");
        root.patch(&path(&bob), json!({ "role": "admin" })).await.expect(StatusCode::OK);
        // Each takes the role from the other, at once: one of them is too late.
        let (of_root, of_bob) = (path(&root), path(&bob));
        let (one, two) = tokio::join!(
            root.patch(&of_bob, json!({ "role": "member" })),
            bob.patch(&of_root, json!({ "role": "member" })),
        );
        let ok = [&one, &two].iter().filter(|answer| answer.status == StatusCode::OK).count();
        assert_eq!(ok, 1, "{} {}", one.body, two.body);
        let admins = [&root, &bob];
        let mut left = 0;
        for person in admins {
            left += usize::from(person.get("/users/me").await.body["role"] == "admin");
        }
        assert_eq!(left, 1);
    }
}

on_both! {
    async fn admins_see_that_private_channels_are_there_and_nothing_of_what_is_said(server: TestServer) {
        let (root, ann, bob) =
            (server.admin("root").await, server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("secret tea").await;
        ann.say(&channel, "with milk").await;
        let talk = ann.post("/conversations", json!({ "recipient_id": bob.id })).await.body;
        let talk = text(&talk["id"]);
        for below in ["", "/messages", "/members", "/changes"] {
            root.get(&format!("/channels/{channel}{below}")).await.problem(404, "not_found");
        }
        let listed = root.get("/admin/channels?query=SECRET").await;
        let expected = json!({ "name": "secret tea", "kind": "private", "members": 1, "messages": 1 });
        let shown = &listed.expect(StatusCode::OK).body["items"][0];
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&shown[field], value, "{shown}");
        }
        assert!(!listed.body.to_string().contains("milk"));
        assert_eq!(root.get("/admin/channels").await.body["items"].as_array().map(Vec::len), Some(1));
        for path in [format!("/admin/channels/{talk}"), format!("/admin/channels/{}", ann.id)] {
            root.get(&path).await.problem(404, "not_found");
            root.delete(&path).await.problem(404, "not_found");
        }

        let mut socket = ann.listen().await;
        root.delete(&format!("/admin/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        socket.next_of("channel.deleted").await;
        ann.get(&format!("/channels/{channel}")).await.problem(404, "not_found");
        let counts = root.get("/admin/statistics").await.body;
        let expected = json!({
            "people": 3, "guests": 0, "disabled": 0, "admins": 1, "sessions": 3,
            "public_channels": 0, "private_channels": 0, "groups": 0, "direct_conversations": 1,
            "messages": 1
        });
        assert_eq!(counts, expected);
    }
}

/// Who did what to whom, and what came of it, the oldest first.
fn told(log: &Value) -> Vec<(String, String, String, String)> {
    let entries = log["items"].as_array().unwrap().iter().rev();
    let field = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    entries
        .map(|entry| {
            assert_eq!(entry["address"], "127.0.0.1");
            let [actor, action, target, result] =
                ["actor_id", "action", "target_id", "result"].map(|name| field(entry, name));
            (actor, action, target, result)
        })
        .collect()
}

on_both! {
    async fn what_is_done_with_a_privilege_is_kept_and_stays(server: TestServer) {
        let (root, bob) = (server.admin("root").await, server.user("bob").await);
        let channel = bob.create_channel("general").await;
        root.patch(&path(&bob), json!({ "role": "admin" })).await.expect(StatusCode::OK);
        // What changes nothing is not kept.
        root.patch(&path(&bob), json!({ "role": "admin" })).await.expect(StatusCode::OK);
        root.patch(&path(&bob), json!({ "role": "member", "disabled": true })).await.expect(StatusCode::OK);
        root.patch(&path(&bob), json!({ "disabled": false })).await.expect(StatusCode::OK);
        root.delete(&format!("/admin/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        let bob = server.log_in("bob").await;
        let change = |current: &str| json!({ "current": current, "new": PASSWORD });
        bob.post("/auth/password", change("a guess at it")).await.problem(403, "wrong_password");
        bob.post("/auth/password", change(PASSWORD)).await.expect(StatusCode::NO_CONTENT);
        bob.post("/auth/email", json!({ "email": "b@example.com", "password": PASSWORD })).await
            .expect(StatusCode::OK);

        let log = root.get("/admin/audit").await.body;
        let entry = |actor: &Person, action: &str, target: &str, result: &str| {
            (actor.id.clone(), action.to_owned(), target.to_owned(), result.to_owned())
        };
        let expected = [
            entry(&root, "admin.claimed", &root.id, "done"),
            entry(&root, "user.role_changed", &bob.id, "done"),
            entry(&root, "user.role_changed", &bob.id, "done"),
            entry(&root, "user.disabled", &bob.id, "done"),
            entry(&root, "user.enabled", &bob.id, "done"),
            entry(&root, "channel.deleted", &channel, "done"),
            entry(&bob, "account.password_changed", &bob.id, "refused"),
            entry(&bob, "account.password_changed", &bob.id, "done"),
            entry(&bob, "account.email_changed", &bob.id, "done"),
        ];
        let mut got = told(&log);
        // Of one millisecond, in any order: the clock stands still.
        got.sort();
        let mut expected = expected.to_vec();
        expected.sort();
        assert_eq!(got, expected);
        let of = async |filter: &str| {
            root.get(&format!("/admin/audit?{filter}")).await.body["items"].as_array().unwrap().len()
        };
        assert_eq!(of(&format!("actor={}", bob.id)).await, 3);
        assert_eq!(of(&format!("target={channel}")).await, 1);
        assert_eq!(of(&format!("action=user.role_changed&target={}", bob.id)).await, 2);
        assert_eq!(root.pages("/admin/audit?limit=2").await.len(), expected.len());
        bob.get("/admin/audit").await.problem(403, "forbidden");
        root.get("/admin/audit?action=everything").await.problem(422, "invalid");
    }
}
