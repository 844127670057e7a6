//! The bus on a real Redis.

use std::time::{Duration, Instant};

use hmac::KeyInit;
use tertulia_domain::{ChannelId, Clock, Feed, FeedId, UserId};
use tertulia_testing::RedisServer;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;
use crate::hub::{Delivery, Step};
use crate::text_frame;

/// Longer than anything that is waited for should take, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A node with one worker on which somebody listens.
struct Node {
    bus: Bus,
    hub: Hub,
    line: JoinHandle<()>,
    steps: UnboundedReceiver<Arc<Vec<Step>>>,
}

fn redis_is_here() -> bool {
    !std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("redis"))
}

fn feed(n: u128) -> Feed {
    Feed::Channel(ChannelId::from(Uuid::from_u128(n)))
}

fn event(feed: Feed, rev: i64) -> Event {
    let frame = text_frame(rev.to_string().as_bytes());
    Event { feed, prev: rev - 1, rev, effect: None, frame }
}

fn heavy(rev: i64) -> Event {
    Event { frame: text_frame(&vec![b'x'; 60_000]), ..event(feed(1), rev) }
}

impl Node {
    async fn start(redis: &RedisServer, epoch: &str, secret: u8) -> Self {
        let hub = Hub::new(Clock::system());
        let (worker, steps) = hub.add_worker();
        let somebody = UserId::from(Uuid::from_u128(99));
        for n in 1..=5 {
            hub.subscribe(feed(n), somebody, worker);
        }
        let _ = hub.learn((1..=5).map(|n| (feed(n).id(), 0)));
        let address = RedisAddress::parse(&redis.url()).unwrap();
        let mac = Hmac::new((&[secret; 64]).into());
        let (bus, line) = Bus::redis(hub.clone(), address, epoch, mac);
        let node = Self { bus, hub, line: tokio::spawn(line), steps };
        node.is(true).await;
        node
    }

    async fn is(&self, connected: bool) {
        until(|| self.bus.is_connected() == Some(connected)).await;
    }

    /// Waits for this many frames, and gives their numbers, feed by feed.
    async fn hear(&mut self, count: usize) -> Vec<(FeedId, i64)> {
        let mut heard = Vec::new();
        while heard.len() < count {
            let steps = tokio::time::timeout(PATIENCE, self.steps.recv()).await;
            self.read(&steps.expect("something comes").unwrap(), &mut heard);
        }
        heard
    }

    /// The same of what has come already.
    fn take(&mut self) -> Vec<(FeedId, i64)> {
        let mut heard = Vec::new();
        while let Ok(steps) = self.steps.try_recv() {
            self.read(&steps, &mut heard);
        }
        heard
    }

    fn read(&self, steps: &[Step], heard: &mut Vec<(FeedId, i64)>) {
        self.hub.took(0);
        for step in steps {
            if let Delivery::Frames { feed, chunk, .. } = &step.delivery {
                heard.extend(texts(chunk).map(|text| (*feed, text.parse().unwrap_or(-1))));
            }
        }
    }

    fn publish(&self, events: Vec<Event>) {
        let begun = Instant::now();
        self.bus.publish(events);
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    }
}

/// What short and long text frames hold, one after the other.
fn texts(mut chunk: &[u8]) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (length, rest) = match chunk {
            [0x81, 126, high, low, rest @ ..] => {
                (usize::from(*high) << 8 | usize::from(*low), rest)
            }
            [0x81, length, rest @ ..] => (usize::from(*length), rest),
            _ => return None,
        };
        let (text, rest) = rest.split_at(length);
        chunk = rest;
        std::str::from_utf8(text).ok()
    })
}

async fn until(done: impl Fn() -> bool) {
    let waited = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.expect("it becomes so");
}

async fn doubts(node: &Node) {
    tokio::time::timeout(PATIENCE, node.bus.doubted()).await.expect("it asks the database");
}

/// Whether nothing makes a node ask the database.
async fn is_sure(node: &Node) -> bool {
    tokio::time::timeout(Duration::from_millis(50), node.bus.doubted()).await.is_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_once_and_in_order_of_its_feed() {
    if !redis_is_here() {
        return;
    }
    let redis = RedisServer::start();
    let mut one = Node::start(&redis, "epoch", 1).await;
    let mut two = Node::start(&redis, "epoch", 1).await;
    let (stranger, deaf) =
        (Node::start(&redis, "another", 1).await, Node::start(&redis, "epoch", 2).await);
    let mut revs = [0; 5];
    let mut published = 0;
    let mut heard = [Vec::new(), Vec::new()];
    for batch in 0..400_usize {
        let events = (0..=batch % 10).map(|n| {
            let which = (batch * 7 + n * 3) % 5;
            revs[which] += 1;
            event(feed(which as u128 + 1), revs[which])
        });
        let events: Vec<_> = events.collect();
        published += events.len();
        // What comes from others is not for anybody here to be sent back.
        if batch % 2 == 0 {
            one.publish(events);
        } else {
            two.publish(events);
        }
        // As the database would see to it: one node's commit comes after the other's.
        if batch % 5 == 0 {
            until(|| one.bus.is_heard_by(&two.bus) && two.bus.is_heard_by(&one.bus)).await;
            heard[0].extend(one.take());
            heard[1].extend(two.take());
        }
    }
    for (node, mut heard) in [&mut one, &mut two].into_iter().zip(heard) {
        heard.extend(node.hear(published - heard.len()).await);
        assert_eq!(heard.len(), published, "each once");
        heard.sort_by_key(|(feed, _)| *feed);
        for part in heard.chunk_by(|(one, _), (other, _)| one == other) {
            assert!(part.windows(2).all(|two| two[0].1 + 1 == two[1].1), "in order");
        }
        until(|| node.hub.gaps().is_empty()).await;
    }
    for mut node in [stranger, deaf] {
        assert!(node.steps.try_recv().is_err(), "of another database, or with another secret");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_whose_redis_is_killed_comes_back_by_itself_and_asks_the_database() {
    if !redis_is_here() {
        return;
    }
    let redis = RedisServer::start();
    let one = Node::start(&redis, "epoch", 1).await;
    let mut two = Node::start(&redis, "epoch", 1).await;
    one.publish(vec![event(feed(1), 1)]);
    two.hear(1).await;
    assert_eq!(redis.command("FLUSHALL"), "+OK\r\n");
    one.publish(vec![event(feed(1), 2)]);
    assert_eq!(two.hear(1).await[0].1, 2, "there is nothing in it to be lost");
    until(|| one.bus.is_heard_by(&two.bus) && two.bus.is_heard_by(&one.bus)).await;
    while !is_sure(&two).await {}

    redis.kill();
    for node in [&one, &two] {
        node.is(false).await;
    }
    doubts(&two).await;
    one.publish(vec![event(feed(1), 3)]);
    assert!(one.bus.remote.as_ref().unwrap().queue.is_idle(), "nobody would hear it");
    redis.start_again();
    for node in [&one, &two] {
        node.is(true).await;
    }
    doubts(&two).await;
    one.publish(vec![event(feed(2), 1)]);
    assert_eq!(two.hear(1).await, [(feed(2).id(), 1)]);

    // Only one of two connections.
    redis.command("CLIENT KILL TYPE pubsub");
    doubts(&two).await;
    until(|| one.bus.is_connected() == Some(true) && two.bus.is_connected() == Some(true)).await;
    one.publish(vec![event(feed(2), 2), event(feed(3), 1)]);
    one.publish(vec![event(feed(3), 2)]);
    let heard = two.hear(1).await;
    assert!(heard.iter().all(|(_, rev)| *rev <= 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_whose_redis_hangs_keeps_little_blocks_nobody_and_comes_back() {
    if !redis_is_here() {
        return;
    }
    let redis = RedisServer::start();
    let one = Node::start(&redis, "epoch", 1).await;
    let mut two = Node::start(&redis, "epoch", 1).await;
    redis.pause();
    // Sixty megabytes.
    let mut rev = 0;
    for _ in 0..1000 {
        rev += 1;
        one.publish(vec![heavy(rev)]);
        let waits = one.bus.remote.as_ref().unwrap().queue.bytes();
        assert!(waits <= 8 * 1024 * 1024, "{waits} bytes wait");
    }
    for node in [&one, &two] {
        node.is(false).await;
    }
    assert!(one.bus.remote.as_ref().unwrap().queue.is_idle());
    doubts(&two).await;
    redis.resume();
    for node in [&one, &two] {
        node.is(true).await;
    }
    one.publish(vec![event(feed(2), 1)]);
    assert!(two.hear(1).await.contains(&(feed(2).id(), 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_dropped_is_noticed_by_the_others() {
    if !redis_is_here() {
        return;
    }
    let redis = RedisServer::start();
    let one = Node::start(&redis, "epoch", 1).await;
    let two = Node::start(&redis, "epoch", 1).await;
    one.publish(vec![event(feed(1), 1)]);
    until(|| one.bus.is_heard_by(&two.bus) && two.bus.is_heard_by(&one.bus)).await;
    while !is_sure(&two).await {}
    // More at once than fits: this thread is faster than the one that writes.
    let many: Vec<Event> = (2..202).map(heavy).collect();
    one.publish(many);
    doubts(&two).await;
    assert_eq!(one.bus.is_connected(), Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_somebody_else_writes_to_redis_is_dropped() {
    if !redis_is_here() {
        return;
    }
    let redis = RedisServer::start();
    let one = Node::start(&redis, "epoch", 1).await;
    let mut two = Node::start(&redis, "epoch", 1).await;
    for message in ["x", "\"\"", &"TB".repeat(100), &"y".repeat(2_000_000)] {
        let heard = redis.command(&format!("PUBLISH tertulia:epoch:bus {message}"));
        assert!(heard.starts_with(":2") || message.len() > 60_000, "{heard}");
    }
    one.publish(vec![event(feed(1), 1)]);
    assert_eq!(two.hear(1).await, [(feed(1).id(), 1)]);
    assert_eq!(two.bus.is_connected(), Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_before_the_end_still_arrives() {
    if !redis_is_here() {
        return;
    }
    let redis = RedisServer::start();
    let one = Node::start(&redis, "epoch", 1).await;
    let mut two = Node::start(&redis, "epoch", 1).await;
    for rev in 1..=50 {
        one.publish(vec![event(feed(1), rev)]);
    }
    one.bus.finish();
    assert_eq!(two.hear(50).await.len(), 50);
    tokio::time::timeout(PATIENCE, one.line).await.expect("it ends").unwrap();

    redis.kill();
    two.is(false).await;
    two.bus.finish();
    tokio::time::timeout(PATIENCE, two.line).await.expect("it ends without Redis").unwrap();
}
