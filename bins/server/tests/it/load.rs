//! People who talk without pause, people who listen to them, and what must be true afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::client::{Person, text};
use crate::process::{PATIENCE, Server};
use crate::socket::{Closed, Socket};

/// Messages that each publisher keeps unanswered.
const WINDOW: usize = 8;
const PUBLISHERS: u64 = 3;
const LISTENERS: usize = 2;

/// Everything that clients know, whatever became of the server.
pub(crate) struct World {
    owner: Person,
    publishers: Vec<Publisher>,
    listeners: Vec<Listener>,
    /// Of each channel, what stood in its history when it was last looked at.
    history: BTreeMap<String, Vec<Value>>,
}

/// Clients at work.
pub(crate) struct Talk {
    publishers: JoinSet<Publisher>,
    listeners: JoinSet<Listener>,
    /// Told at each acknowledgement.
    acknowledged: Arc<Notify>,
    /// Publishers send nothing new once this is true.
    enough: watch::Sender<bool>,
    /// Listeners end once they have heard all up to these heads.
    heads: watch::Sender<Option<BTreeMap<String, i64>>>,
}

/// Somebody who sends as fast as they are answered, and again what was not.
struct Publisher {
    person: Person,
    number: u64,
    sent: u64,
    /// What each message without an answer is, by id.
    open: BTreeMap<String, Value>,
    /// Messages as they were acknowledged.
    acknowledged: Vec<Value>,
}

/// Somebody who keeps what they hear, as clients should.
struct Listener {
    person: Person,
    epoch: String,
    replicas: BTreeMap<String, Replica>,
}

/// What somebody holds of a channel: all up to a rev.
#[derive(Default)]
struct Replica {
    rev: i64,
    messages: Vec<Value>,
}

impl World {
    /// Two channels, in which everybody is.
    pub(crate) async fn new(server: &Server) -> Self {
        let owner = server.user("owner").await;
        let channels = [owner.create_channel("one").await, owner.create_channel("two").await];
        let epoch = text(&Socket::open(&owner).await.unwrap().ready["epoch"]);
        let (mut publishers, mut listeners) = (Vec::new(), Vec::new());
        for number in 0..PUBLISHERS {
            let person = server.user(&format!("publisher{number}")).await;
            let (open, acknowledged) = (BTreeMap::new(), Vec::new());
            publishers.push(Publisher { person, number, sent: 0, open, acknowledged });
        }
        for number in 0..LISTENERS {
            let person = server.user(&format!("listener{number}")).await;
            let replicas = channels.iter().map(|id| (id.clone(), Replica::default())).collect();
            listeners.push(Listener { person, epoch: epoch.clone(), replicas });
        }
        let publishing = publishers.iter().map(|publisher| &publisher.person);
        for person in publishing.chain(listeners.iter().map(|listener| &listener.person)) {
            for channel in &channels {
                person.join(channel).await;
            }
        }
        let history = channels.into_iter().map(|id| (id, Vec::new())).collect();
        Self { owner, publishers, listeners, history }
    }

    /// Everybody connects: publishers begin, and listeners fetch what they have missed while those
    /// talk.
    pub(crate) async fn begin(&mut self, server: &Server) -> Talk {
        self.begin_over(&[server]).await
    }

    /// The same with everybody on the next of several nodes.
    pub(crate) async fn begin_over(&mut self, nodes: &[&Server]) -> Talk {
        let mut turn = nodes.iter().cycle();
        let mut next = || turn.next().expect("there is a node");
        let (acknowledged, enough) = (Arc::new(Notify::new()), watch::Sender::new(false));
        let heads = watch::Sender::new(None);
        let channels: Vec<String> = self.history.keys().cloned().collect();
        let (mut publishers, mut listeners) = (JoinSet::new(), JoinSet::new());
        for mut publisher in self.publishers.drain(..) {
            publisher.person = publisher.person.at(next());
            let socket = Socket::open(&publisher.person).await.unwrap();
            let (channels, told) = (channels.clone(), Arc::clone(&acknowledged));
            publishers.spawn(publisher.talk(socket, channels, told, enough.subscribe()));
        }
        for mut listener in self.listeners.drain(..) {
            listener.person = listener.person.at(next());
            let socket = listener.come_back().await;
            listeners.spawn(listener.listen(socket, heads.subscribe()));
        }
        Talk { publishers, listeners, acknowledged, enough, heads }
    }

    /// Everybody whose server has gone comes home.
    pub(crate) async fn interrupted(&mut self, talk: Talk) {
        let Talk { publishers, listeners, enough, heads, .. } = talk;
        self.publishers = joined(publishers).await;
        self.listeners = joined(listeners).await;
        drop((enough, heads));
    }

    /// Publishers send nothing new, but until all is acknowledged; listeners hear all of it on the
    /// sockets that they have.
    pub(crate) async fn finish(&mut self, server: &Server, talk: Talk) {
        talk.enough.send_replace(true);
        self.publishers = joined(talk.publishers).await;
        assert!(self.publishers.iter().all(|publisher| publisher.open.is_empty()));
        let owner = self.owner.at(server);
        let mut heads = BTreeMap::new();
        for channel in self.history.keys() {
            let found = owner.get(&format!("/channels/{channel}")).await;
            heads.insert(channel.clone(), found.expect(200).body["head"].as_i64().unwrap());
        }
        talk.heads.send_replace(Some(heads));
        self.listeners = joined(talk.listeners).await;
    }

    /// Everything promised to clients, asked of a server at which nothing else happens.
    pub(crate) async fn verify(&mut self, server: &Server) {
        let owner = self.owner.at(server);
        for (channel, history) in &mut self.history {
            // What a killed server had begun on PostgreSQL ends before this, or never.
            owner.say(channel, "still here").await;
            history.extend(owner.history(channel, history.len()).await);
            are_dense(history);
        }
        for listener in &mut self.listeners {
            listener.person = listener.person.at(server);
            let socket = listener.come_back().await;
            for state in socket.ready["channels"].as_array().unwrap() {
                let all = self.history[&text(&state["feed"])].len();
                assert_eq!((&state["last_seq"], &state["unread"]), (&json!(all), &json!(all)));
            }
            for (channel, replica) in &listener.replicas {
                assert!(replica.messages == self.history[channel], "a listener heard otherwise");
            }
        }
        let mut written: BTreeMap<&str, &Value> = BTreeMap::new();
        for message in self.history.values().flatten() {
            let before = written.insert(message["id"].as_str().unwrap(), message);
            assert!(before.is_none(), "twice: {message}");
        }
        let mut sent = BTreeSet::new();
        for publisher in &self.publishers {
            for message in &publisher.acknowledged {
                let id = message["id"].as_str().unwrap();
                assert_eq!(written.get(id), Some(&message), "acknowledged, and not so any more");
                sent.insert(id);
            }
            sent.extend(publisher.open.keys().map(String::as_str));
        }
        written.retain(|id, message| !sent.contains(id) && message["author_id"] != *self.owner.id);
        assert!(written.is_empty(), "nobody has sent {written:?}");
    }

    /// The history once more from the beginning: what was seen before is still the same.
    pub(crate) async fn verify_all(&mut self, server: &Server) {
        self.verify(server).await;
        for (channel, history) in &self.history {
            assert!(self.owner.at(server).history(channel, 0).await == *history, "it has changed");
        }
    }

    /// How many messages were acknowledged to publishers.
    pub(crate) fn acknowledged(&self) -> usize {
        self.publishers.iter().map(|publisher| publisher.acknowledged.len()).sum()
    }

    /// Of the messages that nobody has answered, how many there are, and how many were written.
    pub(crate) fn unanswered(&self) -> (usize, usize) {
        let ids = |message: &Value| text(&message["id"]);
        let written: BTreeSet<String> = self.history.values().flatten().map(ids).collect();
        let open = || self.publishers.iter().flat_map(|publisher| publisher.open.keys());
        (open().count(), open().filter(|id| written.contains(*id)).count())
    }

    /// The owner and one of the channels.
    pub(crate) fn owner(&self, server: &Server) -> (Person, String) {
        (self.owner.at(server), self.history.keys().next().unwrap().clone())
    }
}

impl Talk {
    /// Returns after this many more acknowledgements, or a few more.
    pub(crate) async fn acknowledged(&self, count: usize) {
        for _ in 0..count {
            let told = tokio::time::timeout(PATIENCE, self.acknowledged.notified()).await;
            told.expect("messages are acknowledged");
        }
    }
}

async fn joined<T: 'static>(tasks: JoinSet<T>) -> Vec<T> {
    tokio::time::timeout(PATIENCE, tasks.join_all()).await.expect("clients end")
}

/// Places from 1 on without a hole, in the order of their revs.
fn are_dense(history: &[Value]) {
    let (mut seq, mut rev) = (0, 0);
    for message in history {
        seq += 1;
        assert_eq!(message["seq"], seq, "{message}");
        assert!(message["rev"].as_i64().unwrap() > rev, "{message}");
        rev = message["rev"].as_i64().unwrap();
    }
}

impl Publisher {
    /// Sends until the server has gone, or it is enough.
    async fn talk(
        mut self,
        mut socket: Socket,
        channels: Vec<String>,
        acknowledged: Arc<Notify>,
        mut enough: watch::Receiver<bool>,
    ) -> Self {
        let _ = self.try_to_talk(&mut socket, &channels, &acknowledged, &mut enough).await;
        self
    }

    async fn try_to_talk(
        &mut self,
        socket: &mut Socket,
        channels: &[String],
        acknowledged: &Notify,
        enough: &mut watch::Receiver<bool>,
    ) -> Result<(), Closed> {
        for frame in self.open.values() {
            socket.send(frame).await?;
        }
        loop {
            while !*enough.borrow() && self.open.len() < WINDOW {
                let frame = self.next(channels);
                socket.send(&frame).await?;
            }
            if self.open.is_empty() {
                return Ok(());
            }
            let frame = tokio::select! {
                frame = socket.next() => frame?,
                Ok(()) = enough.changed() => continue,
            };
            if frame["type"] != "reply" {
                continue;
            }
            let id = text(&frame["ref"]);
            if frame["ok"] == true {
                self.open.remove(&id).expect("one answer each");
                self.acknowledged.push(frame["data"].clone());
                acknowledged.notify_one();
            } else {
                let code = text(&frame["error"]["code"]);
                assert!(["unavailable", "timeout", "overloaded"].contains(&&*code), "{frame}");
                socket.send(&self.open[&id]).await?;
            }
        }
    }

    /// A new message, into one channel after the other.
    fn next(&mut self, channels: &[String]) -> Value {
        self.sent += 1;
        let Self { number, sent, .. } = self;
        let id = format!("019a9f3e-{:04x}-7000-8{number:03x}-{sent:012x}", *sent >> 16);
        let channel = &channels[usize::try_from(*sent).unwrap() % channels.len()];
        let frame = json!({
            "type": "message.send", "ref": id, "id": id, "channel_id": channel,
            "content": format!("{sent} of {number}"),
        });
        self.open.insert(id, frame.clone());
        frame
    }
}

impl Listener {
    /// Listens until the server has gone, or all up to given heads has been heard.
    async fn listen(
        mut self,
        mut socket: Socket,
        mut heads: watch::Receiver<Option<BTreeMap<String, i64>>>,
    ) -> Self {
        while !heads.borrow().as_ref().is_some_and(|heads| self.has(heads)) {
            let frame = tokio::select! {
                frame = socket.next() => frame,
                Ok(()) = heads.changed() => continue,
            };
            match frame {
                Ok(frame) if frame["type"] == "closing" => {}
                Ok(frame) if frame["type"] == "stale" => self.catch_up(&mut socket).await,
                Ok(frame) => assert!(self.hear(&frame), "a hole before {frame}"),
                Err(_) => return self,
            }
        }
        self
    }

    fn has(&self, heads: &BTreeMap<String, i64>) -> bool {
        heads.iter().all(|(channel, head)| self.replicas[channel].rev >= *head)
    }

    /// Takes what a frame says, unless it is known. False if something is missing before it.
    fn hear(&mut self, frame: &Value) -> bool {
        let Some(replica) = frame["feed"].as_str().and_then(|feed| self.replicas.get_mut(feed))
        else {
            return true;
        };
        let (prev, rev) = (frame["prev"].as_i64().unwrap(), frame["rev"].as_i64().unwrap());
        if prev > replica.rev {
            return false;
        }
        if rev > replica.rev {
            replica.rev = rev;
            if frame["type"] == "message.created" {
                replica.messages.push(frame["message"].clone());
            }
        }
        true
    }

    /// Connects, and fetches what was missed.
    async fn come_back(&mut self) -> Socket {
        let mut socket = Socket::open(&self.person).await.unwrap();
        assert_eq!(socket.ready["epoch"], *self.epoch, "all cursors would be void");
        self.catch_up(&mut socket).await;
        socket
    }

    /// Fetches exactly what was missed.
    async fn catch_up(&mut self, socket: &mut Socket) {
        let channels: Vec<String> = self.replicas.keys().cloned().collect();
        for channel in channels {
            loop {
                let rev = self.replicas[&channel].rev;
                let frame = json!({
                    "type": "sync", "feed": channel, "epoch": self.epoch, "rev": rev, "limit": 500
                });
                let reply = socket.ask(frame).await.unwrap();
                let delta = &reply["data"];
                assert!(delta["items"].is_array(), "a cursor that is void: {reply}");
                for frame in delta["items"].as_array().unwrap() {
                    assert_eq!(frame["prev"], self.replicas[&channel].rev, "not what is missing");
                    assert!(self.hear(frame));
                }
                if delta["more"] == false {
                    assert_eq!(delta["head"], self.replicas[&channel].rev);
                    break;
                }
            }
        }
    }
}
