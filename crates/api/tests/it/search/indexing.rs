//! What the index knows, and when: it never has to be there for anything else.

use std::time::Duration;

use tempfile::TempDir;
use tertulia_chat::{Location, Options};

use super::*;

/// Nodes that do not come to indexing by themselves.
fn idle() -> Options {
    let never = Duration::from_hours(1);
    Options { index_after: never, ..Options::default() }
}

async fn what_was_said_before_a_stop_is_found_after_it(
    location: Location,
    folder: Option<TempDir>,
) {
    let server = TestServer::start(location.clone(), idle(), None).await;
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    for n in 0..300 {
        ann.say(&channel, &format!("unindexed {n}")).await;
    }
    let edited = text(&ann.say(&channel, "before").await["id"]);
    ann.patch(&format!("/messages/{edited}"), json!({ "content": "after" }))
        .await
        .expect(StatusCode::OK);
    assert_eq!(find(&ann, "unindexed").await, [""; 0], "nothing is indexed before its time");
    assert!(!server.store.unindexed_channels(1).await.unwrap().is_empty());
    server.stop().await;
    if let Location::Sqlite(path) = &location {
        let lock = std::fs::File::open(path.with_extension("lock")).unwrap();
        until(async || lock.try_lock().is_ok()).await;
    }

    let server = TestServer::start(location, Options::default(), folder).await;
    let ann = server.log_in("ann").await;
    until(async || find(&ann, "unindexed").await.len() == 300).await;
    indexed(&server).await;
    assert_eq!(find(&ann, "unindexed").await[0], "unindexed 299");
    assert_eq!(find(&ann, "after").await, ["after"]);
    assert_eq!(find(&ann, "before").await, [""; 0]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_before_a_stop_is_found_after_it_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("test.db"));
    what_was_said_before_a_stop_is_found_after_it(location, Some(folder)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_before_a_stop_is_found_after_it_on_postgres() {
    let Some(location) = TestServer::postgres_location() else { return };
    what_was_said_before_a_stop_is_found_after_it(location, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_index_what_others_did_not_and_nothing_twice() {
    let Some(location) = TestServer::postgres_location() else { return };
    let often = Duration::from_millis(100);
    let eager = || Options {
        index_after: Duration::from_millis(5),
        index_every: often,
        ..Options::default()
    };
    let mute = TestServer::start(location.clone(), idle(), None).await;
    let one = TestServer::start(location.clone(), eager(), None).await;
    let two = TestServer::start(location, eager(), None).await;
    let ann = mute.user("ann").await;
    let mut channels = Vec::new();
    for n in 0..3 {
        channels.push(ann.create_channel(&format!("channel {n}")).await);
    }
    let nodes = [&mute, &one, &two];
    for n in 0..240 {
        ann.at(nodes[n % 3]).say(&channels[n / 3 % 3], &format!("shared {n}")).await;
    }
    until(async || find(&ann.at(&two), "shared").await.len() == 240).await;
    indexed(&one).await;
    for node in nodes {
        let mut found = find(&ann.at(node), "shared").await;
        assert_eq!(found.len(), 240);
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 240, "each once");
    }
    for node in [mute, one, two] {
        node.stop().await;
    }
}

on_both! {
    with crate::server::Setup {
        options: Options { purge_every: Duration::from_millis(50), ..Options::default() },
        ..crate::server::Setup::default()
    },
    async fn the_index_forgets_what_is_deleted(server: TestServer) {
        let ann = server.user("ann").await;
        let (gone, kept) = (ann.create_channel("gone").await, ann.create_channel("kept").await);
        let mut last = None;
        for n in 0..120 {
            last = Some(ann.say(&gone, &format!("zanzibar {n}")).await);
            ann.say(&kept, &format!("pemba {n}")).await;
        }
        indexed(server).await;
        let last = text(&last.unwrap()["id"]).parse::<MessageId>().unwrap();
        assert!(crate::erasure::is_on_disk(server, "zanzibar").await);
        ann.delete(&format!("/channels/{gone}")).await.expect(StatusCode::NO_CONTENT);
        until(async || server.store.message(last, ann.id.parse().unwrap()).await.unwrap().is_none()).await;
        until(async || !crate::erasure::is_on_disk(server, "zanzibar").await).await;
        assert_eq!(find(&ann, "pemba").await.len(), 120);
        assert_eq!(find(&ann, "zanzibar").await, [""; 0]);
    }
}
