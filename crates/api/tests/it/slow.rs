//! Who reads too slowly loses their place in a feed and nothing else; who is silent is hung up on;
//! and nobody else notices.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::on_both;
use crate::raw::{CLOSE, FIN, Frame, PING, Raw, TEXT};
use crate::server::{Setup, TestServer, text, until};
use crate::socket::Socket;

/// What a client can receive without reading, in bytes.
const WINDOW: Option<u32> = Some(4096);

/// The longest message in UTF-8: 12 kB.
fn long(n: usize) -> String {
    format!("{n} {}", "€".repeat(3990))
}

/// Says so many of these, a few at a time, and hears each acknowledged.
async fn flood(
    mouth: &mut Socket,
    channel: &str,
    range: std::ops::Range<usize>,
    content: impl Fn(usize) -> String,
) {
    let numbers: Vec<usize> = range.collect();
    for some in numbers.chunks(32) {
        for n in some {
            let say = json!({ "type": "message.send", "ref": n, "channel_id": channel, "content": content(*n) });
            mouth.send(say).await;
        }
        for n in some {
            let reply = mouth.until(|frame| frame["type"] == "reply" && frame["ref"] == *n).await;
            assert_eq!(reply["ok"], true, "{reply}");
        }
        mouth.forget();
    }
}

fn sync(channel: &str, epoch: &Value, rev: i64) -> Value {
    json!({ "type": "sync", "ref": "sync", "feed": channel, "epoch": epoch, "rev": rev, "limit": 500 })
}

async fn say(raw: &mut Raw, frame: &Value) {
    raw.say(FIN | TEXT, frame.to_string().as_bytes()).await;
}

on_both! {
    alone "it is about the memory of one node",
    async fn a_slow_client_catches_up_and_nobody_else_notices(server: TestServer) {
        const COUNT: usize = 600;
        let (ann, bob, carol) =
            (server.user("ann").await, server.user("bob").await, server.user("carol").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        carol.join(&channel).await;
        let (mut slow, ready) = Raw::open(&bob, WINDOW).await;
        let mut cursor = ready["channels"][0]["head"].as_i64().unwrap();
        let (mut mouth, mut quick) = (ann.listen().await, carol.listen().await);

        let ears = tokio::spawn(async move {
            for n in 0..COUNT {
                let frame = quick.next_of("message.created").await;
                assert!(text(&frame["message"]["content"]).starts_with(&format!("{n} ")));
            }
            quick
        });
        // He asks things all the while, and reads no answer.
        for part in 0..6 {
            flood(&mut mouth, &channel, part * 100..part * 100 + 100, long).await;
            say(&mut slow, &json!({ "type": "ping", "ref": part })).await;
        }
        let mut quick = ears.await.unwrap();
        quick.settle().await;
        assert!(quick.kept().all(|frame| frame["type"] != "stale"));

        // Now he reads: what had been written before there was too much, and that he missed the rest.
        let mut seen = BTreeSet::new();
        let mut answered = BTreeSet::new();
        let mut stale = None;
        while stale.is_none() || answered.len() < 6 {
            let frame = slow.json().await;
            match frame["type"].as_str().unwrap() {
                "message.created" => {
                    assert_eq!((frame["prev"].as_i64(), &stale), (Some(cursor), &None));
                    cursor = frame["rev"].as_i64().unwrap();
                    assert!(seen.insert(frame["message"]["seq"].as_i64().unwrap()));
                }
                "stale" => assert_eq!(stale.replace(frame), None, "once is enough"),
                "reply" => assert!(answered.insert(frame["ref"].as_i64().unwrap())),
                _ => {}
            }
        }
        assert_eq!(stale.unwrap()["feed"], channel.as_str());

        // He comes back at his own pace, while others go on.
        let mut pages = 0;
        loop {
            say(&mut slow, &sync(&channel, &ready["epoch"], cursor)).await;
            let page = next_of(&mut slow, "reply").await["data"].clone();
            pages += 1;
            for frame in page["items"].as_array().unwrap() {
                assert_eq!(frame["prev"], cursor);
                cursor = frame["rev"].as_i64().unwrap();
                assert!(seen.insert(frame["message"]["seq"].as_i64().unwrap()));
            }
            if page["more"] == false {
                break;
            }
            let n = COUNT + pages;
            flood(&mut mouth, &channel, n..n + 1, |n| n.to_string()).await;
        }
        assert!(pages > 1, "all at once would have been too much");
        ann.say(&channel, "live again").await;
        let live = loop {
            let frame = next_of(&mut slow, "message.created").await;
            // What came while the last page was read may come live as well.
            if frame["rev"].as_i64() > Some(cursor) {
                break frame;
            }
        };
        assert_eq!((live["prev"].as_i64(), &live["message"]["content"]), (Some(cursor), &json!("live again")));
        seen.insert(live["message"]["seq"].as_i64().unwrap());
        assert!(seen.into_iter().eq(1..=live["message"]["seq"].as_i64().unwrap()));
    }
}

async fn next_of(raw: &mut Raw, kind: &str) -> Value {
    loop {
        let frame = raw.json().await;
        if frame["type"] == kind {
            return frame;
        }
    }
}

/// What this process holds in memory, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

on_both! {
    alone "it is about the memory of one node",
    async fn who_asks_and_reads_no_answers_costs_little(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let mut mouth = ann.listen().await;
        // Each of these is six times as long in JSON: a page is 3 MB.
        flood(&mut mouth, &channel, 0..128, |_| "\u{1}".repeat(3999) + "!").await;
        drop(mouth);
        let (mut slow, ready) = Raw::open(&ann, WINDOW).await;
        let before = resident();
        for n in 0..64 {
            let mut ask = sync(&channel, &ready["epoch"], 2);
            ask["ref"] = json!(n);
            say(&mut slow, &ask).await;
        }
        let begun = Instant::now();
        let mut most = 0;
        while begun.elapsed() < Duration::from_millis(1500) {
            most = most.max(resident().saturating_sub(before));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(most < 64 << 20, "{most} bytes more");
        // None of the answers is lost.
        for n in 0..64 {
            let reply = next_of(&mut slow, "reply").await;
            assert_eq!((&reply["ref"], &reply["ok"]), (&json!(n), &json!(true)));
        }
    }
}

/// Long enough that a busy machine does not make the lively look silent.
const BEAT: Duration = Duration::from_millis(500);

/// No database has a part in heartbeats.
async fn beating() -> TestServer {
    TestServer::sqlite_as(Setup { heartbeat: Some(BEAT), ..Setup::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_client_is_hung_up_on() {
    let server = beating().await;
    let ann = server.user("ann").await;
    let (mut silent, _) = Raw::open(&ann, None).await;
    let begun = Instant::now();
    let mut pings = 0;
    let code = loop {
        match silent.frame().await.unwrap() {
            Frame { first, .. } if first == FIN | PING => pings += 1,
            frame if frame.first == FIN | CLOSE => break frame.code(),
            _ => {}
        }
    };
    assert_eq!(code, Some(4008));
    // Two intervals, and one more until its turn comes.
    assert!((BEAT * 2..BEAT * 5).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    assert!(pings >= 2);
    until(|| !server.chat.hub().has_listeners()).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_neither_speaks_nor_reads_is_off_all_feeds() {
    let server = beating().await;
    let (ann, bob) = (server.user("ann").await, server.user("bob").await);
    let channel = ann.create_channel("general").await;
    bob.join(&channel).await;
    let (stuck, _) = Raw::open(&bob, WINDOW).await;
    let mut mouth = ann.listen().await;
    flood(&mut mouth, &channel, 0..500, long).await;
    drop(mouth);
    until(|| !server.chat.hub().has_listeners()).await;
    drop(stuck);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_anything_stays() {
    let server = beating().await;
    let ann = server.user("ann").await;
    let (mut raw, _) = Raw::open(&ann, None).await;
    let begun = Instant::now();
    while begun.elapsed() < BEAT * 4 {
        let frame = raw.frame().await.unwrap();
        assert_eq!(frame.code(), None);
        if frame.first == FIN | PING {
            say(&mut raw, &json!({ "type": "ping" })).await;
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_tell_how_far_a_socket_is() {
    let server = beating().await;
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    let mut ears = ann.listen().await;
    let head = ears.ready["channels"][0]["head"].as_i64().unwrap();
    let talk = async {
        for n in 0..40 {
            ann.say(&channel, &n.to_string()).await;
        }
    };
    let listen = async {
        let (mut last, mut told, mut beats) = (head, 0, 0);
        while told < head + 40 {
            let frame = ears.any().await.unwrap();
            if frame["type"] == "heads" {
                beats += 1;
                if let Some(head) = frame["feeds"][&channel].as_i64() {
                    assert_eq!(head, last, "all that was queued before has come before");
                    told = head;
                }
            } else if frame["feed"] == channel.as_str() {
                last = frame["rev"].as_i64().unwrap();
            }
        }
        beats
    };
    let ((), beats) = tokio::join!(talk, listen);
    assert!(beats > 0);
    // Where nothing happens there is nothing to tell, at every beat.
    let mut quiet = 0;
    let begun = Instant::now();
    while quiet < 3 {
        let frame = ears.any().await.unwrap();
        assert_eq!(frame["type"], "heads");
        quiet = if frame["feeds"] == json!({}) { quiet + 1 } else { 0 };
    }
    assert!((BEAT * 2..BEAT * 10).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    server.stop().await;
}
