//! What a client begins with, and what it hears of what is not in it.

use std::time::Duration;

use serde_json::Value;
use tertulia_chat::Options;
use tertulia_domain::Timestamp;

use crate::on_both;
use crate::server::{Person, Setup, text};
use crate::socket::Socket;

/// One more than `ready` lists.
const MANY: usize = 501;

/// A reconciler that tests need not wait for.
fn setup() -> Setup {
    let options = Options { reconcile_every: Duration::from_millis(200), ..Options::default() };
    Setup { options, ..Setup::default() }
}

/// Begins as who has been here before.
async fn come_back(person: &Person, since: Timestamp) -> Socket {
    let token = person.token.as_deref().unwrap();
    let headers = [("authorization", format!("Bearer {token}"))];
    let path = format!("/api/v1/ws?since={since}");
    Socket::try_open(&person.base, &path, &headers).await.unwrap()
}

/// Hears what is said next, live: a client that missed nothing is not told to ask.
async fn hears_live(ears: &mut Socket, channel: &str, words: &str) {
    let frame = ears.until(|frame| frame["feed"] == channel).await;
    assert_eq!(frame["message"]["content"], words, "{frame}");
}

fn feeds(ready: &Value) -> Vec<String> {
    ready["channels"].as_array().unwrap().iter().map(|own| text(&own["feed"])).collect()
}

on_both! {
    with setup(),
    async fn what_ready_leaves_out_is_heard_from_where_it_stands(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (quiet, loud) = (ann.create_channel("quiet").await, ann.create_channel("loud").await);
        for channel in [&quiet, &loud] {
            bob.join(channel).await;
        }
        server.clock.advance(time::Duration::hours(1));
        let (ann, bob) = (server.log_in("ann").await, server.log_in("bob").await);
        let since = server.clock.now();
        ann.say(&loud, "one").await;

        // Nobody else on the node has these feeds open.
        let mut ears = come_back(&bob, since).await;
        assert_eq!(feeds(&ears.ready), [loud.as_str()], "what has moved");
        assert_eq!(ears.ready["since"], since.to_string());
        // Found in the database, after where the feed stood.
        server.lose_every(1);
        ann.say(&quiet, "two").await;
        hears_live(&mut ears, &quiet, "two").await;
        ann.say(&loud, "three").await;
        hears_live(&mut ears, &loud, "three").await;
        assert!(ears.kept().all(|frame| frame["type"] != "stale"));
    }
}

on_both! {
    with setup(),
    async fn what_is_beyond_the_first_page_is_heard_from_where_it_stands(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let oldest = ann.create_channel("oldest").await;
        bob.join(&oldest).await;
        server.clock.advance(time::Duration::seconds(1));
        for n in 1..MANY {
            bob.create_private(&format!("channel {n}")).await;
        }
        let mut ears = bob.listen().await;
        assert!(!feeds(&ears.ready).contains(&oldest));
        assert_eq!(feeds(&ears.ready).len(), MANY - 1);
        let next = text(&ears.ready["next"]);
        let rest = bob.get(&format!("/users/me/channels?cursor={next}")).await.body;
        assert_eq!(rest["items"][0]["channel"]["id"], oldest.as_str(), "{rest}");
        server.lose_every(1);
        ann.say(&oldest, "hello").await;
        hears_live(&mut ears, &oldest, "hello").await;
        assert!(ears.kept().all(|frame| frame["type"] != "stale"));
    }
}

on_both! {
    async fn a_since_that_is_yet_to_come_is_none(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        server.clock.advance(time::Duration::hours(1));
        let ann = server.log_in("ann").await;
        let now = server.clock.now();
        // The clocks of nodes may differ.
        let near = come_back(&ann, now.plus(time::Duration::minutes(10))).await;
        assert!(feeds(&near.ready).is_empty());
        let far = come_back(&ann, now.plus(time::Duration::minutes(11))).await;
        assert_eq!(feeds(&far.ready), [channel]);
        assert!(far.ready["since"].is_null());
    }
}
