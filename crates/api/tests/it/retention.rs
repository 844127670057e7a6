//! What is dead leaves the database while the server runs, and nobody who lives notices.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::{HistoryPart, Options};
use tertulia_domain::{ChannelId, Feed, MessageId, SessionId, Timestamp, UserId};
use tertulia_store::NewSession;
use time::Duration as Span;

use crate::on_both;
use crate::server::{Person, Setup, TestServer, as_said, text};
use crate::socket::Socket;

/// More than two pieces.
const MANY: usize = 600;

/// Access tokens that last as long as they can, and a purge that tests need not wait for.
fn setup() -> Setup {
    let options = Options {
        access_ttl: Span::days(1),
        purge_every: Duration::from_millis(20),
        ..Options::default()
    };
    Setup { options, ..Setup::default() }
}

fn user(person: &Person) -> UserId {
    person.id.parse().unwrap()
}

fn channel_id(channel: &str) -> ChannelId {
    channel.parse().unwrap()
}

/// How many messages of a channel are in the database, whoever may read them.
async fn messages_of(server: &TestServer, channel: &str, person: &Person) -> usize {
    let (channel, user) = (channel_id(channel), user(person));
    let found = server.store.history(channel, user, HistoryPart::Newest, 1000).await.unwrap();
    found.map_or(0, |(_, page)| page.items.len())
}

/// Whether a membership is in the database, whatever it says.
async fn has_membership(server: &TestServer, channel: &str, person: &Person) -> bool {
    let place = server.store.place(channel_id(channel), user(person)).await.unwrap();
    place.expect("a channel's row stays").member.is_some()
}

/// Waits for what no event announces, since nobody is to notice it.
pub(crate) async fn until(mut done: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it did not happen");
}

/// How many sessions of a person are in the database that have not been ended, expired ones too.
async fn sessions_of(server: &TestServer, person: &Person) -> usize {
    let ever = Timestamp::from_unix_millis(0);
    server.store.sessions(user(person), ever).await.unwrap().len()
}

/// Waits until a session that has long expired is gone.
async fn sessions_purged(server: &TestServer, person: &Person) {
    let before = sessions_of(server, person).await;
    let now = server.clock.now();
    let long_ago = now.plus(-Span::days(1));
    let expired = NewSession {
        id: SessionId::new(now),
        user: user(person),
        user_agent: String::new(),
        address: String::new(),
        created_at: long_ago,
        expires_at: long_ago,
        proof: None,
    };
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(expired.id.uuid().as_bytes());
    server.store.insert_session(expired, hash).await.unwrap();
    until(async || sessions_of(server, person).await <= before).await;
}

/// Proof that all which is due by now has been looked for: messages come after sessions, so the
/// second session goes in a later round, and a whole one lies behind.
async fn purged(server: &TestServer, person: &Person) {
    sessions_purged(server, person).await;
    let channel = person.create_private("short").await;
    person.say(&channel, "not for long").await;
    person.delete(&format!("/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
    until(async || messages_of(server, &channel, person).await == 0).await;
    sessions_purged(server, person).await;
}

async fn come_back(person: &Person, since: &Value) -> Socket {
    let token = format!("Bearer {}", person.token.clone().unwrap());
    let path = format!("/api/v1/ws?since={}", text(since));
    Socket::try_open(&person.base, &path, &[("authorization", token)]).await.unwrap()
}

async fn refresh(server: &TestServer, token: &str) -> crate::server::Answer {
    server.nobody().post("/auth/refresh", json!({ "refresh_token": token })).await
}

on_both! {
    alone "it is long, and the store tells of two nodes that purge",
    with setup(),
    async fn a_deleted_channel_is_emptied_and_nobody_notices(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (lives, dead) = (ann.create_channel("lives").await, ann.create_private("dead").await);
        bob.join(&lives).await;
        ann.add(&dead, &bob).await;
        let id = MessageId::new(server.clock.now()).to_string();
        let sent = json!({ "id": id, "content": "the first" });
        let messages = format!("/channels/{dead}/messages");
        ann.post(&messages, sent.clone()).await.expect(StatusCode::CREATED);
        for n in 1..MANY {
            ann.say(&dead, &n.to_string()).await;
        }
        ann.say(&lives, "before").await;
        assert_eq!(messages_of(server, &dead, &ann).await, MANY);
        let before = bob.get("/users/me/channels?limit=1").await;
        let mut ears = bob.listen().await;
        let since = ears.ready["server_time"].clone();

        ann.delete(&format!("/channels/{dead}")).await.expect(StatusCode::NO_CONTENT);
        let gone = ears.next_of("channel.deleted").await;
        assert_eq!(gone["feed"], dead.as_str());
        let mut heard = 0;
        until(async || {
            heard += 1;
            let said = as_said(&ann.say(&lives, "undisturbed").await);
            let frame = ears.until(|frame| frame["feed"] == lives.as_str()).await;
            assert_eq!((&frame["message"], &frame["prev"]), (&said, &json!(3 + heard)));
            messages_of(server, &dead, &ann).await == 0
        }).await;

        ears.settle().await;
        assert_eq!(ears.kept().count(), 0, "nothing more is said of it");
        assert_eq!(messages_of(server, &lives, &ann).await, 1 + heard);
        assert_eq!(before.status, StatusCode::OK);
        for path in ["", "/messages", "/members", "/changes?since=0"] {
            let path = format!("/channels/{dead}{path}");
            bob.get(&path).await.problem(404, "not_found");
        }
        bob.get(&format!("/messages/{id}")).await.problem(404, "not_found");
        // The same request is refused as it was before; its id is nobody's.
        ann.post(&messages, sent.clone()).await.problem(404, "not_found");
        let elsewhere = format!("/channels/{lives}/messages");
        ann.post(&elsewhere, sent).await.expect(StatusCode::CREATED);

        let back = come_back(&bob, &since).await;
        assert_eq!((&back.ready["gone"], &back.ready["since"]), (&json!([dead]), &since));
    }
}

on_both! {
    with setup(),
    async fn who_was_away_for_more_than_a_month_begins_anew(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let quiet = ann.create_channel("quiet").await;
        bob.join(&quiet).await;
        server.clock.advance(Span::hours(1));
        let first = bob.listen().await;
        let (since, epoch) = (first.ready["server_time"].clone(), first.ready["epoch"].clone());
        let seen = first.ready["me"]["head"].as_i64().unwrap();
        drop(first);
        let dead = ann.create_private("dead").await;
        ann.add(&dead, &bob).await;
        ann.delete(&format!("/channels/{dead}")).await.expect(StatusCode::NO_CONTENT);

        server.clock.advance(Span::days(30));
        let (ann, bob) = (server.log_in("ann").await, server.log_in("bob").await);
        purged(server, &ann).await;
        assert!(has_membership(server, &dead, &bob).await);
        let mut back = come_back(&bob, &since).await;
        assert_eq!((&back.ready["since"], &back.ready["gone"]), (&since, &json!([dead])));
        assert_eq!(back.ready["channels"], json!([]), "nothing else has moved");
        let missed = json!({ "type": "sync", "feed": "me", "epoch": epoch, "rev": seen });
        assert_eq!(back.done(missed.clone()).await["items"].as_array().map(Vec::len), Some(1));

        server.clock.advance(Span::hours(2));
        until(async || !has_membership(server, &dead, &bob).await).await;
        assert!(has_membership(server, &quiet, &bob).await);
        let mut back = come_back(&bob, &since).await;
        assert_eq!((&back.ready["since"], &back.ready["gone"]), (&Value::Null, &json!([])));
        assert_eq!(back.ready["channels"][0]["feed"], quiet.as_str(), "all that there is");
        assert_eq!(back.done(missed).await["reset"]["reason"], "limited");
        let head = back.ready["me"]["head"].clone();
        let live = json!({ "type": "sync", "feed": "me", "epoch": epoch, "rev": head });
        let delta = back.done(live).await;
        assert_eq!((&delta["items"], delta.get("reset")), (&json!([]), None));
    }
}

on_both! {
    with setup(),
    async fn an_ended_session_is_forgotten_once_its_tokens_are_over(server: TestServer) {
        let ann = server.user("ann").await;
        let ended = server.log_in("ann").await;
        ended.send(ended.request(Method::POST, "/auth/logout")).await.expect(StatusCode::NO_CONTENT);
        let remembered = async || {
            let all = Timestamp::from_unix_millis(0);
            server.store.sessions_ended_since(all).await.unwrap().len()
        };
        for hours in [0, 23] {
            server.clock.advance(Span::hours(hours));
            purged(server, &ann).await;
            assert_eq!(remembered().await, 1, "its access token is good for a day");
            ended.get("/users/me").await.problem(401, "unauthenticated");
        }
        server.clock.advance(Span::hours(3));
        until(async || remembered().await == 0).await;
        let system = server.store.changes(Feed::System, 0, 100).await.unwrap();
        assert_eq!(system.items.len(), 0);
        ended.get("/users/me").await.problem(401, "unauthenticated");
        refresh(server, &ended.refresh_token).await.problem(401, "unauthenticated");
        refresh(server, &ann.refresh_token).await.expect(StatusCode::OK);
    }
}

on_both! {
    with setup(),
    async fn a_used_refresh_token_is_known_as_long_as_its_family_lives(server: TestServer) {
        let ann = server.user("ann").await;
        let asleep = server.log_in("ann").await;
        let mut awake = ann.clone();
        for _ in 0..4 {
            assert_eq!(sessions_of(server, &ann).await, 2);
            server.clock.advance(Span::days(10));
            let renewed = refresh(server, &awake.refresh_token).await;
            awake = server.person(&renewed.expect(StatusCode::OK).body);
        }
        until(async || sessions_of(server, &ann).await == 1).await;
        refresh(server, &asleep.refresh_token).await.problem(401, "unauthenticated");
        purged(server, &awake).await;
        awake.get("/users/me").await.expect(StatusCode::OK);
        // It was used 40 days ago: somebody has stolen it, or all that came of it.
        refresh(server, &ann.refresh_token).await.problem(401, "unauthenticated");
        awake.get("/users/me").await.problem(401, "unauthenticated");
        refresh(server, &awake.refresh_token).await.problem(401, "unauthenticated");
    }
}
