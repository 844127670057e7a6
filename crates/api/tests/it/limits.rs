//! Who does too much is told to wait, and holds up nobody else. The server's clock stands still
//! unless it is moved.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::{Limit, Limits, Options, Rule};
use time::Duration;

use crate::files::a_form;
use crate::on_both;
use crate::server::{Answer, PASSWORD, Person, Setup, TestServer};
use crate::socket::Socket;

/// A server with these limits, each so many and one more every ten seconds.
fn limited(limits: &[(Rule, u32)]) -> Setup {
    let mut set = Limits::default();
    for (rule, burst) in limits {
        set = set.with(*rule, Limit::of(*burst, burst * 10));
    }
    let options = Options { limits: set, ..Options::default() };
    Setup { options, throttled: true, behind_proxy: true, ..Setup::default() }
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Refused because of this rule, for ten seconds.
#[track_caller]
fn refused(answer: &Answer, rule: Rule, burst: u32) {
    answer.problem(429, "too_many_requests");
    assert_eq!(header(answer, "retry-after"), "10");
    let (name, window) = (rule.name(), burst * 10);
    assert_eq!(header(answer, "ratelimit-policy"), format!("\"{name}\";q={burst};w={window}"));
    assert_eq!(header(answer, "ratelimit"), format!("\"{name}\";r=0;t=10"));
}

async fn send(person: &Person, channel: &str) -> Answer {
    person.post(&format!("/channels/{channel}/messages"), json!({ "content": "hi" })).await
}

/// Asks over a socket, and gives the error's code and wait, if it is one.
async fn ask(socket: &mut Socket, frame: Value) -> Option<(Value, Value)> {
    let reply = socket.ask(frame).await;
    (reply["ok"] == false)
        .then(|| (reply["error"]["code"].clone(), reply["error"]["retry_after_ms"].clone()))
}

/// What a frame that is too much is answered.
fn too_many() -> (Value, Value) {
    (json!("too_many_requests"), json!(10_000))
}

on_both! {
    alone "each node counts by itself",
    with limited(&[(Rule::Messages, 5), (Rule::ChannelMessages, 3)]),
    async fn who_says_too_much_waits_whatever_the_transport_and_nobody_else(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (one, two) = (ann.create_channel("one").await, ann.create_channel("two").await);
        bob.join(&one).await;
        let mut socket = ann.listen().await;
        let frame = |channel: &str| json!({
            "type": "message.send", "channel_id": channel, "content": "hi"
        });
        for left in [2, 1] {
            let sent = send(&ann, &one).await;
            let standing = header(sent.expect(StatusCode::CREATED), "ratelimit");
            assert!(standing.contains(&format!("\"channel_messages\";r={left};")), "{standing}");
        }
        assert_eq!(ask(&mut socket, frame(&one)).await, None);
        refused(&send(&ann, &one).await, Rule::ChannelMessages, 3);
        assert_eq!(ask(&mut socket, frame(&one)).await, Some(too_many()));
        // Which counts for no other channel, until there is too much in all of them together.
        assert_eq!(ask(&mut socket, frame(&two)).await, None);
        send(&ann, &two).await.expect(StatusCode::CREATED);
        refused(&send(&ann, &two).await, Rule::Messages, 5);
        assert_eq!(ask(&mut socket, frame(&two)).await, Some(too_many()));
        send(&bob, &one).await.expect(StatusCode::CREATED);
        let said = ann.get(&format!("/channels/{one}/messages")).await;
        assert_eq!(said.body["items"].as_array().unwrap().len(), 4);
        // The socket is none the worse.
        assert_eq!(ask(&mut socket, json!({ "type": "ping" })).await, None);
        server.clock.advance(Duration::seconds(10));
        assert_eq!(ask(&mut socket, frame(&one)).await, None);
        assert_eq!(ask(&mut socket, frame(&one)).await, Some(too_many()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reactions_are_limited_by_message_and_altogether() {
    let setup = limited(&[(Rule::Reactions, 4), (Rule::MessageReactions, 3)]);
    let server = TestServer::sqlite_as(setup).await;
    let ann = server.user("ann").await;
    let channel = ann.create_channel("one").await;
    let said = [ann.say(&channel, "a").await, ann.say(&channel, "b").await];
    let path = |at: usize| {
        format!("/messages/{}/reactions/%F0%9F%91%8D", said[at]["id"].as_str().unwrap())
    };
    let mut socket = ann.listen().await;
    let frame = |kind: &str| json!({ "type": kind, "message_id": said[0]["id"], "emoji": "👍" });
    ann.put(&path(0), json!(null)).await.expect(StatusCode::OK);
    assert_eq!(ask(&mut socket, frame("reaction.remove")).await, None);
    assert_eq!(ask(&mut socket, frame("reaction.add")).await, None);
    refused(&ann.delete(&path(0)).await, Rule::MessageReactions, 3);
    assert_eq!(ask(&mut socket, frame("reaction.remove")).await, Some(too_many()));
    ann.put(&path(1), json!(null)).await.expect(StatusCode::OK);
    refused(&ann.delete(&path(1)).await, Rule::Reactions, 4);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_asks_too_much_is_told_so_and_stays() {
    let server = TestServer::sqlite_as(limited(&[(Rule::Frames, 3), (Rule::Sockets, 2)])).await;
    let ann = server.user("ann").await;
    let (mut one, mut other) = (ann.listen().await, ann.listen().await);
    let ping = || json!({ "type": "ping" });
    // Good and bad.
    assert_eq!(ask(&mut one, ping()).await, None);
    assert_eq!(ask(&mut one, json!({ "type": "what" })).await.unwrap().0, "invalid");
    assert_eq!(ask(&mut one, ping()).await, None);
    for _ in 0..100 {
        assert_eq!(ask(&mut one, ping()).await, Some(too_many()));
        assert_eq!(ask(&mut one, json!({ "type": "what" })).await, Some(too_many()));
    }
    assert_eq!(ask(&mut other, ping()).await, None);
    server.clock.advance(Duration::seconds(10));
    assert_eq!(ask(&mut one, ping()).await, None);
    // One came back in these ten seconds.
    ann.listen().await;
    let token = format!("Bearer {}", ann.token.clone().unwrap());
    let more = Socket::try_open(&server.base, "/api/v1/ws", &[("authorization", token)]).await;
    assert_eq!(more.err(), Some(429));
    let ticket = ann.call("/auth/tickets").await.body["ticket"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/ws?ticket={ticket}");
    assert_eq!(Socket::try_open(&server.base, &path, &[]).await.err(), Some(429));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_proves_nothing_is_limited_by_address_and_holds_up_nobody_who_does() {
    let setup = limited(&[(Rule::Anonymous, 5), (Rule::Readiness, 2)]);
    let server = TestServer::sqlite_as(setup).await;
    let ann = server.user("ann").await;
    let from = async |who: &Person, path: &str, address: &str| {
        who.send(who.request(Method::GET, path).header("x-forwarded-for", address)).await
    };
    let nobody = server.nobody();
    let mut eve = server.nobody();
    eve.token = Some("not a token".to_owned());
    for (who, path, host) in [
        (&nobody, "/users", 1),
        (&eve, "/users", 2),
        (&nobody, "/nothing", 3),
        (&eve, "/files/x", 4),
    ] {
        let answer = from(who, path, &format!("2001:db8::{host}")).await;
        assert!(matches!(answer.status.as_u16(), 401 | 404), "{path}: {}", answer.status);
    }
    from(&eve, "/limits", "2001:db8::5").await.expect(StatusCode::OK);
    for path in ["/users", "/limits", "/nothing"] {
        refused(&from(&eve, path, "2001:db8::6").await, Rule::Anonymous, 5);
    }
    // Before what is sent is looked at.
    let request = nobody.request(Method::POST, "/auth/refresh").json(&json!({}));
    let request = request.header("x-forwarded-for", "2001:db8::7");
    refused(&nobody.send(request).await, Rule::Anonymous, 5);
    from(&nobody, "/users", "2001:db8:0:1::1").await.problem(401, "unauthenticated");
    from(&ann, "/users", "2001:db8::1").await.expect(StatusCode::OK);
    // A balancer still sees what is so.
    let check = async |path: &str| {
        let request = server.request(Method::GET, path).header("x-forwarded-for", "2001:db8::1");
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(
        (check("/ready").await, check("/ready").await, check("/ready").await),
        (200, 200, 429)
    );
    for _ in 0..20 {
        assert_eq!(check("/health").await, 200);
    }
    assert_eq!(check("/").await, 429);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_fetched_by_a_link_counts_for_whose_link_it_is() {
    let server = TestServer::sqlite_as(limited(&[(Rule::Anonymous, 2)])).await;
    let ann = server.user("ann").await;
    let (kind, form) = a_form();
    let sent =
        ann.send(ann.request(Method::POST, "/files").header("content-type", kind).body(form));
    let path = format!("/files/{}", sent.await.body["id"].as_str().unwrap());
    let link = ann.call(&format!("{path}/links")).await.body["url"].as_str().unwrap().to_owned();
    let nobody = server.nobody();
    nobody.get("/users").await.problem(401, "unauthenticated");
    refused(&nobody.get("/users").await, Rule::Anonymous, 2);
    for _ in 0..5 {
        let fetched = server.request(Method::GET, &link).send().await.unwrap();
        assert_eq!(fetched.status(), StatusCode::OK);
        let policy = fetched.headers()["ratelimit-policy"].to_str().unwrap();
        assert!(policy.starts_with("\"requests\""), "{policy}");
    }
    // Of anything else it is no proof, and one that nobody has signed is none.
    let (_, link) = link.split_once('?').unwrap();
    refused(&nobody.get(&format!("/users?{link}")).await, Rule::Anonymous, 2);
    refused(&nobody.get(&format!("{path}?{link}x")).await, Rule::Anonymous, 2);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_nobody_vouches_for_is_not_believed() {
    let setup = Setup { behind_proxy: false, ..limited(&[(Rule::Anonymous, 3)]) };
    let server = TestServer::sqlite_as(setup).await;
    let ask = async |host: u8| {
        let request = server.nobody().request(Method::GET, "/users");
        server.nobody().send(request.header("x-forwarded-for", format!("192.0.2.{host}"))).await
    };
    for host in 0..3 {
        ask(host).await.problem(401, "unauthenticated");
    }
    refused(&ask(3).await, Rule::Anonymous, 3);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_device_leaves_room_for_the_others_of_its_person() {
    let server = TestServer::sqlite_as(limited(&[(Rule::Session, 3), (Rule::Requests, 5)])).await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let other = server.log_in("ann").await;
    for left in [2, 1, 0] {
        let answer = ann.get("/users/me").await;
        let account = left + 2;
        let (t, all) = (30 - left * 10, 50 - account * 10);
        let standing = format!("\"requests\";r={account};t={all}, \"session\";r={left};t={t}");
        assert_eq!(header(answer.expect(StatusCode::OK), "ratelimit"), standing);
        let policy = "\"requests\";q=5;w=50, \"session\";q=3;w=30";
        assert_eq!(header(&answer, "ratelimit-policy"), policy);
    }
    refused(&ann.get("/users/me").await, Rule::Session, 3);
    for _ in 0..2 {
        other.get("/users/me").await.expect(StatusCode::OK);
    }
    refused(&other.get("/users/me").await, Rule::Requests, 5);
    bob.get("/users/me").await.expect(StatusCode::OK);
    server.stop().await;
}

on_both! {
    alone "each node counts by itself",
    with limited(&[(Rule::Conversations, 2)]),
    async fn conversations_count_that_are_begun_not_those_that_are_found(server: TestServer) {
        let ann = server.user("ann").await;
        let mut others = Vec::new();
        for name in ["bob", "cid", "dan"] {
            others.push(server.user(name).await);
        }
        let begin = async |other: &Person| {
            ann.post("/conversations", json!({ "recipient_id": other.id })).await
        };
        for other in &others[..2] {
            begin(other).await.expect(StatusCode::CREATED);
        }
        refused(&begin(&others[2]).await, Rule::Conversations, 2);
        server.clock.advance(Duration::seconds(10));
        for _ in 0..5 {
            begin(&others[0]).await.expect(StatusCode::OK);
        }
        begin(&others[2]).await.expect(StatusCode::CREATED);
        refused(&begin(&others[0]).await, Rule::Conversations, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_operation_counts_as_what_it_is() {
    let rules = [
        Rule::Searches,
        Rule::Uploads,
        Rule::Drafts,
        Rule::Invitations,
        Rule::Probes,
        Rule::Changes,
    ];
    let server = TestServer::sqlite_as(limited(&rules.map(|rule| (rule, 1)))).await;
    for (at, (rule, method, path)) in [
        (Rule::Searches, "GET", "/users?query=a"),
        (Rule::Searches, "GET", "/channels"),
        (Rule::Searches, "HEAD", "/users/by-username/somebody"),
        (Rule::Uploads, "POST", "/files"),
        (Rule::Uploads, "PUT", "/users/me/avatar"),
        (Rule::Drafts, "PUT", "/channels/019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a/draft"),
        (Rule::Invitations, "POST", "/channels/019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a/invitations"),
        (Rule::Probes, "POST", "/auth/email"),
        (Rule::Changes, "PATCH", "/users/me"),
        (Rule::Changes, "POST", "/channels"),
        (Rule::Changes, "DELETE", "/messages/019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a"),
        (Rule::Changes, "POST", "/no/such/thing"),
    ]
    .into_iter()
    .enumerate()
    {
        let person = server.user(&format!("user{at}")).await;
        let ask = async || {
            let request = person.request(method.parse().unwrap(), path);
            let request = if path == "/files" {
                let (kind, form) = a_form();
                request.header("content-type", kind).body(form)
            } else if method != "GET" && method != "HEAD" {
                request.json(&json!({}))
            } else {
                request
            };
            person.send(request).await
        };
        let first = ask().await;
        assert_ne!(first.status, StatusCode::TOO_MANY_REQUESTS, "{method} {path}");
        let name = format!("\"{}\";r=0;t=10", rule.name());
        assert!(
            header(&first, "ratelimit").ends_with(&name),
            "{method} {path}: {:?}",
            first.headers
        );
        let second = ask().await;
        assert_eq!(second.status, StatusCode::TOO_MANY_REQUESTS, "{method} {path}");
        assert_eq!(header(&second, "ratelimit"), name, "{method} {path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_frame_counts_as_what_it_is() {
    let server = TestServer::sqlite_as(limited(&[(Rule::Drafts, 1), (Rule::Changes, 2)])).await;
    let ann = server.user("ann").await;
    let channel = ann.create_channel("one").await;
    let said = ann.say(&channel, "hi").await;
    let mut socket = ann.listen().await;
    let draft = json!({ "type": "draft.set", "channel_id": channel, "content": "well" });
    assert_eq!(ask(&mut socket, draft.clone()).await, None);
    assert_eq!(ask(&mut socket, draft).await, Some(too_many()));
    let edit = json!({ "type": "message.edit", "message_id": said["id"], "content": "ho" });
    assert_eq!(ask(&mut socket, edit.clone()).await, None);
    for frame in [
        edit,
        json!({ "type": "message.delete", "message_id": said["id"] }),
        json!({ "type": "status.set", "status": "away" }),
    ] {
        assert_eq!(ask(&mut socket, frame).await, Some(too_many()));
    }
    for frame in [
        json!({ "type": "read", "channel_id": channel, "seq": 1 }),
        json!({ "type": "typing", "channel_id": channel, "active": true }),
        json!({ "type": "focus", "channel_ids": [channel] }),
        json!({ "type": "sync", "feed": "me", "rev": 0 }),
        json!({ "type": "ping" }),
    ] {
        assert_eq!(ask(&mut socket, frame).await, None);
    }
    server.stop().await;
}

on_both! {
    alone "each node counts by itself",
    with limited(&[]),
    async fn guessing_locks_out_nobody_but_who_guesses(server: TestServer) {
        let ann = server.user("ann").await;
        let log_in = async |password: &str, address: &str| {
            let who = json!({ "username": "ann", "password": password });
            let request = server.nobody().request(Method::POST, "/auth/login").json(&who);
            server.nobody().send(request.header("x-forwarded-for", address)).await
        };
        while log_in("a wrong one", "192.0.2.1").await.status == StatusCode::UNAUTHORIZED {}
        let stopped = log_in(PASSWORD, "192.0.2.1").await;
        stopped.problem(429, "too_many_requests");
        let standing = header(&stopped, "ratelimit");
        assert!(standing.contains("\"guesses\";r=0;t=60"), "{standing}");
        log_in(PASSWORD, "192.0.2.2").await.expect(StatusCode::OK);
        // Who is signed in already does not even notice, at the same address.
        let request = ann.request(Method::GET, "/users/me").header("x-forwarded-for", "192.0.2.1");
        ann.send(request).await.expect(StatusCode::OK);
        // Nor is she kept from changing the password, if that is what she fears.
        let change = json!({ "current": PASSWORD, "new": "a better horse battery" });
        let request = ann.request(Method::POST, "/auth/password").json(&change);
        let changed = ann.send(request.header("x-forwarded-for", "192.0.2.1")).await;
        changed.expect(StatusCode::NO_CONTENT);
    }
}

on_both! {
    alone "each node counts by itself",
    with limited(&[(Rule::LogIns, 3), (Rule::Proofs, 2)]),
    async fn a_flood_of_log_ins_does_not_slow_who_is_signed_in(server: TestServer) {
        let ann = server.user("ann").await;
        let from_here = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", "192.0.2.1");
        let nobody = server.nobody();
        let flood = json!({ "username": "somebody", "password": PASSWORD });
        let log_in = || nobody.send(from_here(nobody.request(Method::POST, "/auth/login").json(&flood)));
        while log_in().await.status == StatusCode::UNAUTHORIZED {}
        log_in().await.problem(429, "too_many_requests");
        let change = async |current: &str, new: &str| {
            let change = json!({ "current": current, "new": new });
            ann.send(from_here(ann.request(Method::POST, "/auth/password").json(&change))).await
        };
        // Right ones do not count; wrong ones do, for the device alone.
        let (one, two) = (PASSWORD, "a better horse battery");
        for (current, new) in [(one, two), (two, one), (one, two), (two, one)] {
            change(current, new).await.expect(StatusCode::NO_CONTENT);
        }
        for _ in 0..2 {
            change("a wrong one", two).await.problem(403, "wrong_password");
        }
        let stopped = change(one, two).await;
        stopped.problem(429, "too_many_requests");
        let standing = header(&stopped, "ratelimit");
        assert!(standing.contains("\"proofs\";r=0"), "{standing}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_listed_and_can_be_read_by_pages_of_other_origins() {
    let server = TestServer::sqlite_as(limited(&[(Rule::Messages, 7)])).await;
    let ann = server.user("ann").await;
    let listed = server.nobody().get("/limits").await;
    assert_eq!(listed.body, ann.listen().await.ready["limits"]);
    let rates = listed.body["rates"].as_array().unwrap();
    let names: Vec<_> = rates.iter().map(|rate| rate["name"].as_str().unwrap()).collect();
    assert_eq!(names, Rule::ALL.iter().map(|rule| rule.name()).collect::<Vec<_>>());
    let messages = json!({
        "name": "messages", "scope": "account", "burst": 7, "period_seconds": 70
    });
    assert!(rates.contains(&messages), "{rates:?}");
    assert_eq!(listed.body["content_characters"], 4000);
    assert_eq!(listed.body["frame_bytes"], 65_536);
    assert_eq!(listed.body["file_bytes"], 104_857_600);
    server.stop().await;

    let off = TestServer::sqlite().await;
    let ann = off.user("ann").await;
    let listed = ann.get("/limits").await;
    assert_eq!(listed.body["rates"], json!([]));
    assert!(!listed.headers.contains_key("ratelimit"), "{:?}", listed.headers);
    off.stop().await;
}
