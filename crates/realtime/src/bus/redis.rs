//! The way to other nodes through Redis: one connection to say things, and one to hear them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use parking_lot::Mutex;
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, Pipeline, Value};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};

use super::envelope::{Foreign, Message, Said, Sealer};
use super::queue::Queue;
use crate::{Hub, NodeId};

/// How often a node says something, if only that it is there: by that, it and others see what was lost.
const BEAT: Duration = Duration::from_secs(1);

/// A node that does not hear itself for so long is cut off, whatever its connections look like.
const SILENCE: Duration = Duration::from_secs(3);

/// To connect, and for Redis to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between tries to connect; twice as long after each that failed.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What is written at once.
const MAX_PIPELINE: usize = 1024 * 1024;

/// What cannot be read is told of once in this time.
const COMPLAIN_EVERY: Duration = Duration::from_mins(1);

/// Of a node that has said nothing for so long it need not be known where it was.
const FORGET_AFTER: Duration = Duration::from_mins(1);

/// Where a Redis server is. It may hold a password, and is never shown.
#[derive(Clone)]
pub struct RedisAddress(Client);

impl RedisAddress {
    /// Reads `redis://user:password@host:port`, `rediss://…` (TLS, with a certificate that this machine
    /// trusts), or `unix:///path?pass=…`.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "redis://user:password@host:port or rediss://… is wanted";
        let scheme = url.split_once("://").map(|(scheme, _)| scheme).ok_or(WANTED)?;
        if !["redis", "rediss", "valkey", "valkeys", "unix", "redis+unix"].contains(&scheme) {
            return Err(WANTED);
        }
        if url.contains('#') {
            return Err("a certificate that proves nothing is not accepted: no # is understood");
        }
        // What the library says of it may repeat a part of it.
        let info = url.into_connection_info().map_err(|_| WANTED)?;
        Client::open(info).map(Self).map_err(|_| WANTED)
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// What the bus and the task that serves it share.
pub(super) struct Remote {
    pub(super) queue: Queue,
    connected: AtomicBool,
    /// The number of the last message.
    number: AtomicU64,
    /// The number of the last message of each node, and when it came. Locked once a message.
    heard: Mutex<HashMap<NodeId, (u64, Instant)>>,
    /// Something may have been lost.
    doubt: Notify,
    closing: AtomicBool,
}

impl Remote {
    pub(super) fn new() -> Self {
        Self {
            queue: Queue::default(),
            connected: AtomicBool::new(false),
            number: AtomicU64::new(0),
            heard: Mutex::default(),
            doubt: Notify::new(),
            closing: AtomicBool::new(false),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire)
    }

    pub(super) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// Says what waits, and ends.
    pub(super) fn finish(&self) {
        self.closing.store(true, Ordering::Release);
        self.queue.say(Said::Beat);
    }

    /// Whether all that was said has been heard by another node.
    pub(super) fn is_heard_by(&self, node: NodeId, other: &Self) -> bool {
        let number = self.number.load(Ordering::Acquire);
        self.queue.is_idle()
            && other.heard.lock().get(&node).is_some_and(|(heard, _)| *heard >= number)
    }
}

/// The task behind a bus on Redis.
pub(super) struct Line {
    pub(super) remote: Arc<Remote>,
    pub(super) hub: Hub,
    pub(super) address: RedisAddress,
    pub(super) sealer: Sealer,
    pub(super) channel: String,
}

/// Why a connection is given up.
enum Lost {
    Redis(redis::RedisError),
    Slow,
    Silent,
    Ended,
}

impl From<redis::RedisError> for Lost {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Not what the server or the library say in words, which may repeat an address.
            Self::Redis(error) => write!(f, "{:?}", error.kind()),
            Self::Slow => f.write_str("no answer in time"),
            Self::Silent => f.write_str("nothing comes back"),
            Self::Ended => f.write_str("the connection ended"),
        }
    }
}

impl Line {
    /// Runs until the bus is finished; connects again for ever.
    pub(super) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        while !self.remote.closing.load(Ordering::Acquire) {
            match self.connect().await {
                Ok((mut mouth, mut ears)) => {
                    pause = FIRST_PAUSE;
                    told = false;
                    let Err(why) = self.talk(&mut mouth, &mut ears).await else { return };
                    self.lose();
                    tracing::warn!(%why, "the bus is lost; nodes ask the database until it is back");
                }
                Err(why) => {
                    if !told {
                        tracing::warn!(%why, "Redis cannot be reached; nodes ask the database");
                        told = true;
                    }
                }
            }
            tokio::select! {
                () = tokio::time::sleep(jittered(pause)) => {}
                () = self.remote.queue.filled() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self) -> Result<(MultiplexedConnection, PubSub), Lost> {
        let client = &self.address.0;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connect = async {
            let mouth = client.get_multiplexed_async_connection_with_config(&config).await?;
            let mut ears = client.get_async_pubsub().await?;
            ears.subscribe(&self.channel).await?;
            Ok((mouth, ears))
        };
        tokio::time::timeout(PATIENCE, connect).await.map_err(|_| Lost::Slow)?
    }

    async fn talk(&self, mouth: &mut MultiplexedConnection, ears: &mut PubSub) -> Result<(), Lost> {
        self.remote.queue.open();
        self.remote.queue.say(Said::Hello);
        self.remote.connected.store(true, Ordering::Release);
        self.hub.introduce();
        // What was said before this moment is found in the database.
        self.remote.doubt.notify_one();
        tracing::info!("the bus is there");
        tokio::select! {
            ended = self.speak(mouth) => ended,
            lost = self.listen(ears) => Err(lost),
        }
    }

    fn lose(&self) {
        self.remote.connected.store(false, Ordering::Release);
        self.remote.queue.close();
        self.remote.doubt.notify_one();
    }

    /// Says what waits, as much at once as there is.
    async fn speak(&self, mouth: &mut MultiplexedConnection) -> Result<(), Lost> {
        let queue = &self.remote.queue;
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let closing = self.remote.closing.load(Ordering::Acquire);
            loop {
                let mut number = self.remote.number.load(Ordering::Acquire);
                number += queue.take_dropped();
                let (said, bytes) = queue.take(MAX_PIPELINE);
                if said.is_empty() {
                    break;
                }
                let messages = said.iter().flat_map(|said| self.sealer.say(&mut number, said));
                let mut pipeline = Pipeline::new();
                for message in messages {
                    pipeline.cmd("PUBLISH").arg(&self.channel).arg(&message[..]).ignore();
                }
                self.remote.number.store(number, Ordering::Release);
                let _: () = pipeline.query_async(mouth).await?;
                queue.arrived(bytes);
            }
            if closing {
                return Ok(());
            }
            tokio::select! {
                () = queue.filled() => {}
                _ = beats.tick() => queue.say(Said::Beat),
            }
        }
    }

    /// Hears what others say; why it cannot any more.
    async fn listen(&self, ears: &mut PubSub) -> Lost {
        let mut heard_self = Instant::now();
        let mut complaints = Complaints::default();
        let mut messages = ears.on_message();
        loop {
            let message = match tokio::time::timeout_at(heard_self + SILENCE, messages.next()).await
            {
                Ok(Some(message)) => message,
                Ok(None) => return Lost::Ended,
                Err(_) => return Lost::Silent,
            };
            let payload = match message.get_payload::<Value>() {
                Ok(Value::BulkString(payload)) => Bytes::from(payload),
                _ => continue,
            };
            match self.sealer.open(&payload) {
                Ok(message) if message.node == self.hub.node() => heard_self = Instant::now(),
                Ok(message) => self.take(message),
                Err(why) => complaints.note(why),
            }
        }
    }

    fn take(&self, Message { node, number, said }: Message) {
        let now = Instant::now();
        let last = self.remote.heard.lock().get(&node).map(|(last, _)| *last);
        if last.is_some_and(|last| number <= last) {
            // It has been heard before: somebody repeats it.
            return;
        }
        if last.is_some_and(|last| number > last + 1) {
            self.remote.doubt.notify_one();
        }
        match said {
            // A node that is too busy to hand out what it hears finds it in the database later.
            Said::Events(events) if self.hub.has_room() => self.hub.publish(events),
            Said::Signals(signals) if self.hub.has_room() => self.hub.signal(&signals),
            Said::Hello => {
                // What it said before may have been lost, and it knows nothing of who is here.
                self.remote.doubt.notify_one();
                self.hub.introduce();
                self.remote.queue.say(Said::Beat);
            }
            Said::Events(_) | Said::Signals(_) | Said::Beat => {}
        }
        let mut heard = self.remote.heard.lock();
        if last.is_none() {
            heard.retain(|_, (_, at)| now.duration_since(*at) < FORGET_AFTER);
        }
        heard.insert(node, (number, now));
    }
}

/// So that nodes that lost it together do not all come back together.
fn jittered(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or_default();
    pause / 2 + pause.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// Tells of what cannot be read: of the first, and then once in a while.
#[derive(Default)]
struct Complaints {
    count: u64,
    last: Option<Instant>,
}

impl Complaints {
    fn note(&mut self, why: Foreign) {
        self.count += 1;
        if self.last.is_some_and(|last| last.elapsed() < COMPLAIN_EVERY) {
            return;
        }
        let hint = match why {
            Foreign::Seal => "not sealed with this SECRET_KEY",
            Foreign::Version => "of another version",
            Foreign::Length | Foreign::Content => "malformed",
        };
        tracing::warn!(hint, messages = self.count, "what came over the bus was dropped");
        *self = Self { count: 0, last: Some(Instant::now()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_repeated() {
        for url in ["redis://u:pa55@host:6379", "rediss://:pa55@host/3", "unix:///run/r?pass=pa55"]
        {
            let address = RedisAddress::parse(url).unwrap();
            assert!(!format!("{address:?}").contains("pa55"));
        }
        for url in [
            "",
            "pa55",
            "http://u:pa55@host",
            "redis://u:pa55@host:port",
            "redis://u:pa55@host/pa55",
            "redis://",
            "rediss://u:pa55@host/#insecure",
            "redis://u:pa55@host?protocol=pa55",
        ] {
            let why = RedisAddress::parse(url).unwrap_err();
            assert!(!why.contains("pa55"), "{url}: {why}");
        }
    }
}
