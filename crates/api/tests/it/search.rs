//! Looking for what was said.

use reqwest::StatusCode;
use serde_json::json;
use tertulia_domain::MessageId;

use crate::on_both;
use crate::retention::until;
use crate::server::{Person, TestServer, text};

mod access;
mod hostile;
mod indexing;
mod paging;

/// The path of a search.
fn path(query: &str) -> String {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("/search?limit=100&q={query}")
}

/// What everything that is found says, the newest first.
async fn find(person: &Person, query: &str) -> Vec<String> {
    person.get(&path(query)).await.expect(StatusCode::OK);
    person.pages(&path(query)).await.iter().map(|hit| text(&hit["content"])).collect()
}

/// Waits until everything that was said is indexed.
async fn indexed(server: &TestServer) {
    until(async || {
        let behind = server.store.unindexed_channels(100).await.unwrap();
        let shares = server.store.unindexed(behind, 100).await.unwrap();
        shares.iter().all(|share| share.findable.is_empty() && !share.more)
    })
    .await;
}

on_both! {
    async fn messages_are_found_by_what_they_say(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let said = [
            "Green tea, please", "Thé vert & the GREEN light", "tea, green or not", "日本語のテキスト",
            "안녕하세요", "party 🎉👍🏽", "x", "see https://example.com/a_b, 3.14", "José Straße",
        ];
        for content in said {
            ann.say(&channel, content).await;
        }
        indexed(server).await;
        for (query, places) in [
            ("green", vec![2, 1, 0]),
            ("GREEN tea", vec![2, 0]),
            ("\"green tea\"", vec![0]),
            ("“Green  TEA”", vec![0]),
            ("gre* te*", vec![2, 0]),
            ("green -tea", vec![1]),
            ("green -\"green tea\"", vec![2, 1]),
            ("the", vec![1]),
            ("gree", vec![]),
            ("\"tea green tea\"", vec![]),
            ("日本", vec![3]),
            ("語", vec![3]),
            ("キス", vec![3]),
            ("日語", vec![]),
            ("녕", vec![4]),
            ("안녕", vec![4]),
            ("🎉", vec![5]),
            ("👍", vec![5]),
            ("x", vec![6]),
            ("example", vec![7]),
            ("example.com", vec![7]),
            ("https://example.com", vec![7]),
            ("3.14", vec![7]),
            ("has:link", vec![7]),
            ("jose", vec![8]),
            ("JOSE\u{301} strasse", vec![8]),
        ] {
            let expected: Vec<_> = places.into_iter().map(|at| said[at]).collect();
            assert_eq!(find(&ann, query).await, expected, "{query}");
        }
        let found = ann.get(&path("tea green")).await.body;
        let hit = &found["items"][1];
        assert_eq!(hit["matches"], json!([{ "start": 0, "end": 5 }, { "start": 6, "end": 9 }]));
        let mut message = hit.clone();
        message.as_object_mut().unwrap().remove("matches");
        let whole = ann.get(&format!("/messages/{}", text(&hit["id"]))).await.body;
        assert_eq!(message, whole, "a hit is the whole message");
        assert_eq!(hit["channel_id"], channel.as_str());
    }
}

on_both! {
    async fn filters_narrow_what_is_found(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (tea, milk) = (ann.create_channel("Tea time").await, ann.create_private("milk").await);
        bob.join(&tea).await;
        ann.add(&milk, &bob).await;
        ann.say(&tea, "one").await;
        bob.say(&tea, "one two").await;
        server.clock.advance(time::Duration::days(2));
        let (ann, bob) = (server.log_in("ann").await, server.log_in("bob").await);
        bob.say(&milk, "one three").await;
        let file = ann.upload("cup.txt", b"a cup").await;
        let message = json!({ "content": "one file", "attachments": [file["id"]] });
        ann.post(&format!("/channels/{milk}/messages"), message).await.expect(StatusCode::CREATED);
        indexed(server).await;
        let day = |days| (server.clock.now().plus(time::Duration::days(days))).to_string()[..10].to_owned();
        for (query, expected) in [
            ("from:bob".to_owned(), vec!["one three", "one two"]),
            ("from:@BOB two".to_owned(), vec!["one two"]),
            ("from:ann from:bob three".to_owned(), vec!["one three"]),
            ("one in:milk".to_owned(), vec!["one file", "one three"]),
            ("one in:\"tea TIME\"".to_owned(), vec!["one two", "one"]),
            (format!("one in:{tea} from:ann"), vec!["one"]),
            (format!("in:{milk}"), vec!["one file", "one three"]),
            ("has:file".to_owned(), vec!["one file"]),
            ("has:file three".to_owned(), vec![]),
            (format!("one before:{}", day(-1)), vec!["one two", "one"]),
            (format!("one after:{}", day(0)), vec!["one file", "one three"]),
            (format!("one after:{}", day(1)), vec![]),
            (format!("one after:{} before:{}", day(-2), day(-1)), vec!["one two", "one"]),
            ("one from:nobody".to_owned(), vec![]),
            ("one in:nowhere".to_owned(), vec![]),
        ] {
            assert_eq!(find(&ann, &query).await, expected, "{query}");
        }
    }
}

on_both! {
    async fn edits_and_deletions_show_at_once(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let mut ids = Vec::new();
        for n in 0..40 {
            ids.push(text(&ann.say(&channel, &format!("marmalade {n}")).await["id"]));
        }
        indexed(server).await;
        assert_eq!(find(&ann, "marmalade").await.len(), 40);
        // Not after a while: before the index can know.
        for (n, id) in ids.iter().enumerate().take(20) {
            let path = format!("/messages/{id}");
            if n % 2 == 0 {
                ann.patch(&path, json!({ "content": format!("honey {n}") })).await.expect(StatusCode::OK);
            } else {
                ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
            }
            assert_eq!(find(&ann, "marmalade").await.len(), 39 - n);
            assert_eq!(find(&ann, &format!("\"marmalade {n}\"")).await, [""; 0]);
        }
        until(async || find(&ann, "honey").await.len() == 10).await;
        indexed(server).await;
        assert_eq!(find(&ann, "marmalade").await.len(), 20);
        // What was edited stays in its place.
        assert_eq!(find(&ann, "honey 18 -marmalade").await, ["honey 18"]);
        ann.say(&channel, "honey at last").await;
        until(async || find(&ann, "honey").await.len() == 11).await;
        assert_eq!(find(&ann, "honey").await[..2], ["honey at last", "honey 18"]);
        // Nothing is proposed any more that is not there.
        assert_eq!(find(&ann, "from:ann").await.len(), 31);
    }
}

on_both! {
    async fn what_a_channel_says_itself_is_not_found(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("before").await;
        ann.patch(&format!("/channels/{channel}"), json!({ "name": "afterwards" })).await
            .expect(StatusCode::OK);
        ann.say(&channel, "afterwards it was said").await;
        indexed(server).await;
        assert_eq!(find(&ann, "afterwards").await, ["afterwards it was said"]);
        assert_eq!(find(&ann, "in:afterwards").await, ["afterwards it was said"]);
    }
}
