//! A session that ends takes its sockets with it, at once.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::{Location, MessageDraft, Options};
use tertulia_domain::MessageBody;

use crate::on_both;
use crate::raw::{CLOSE, FIN, Raw, TEXT};
use crate::server::{Person, Setup, TestServer, text, until};
use crate::socket::Socket;

/// Says so many things as fast as they are taken, and gives their acknowledged revs.
async fn burst(mouth: &mut Socket, channel: &str, words: &str, count: usize) -> Vec<i64> {
    for n in 0..count {
        let say = json!({ "type": "message.send", "ref": format!("{words}{n}"), "channel_id": channel, "content": words });
        mouth.send(say).await;
    }
    let mut revs = Vec::new();
    for n in 0..count {
        let name = format!("{words}{n}");
        let reply =
            mouth.until(|frame| frame["type"] == "reply" && frame["ref"] == name.as_str()).await;
        revs.push(reply["data"]["rev"].as_i64().unwrap());
    }
    revs
}

/// What a socket heard of a channel: revs, which must be a chain.
fn heard(ears: &Socket, channel: &str) -> Vec<i64> {
    let frames: Vec<&Value> = ears.kept().filter(|frame| frame["feed"] == channel).collect();
    for pair in frames.windows(2) {
        assert_eq!(pair[0]["rev"], pair[1]["prev"]);
    }
    frames.iter().map(|frame| frame["rev"].as_i64().unwrap()).collect()
}

async fn log_out(person: &Person) {
    let request = person.request(Method::POST, "/auth/logout");
    person.send(request).await.expect(StatusCode::NO_CONTENT);
}

on_both! {
    async fn nothing_is_heard_after_the_end_of_a_session(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let other = server.log_in("bob").await;
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut gone = [bob.listen().await, bob.listen().await];
        let (mut stays, mut mouth) = (other.listen().await, ann.listen().await);

        let before = burst(&mut mouth, &channel, "before", 60).await;
        let during = tokio::spawn({
            let channel = channel.clone();
            async move {
                let during = burst(&mut mouth, &channel, "during", 300).await;
                (mouth, during)
            }
        });
        other.delete(&format!("/auth/sessions/{}", bob.session)).await.expect(StatusCode::NO_CONTENT);
        let after_it = ann.say(&channel, "after the answer").await["rev"].as_i64().unwrap();
        let (mut mouth, during) = during.await.unwrap();
        let after = burst(&mut mouth, &channel, "after", 60).await;

        for ears in &mut gone {
            assert_eq!(ears.closed().await, 4009);
            let heard = heard(ears, &channel);
            assert!(heard.last() < Some(&after_it), "{heard:?} reaches {after_it}");
        }
        stays.until(|frame| frame["rev"].as_i64() == after.last().copied()).await;
        let mut all = [before, during, vec![after_it], after].concat();
        all.sort_unstable();
        all.pop();
        assert_eq!(heard(&stays, &channel), all, "the other device has heard everything");
    }
}

on_both! {
    async fn no_socket_outlives_a_session_that_ends_as_it_opens(server: TestServer) {
        for _ in 0..10 {
            let nobody = server.nobody();
            let name = format!("user{}", crate::server::unique());
            let ann = server.user(&name).await;
            let ticket = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
            let path = format!("/api/v1/ws?ticket={}", text(&ticket.body["ticket"]));
            let bearer = [("authorization", format!("Bearer {}", ann.token.clone().unwrap()))];
            let (one, two, ()) = tokio::join!(
                Socket::try_open(&nobody.base, "/api/v1/ws", &bearer),
                Socket::try_open(&nobody.base, &path, &[]),
                log_out(&ann),
            );
            for opened in [one, two] {
                match opened {
                    Ok(mut socket) => assert_eq!(socket.closed().await, 4009),
                    Err(status) => assert!(status == 401 || status == 4009, "{status}"),
                }
            }
        }
    }
}

on_both! {
    async fn all_sessions_end_at_once(server: TestServer) {
        let ann = server.user("ann").await;
        let other = server.log_in("ann").await;
        let ticket = other.send(other.request(Method::POST, "/auth/tickets")).await;
        let mut sockets = [ann.listen().await, other.listen().await, other.listen().await];
        ann.delete("/auth/sessions").await.expect(StatusCode::NO_CONTENT);
        for socket in &mut sockets {
            assert_eq!(socket.closed().await, 4009);
        }
        other.get("/users/me").await.problem(401, "unauthenticated");
        let path = format!("/api/v1/ws?ticket={}", text(&ticket.body["ticket"]));
        assert_eq!(Socket::try_open(&server.base, &path, &[]).await.err(), Some(401));
        server.log_in("ann").await.listen().await.settle().await;
    }
}

on_both! {
    async fn what_an_ended_session_asked_for_is_not_answered(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut gone = bob.listen().await;
        log_out(&bob).await;
        // It may not have read yet that it is over.
        gone.try_send(json!({ "type": "message.send", "ref": 1, "channel_id": channel, "content": "still here" })).await;
        gone.try_send(json!({ "type": "sync", "ref": 2, "feed": channel, "rev": 0 })).await;
        assert_eq!(gone.closed().await, 4009);
        assert_eq!(gone.kept().next(), None);
        let history = ann.get(&format!("/channels/{channel}/messages")).await;
        assert_eq!(history.body["items"], json!([]));
    }
}

on_both! {
    with Setup {
        options: Options { access_ttl: time::Duration::seconds(1), ..Options::default() },
        ..Setup::default()
    },
    async fn a_socket_ends_with_its_token(server: TestServer) {
        let ann = server.user("ann").await;
        let opened = std::time::Instant::now();
        assert_eq!(ann.listen().await.closed().await, 4010);
        assert!(opened.elapsed() < Duration::from_secs(3), "{:?}", opened.elapsed());
    }
}

on_both! {
    async fn what_a_session_asks_for_after_its_end_is_not_done(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let id = channel.parse().unwrap();
        let say = |words: &str| MessageDraft {
            id: None,
            body: Some(MessageBody::parse(words.to_owned()).unwrap()),
            reply_to: None,
            attachments: Vec::new(),
            drafted: false,
        };
        for round in 0..20 {
            let device = server.log_in("bob").await;
            // Both have been let in before anything happens: only the log knows which comes first.
            let gone = server.chat.authenticate(device.token.as_ref().unwrap()).unwrap();
            let stays = server.chat.authenticate(bob.token.as_ref().unwrap()).unwrap();
            let before = server.chat.send(&gone, id, say(&format!("before {round}"))).unwrap();
            let (before, ended, (after, others)) = tokio::join!(
                before,
                server.chat.end_session(&stays, gone.session),
                async {
                    let after = server.chat.send(&gone, id, say("after")).unwrap();
                    let others = server.chat.send(&stays, id, say(&format!("others {round}"))).unwrap();
                    tokio::join!(after, others)
                },
            );
            assert!(before.is_ok() && ended.is_ok() && others.is_ok());
            assert!(matches!(after, Err(tertulia_chat::Error::Unauthenticated)), "{after:?}");
        }
        let history = ann.pages(&format!("/channels/{channel}/messages?limit=100")).await;
        assert_eq!(history.len(), 40);
        assert!(history.iter().all(|message| message["content"] != "after"));
    }
}

on_both! {
    async fn a_socket_that_has_not_heard_of_its_end_does_nothing_more(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut gone = bob.listen().await;
        // The node knows; the thread of the socket has not been told yet.
        server.chat.hub().follow_system(0, [bob.session.parse().unwrap()]);
        gone.send(json!({ "type": "ping", "ref": 1 })).await;
        gone.try_send(json!({ "type": "message.send", "ref": 2, "channel_id": channel, "content": "still here" })).await;
        assert_eq!(gone.closed().await, 4009);
        assert_eq!(gone.kept().next(), None);
        let history = ann.get(&format!("/channels/{channel}/messages")).await;
        assert_eq!(history.body["items"], json!([]));
    }
}

/// A session that ended two hours ago, whose token was good for a day, and a restart since, after
/// which tokens are good for a minute.
async fn outlives(location: Location) {
    let access_ttl = time::Duration::days(1);
    let before = Options { access_ttl, ..Options::default() };
    let server = TestServer::start(location.clone(), before, None).await;
    server.clock.advance(time::Duration::hours(-2));
    let (ann, other) = (server.user("ann").await, server.log_in("ann").await);
    let channel = ann.create_channel("general").await;
    other.delete(&format!("/auth/sessions/{}", ann.session)).await.expect(StatusCode::NO_CONTENT);
    server.stop().await;
    if let Location::Sqlite(path) = &location {
        // The last of its threads may still be closing the database.
        let lock = std::fs::File::open(path.with_extension("lock")).unwrap();
        until(|| lock.try_lock().is_ok()).await;
    }

    let after = Options {
        access_ttl: time::Duration::minutes(1),
        reconcile_every: Duration::from_millis(50),
        ..Options::default()
    };
    let server = TestServer::start(location, after, None).await;
    let [gone, other] = [ann, other].map(|person| person.at(&server));
    let refused = async || {
        gone.get("/users/me").await.problem(401, "unauthenticated");
        let bearer = [("authorization", format!("Bearer {}", gone.token.clone().unwrap()))];
        assert_eq!(Socket::try_open(&server.base, "/api/v1/ws", &bearer).await.err(), Some(401));
    };
    refused().await;
    // For the rest of its day, however often what is over is forgotten: that is done with repairs.
    server.clock.advance(time::Duration::hours(20));
    let mut ears = other.listen().await;
    server.lose_every(1);
    for _ in 0..3 {
        other.say(&channel, "lost").await;
        ears.next_of("message.created").await;
    }
    refused().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_stays_so_for_the_longest_life_of_a_token_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    outlives(Location::Sqlite(folder.path().join("test.db"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_stays_so_for_the_longest_life_of_a_token_postgres() {
    let Some(location) = TestServer::postgres_location() else { return };
    outlives(location).await;
}

on_both! {
    async fn whose_socket_is_closed_has_time_to_say_goodbye(server: TestServer) {
        let ann = server.user("ann").await;
        let other = server.log_in("ann").await;
        let (mut raw, _) = Raw::open(&other, None).await;
        let begun = Instant::now();
        ann.delete(&format!("/auth/sessions/{}", other.session)).await.expect(StatusCode::NO_CONTENT);
        let close = loop {
            let frame = raw.frame().await.expect("a close, not the end");
            if frame.first == FIN | CLOSE {
                break frame;
            }
        };
        assert_eq!(close.code(), Some(4009));
        // Hung up on at once, a client that speaks before it listens would be told of a reset, and
        // not of the reason.
        raw.say(FIN | TEXT, br#"{"type":"ping"}"#).await;
        assert_eq!(raw.frame().await, None);
        assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
