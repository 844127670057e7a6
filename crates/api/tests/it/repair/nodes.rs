//! Nodes on one database that do not hear of each other.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use tertulia_auth::Tokens;
use tertulia_auth::secret::{Kind, Secret};
use tertulia_chat::{Location, Store};
use tertulia_domain::SessionId;
use tertulia_store::NewSession;

use super::{head_of, hear, hears_of, numbers, options};
use crate::server::{Person, TestServer, keys, text, until};
use crate::socket::Socket;

async fn two_nodes(location: Location) -> (TestServer, TestServer) {
    let one = TestServer::start(location.clone(), options(), None).await;
    (one, TestServer::start(location, options(), None).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_on_one_node_is_heard_on_another() {
    let Some(location) = TestServer::postgres_location() else { return };
    let (one, two) = two_nodes(location).await;
    let (ann, bob) = (one.user("ann").await, one.user("bob").await);
    let channel = ann.create_private("secret").await;
    let mut early = bob.at(&two).listen().await;
    ann.add(&channel, &bob).await;
    early.next_of("membership.updated").await;
    ann.say(&channel, "welcome").await;
    hears_of(&mut early, &channel, "welcome").await;
    early.drop_now();

    let mut ears = bob.at(&two).listen().await;
    let mut cursor = head_of(&ears.ready, &channel);
    for _ in 0..3 {
        let said = Instant::now();
        for n in 0..20 {
            ann.say(&channel, &n.to_string()).await;
        }
        assert_eq!(hear(&mut ears, &channel, &mut cursor, 20).await, numbers(0..20));
        assert!(said.elapsed() < Duration::from_secs(2), "{:?}", said.elapsed());
    }
    // Both ways.
    let mut mouth = ann.listen().await;
    let mut behind = head_of(&mouth.ready, &channel);
    bob.at(&two).say(&channel, "hello").await;
    assert_eq!(hear(&mut mouth, &channel, &mut behind, 1).await, ["hello"]);
    hear(&mut ears, &channel, &mut cursor, 1).await;

    ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await;
    ann.say(&channel, "not for bob").await;
    ears.until(|frame| frame["membership"]["state"] == "removed").await;
    ears.settle().await;
    assert!(ears.kept().all(|frame| frame["feed"] != channel.as_str()));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_on_one_node_ends_on_another() {
    let Some(location) = TestServer::postgres_location() else { return };
    let (one, two) = two_nodes(location).await;
    let ann = one.user("ann").await;
    let there = ann.at(&two);
    let mut ears = there.listen().await;
    there.get("/users/me").await.expect(StatusCode::OK);
    let ended = Instant::now();
    ann.send(ann.request(Method::POST, "/auth/logout")).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(ears.closed().await, 4009);
    there.get("/users/me").await.problem(401, "unauthenticated");
    assert!(ended.elapsed() < Duration::from_millis(1500), "{:?}", ended.elapsed());
    let token = format!("Bearer {}", ann.token.clone().unwrap());
    let again = Socket::try_open(&two.base, "/api/v1/ws", &[("authorization", token)]).await;
    assert_eq!(again.err(), Some(401));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_opens_one_socket_on_all_nodes() {
    let Some(location) = TestServer::postgres_location() else { return };
    let (one, two) = two_nodes(location).await;
    let ann = one.user("ann").await;
    let mut opened = 0;
    for _ in 0..5 {
        let ticket = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
        let path = format!("/api/v1/ws?ticket={}", text(&ticket.body["ticket"]));
        let (here, there) = tokio::join!(
            Socket::try_open(&one.base, &path, &[]),
            Socket::try_open(&two.base, &path, &[]),
        );
        opened += i32::from(here.is_ok()) + i32::from(there.is_ok());
        assert_eq!(here.err().or(there.err()), Some(401));
    }
    assert_eq!(opened, 5);
    one.stop().await;
    two.stop().await;
}

/// Signs somebody in on so many more devices; their tokens.
async fn devices(node: &TestServer, location: Location, ann: &Person, count: usize) -> Vec<String> {
    let store = Store::open(location).await.unwrap();
    let (tokens, now, ttl) = (Tokens::new(&keys()), node.clock.now(), time::Duration::hours(1));
    let user = ann.id.parse().unwrap();
    let mut issued = Vec::new();
    for _ in 0..count {
        let new = NewSession {
            id: SessionId::new(now),
            user,
            user_agent: String::new(),
            address: "127.0.0.1".to_owned(),
            created_at: now,
            expires_at: now.plus(ttl),
            proof: None,
        };
        let session = new.id;
        store.insert_session(new, Secret::generate(Kind::Refresh).unwrap().hash()).await.unwrap();
        issued.push(tokens.issue(user, session, now, ttl).unwrap());
    }
    issued
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sessions_that_end_on_one_node_end_on_another() {
    let Some(location) = TestServer::postgres_location() else { return };
    let (one, two) = two_nodes(location.clone()).await;
    let ann = one.user("ann").await;
    let mut tokens = devices(&one, location, &ann, 1005).await;
    let mut ears = ann.at(&two).listen().await;
    tokens.extend(ann.token.clone());
    assert!(tokens.iter().all(|token| two.chat.authenticate(token).is_ok()));
    ann.delete("/auth/sessions").await.expect(StatusCode::NO_CONTENT);
    let ended = Instant::now();
    until(|| tokens.iter().all(|token| two.chat.authenticate(token).is_err())).await;
    // One poll and two readings; to try a thousand tokens takes its time on a busy machine.
    assert!(ended.elapsed() < Duration::from_secs(5), "{:?}", ended.elapsed());
    assert_eq!(ears.closed().await, 4009);
    for token in tokens.iter().step_by(201) {
        let mut there = ann.at(&two);
        there.token = Some(token.clone());
        there.get("/users/me").await.problem(401, "unauthenticated");
    }
    one.stop().await;
    two.stop().await;
}
