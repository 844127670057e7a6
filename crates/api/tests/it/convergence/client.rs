//! The reference client: it follows the protocol's rules and knows nothing but what `ready`, frames,
//! `sync` and, after a reset, REST tell it. It can be made to vanish, and to read late.

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::state::State;
use crate::server::{Person, text, unique};
use crate::socket::Socket;

/// What a device is made to do.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    /// Vanish without a word.
    Vanish,
    /// Connect, if it is not; `since` the last `ready`, or telling the server nothing.
    Connect { since: bool },
    /// Read nothing from now on.
    Hold,
    /// Read on.
    Release,
    /// Read up to a message that may be there, if there is a socket.
    Read { channel: String, seq: i64 },
    /// Say something over the socket, if there is one.
    Say { channel: String, content: String },
    /// Hear a channel without being in it, if it is public.
    Visit { channel: String },
    /// Hear it no more.
    Leave { channel: String },
    /// Show a channel, and type there.
    Look { channel: String },
}

/// A client at work, seen from outside.
pub(crate) struct Device {
    pub(crate) person: Person,
    pub(crate) state: watch::Receiver<State>,
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

struct Client {
    person: Person,
    socket: Option<Socket>,
    /// Whether it reads late.
    holding: bool,
    state: watch::Sender<State>,
    /// What was asked of the server and not yet answered.
    asked: HashMap<String, Asked>,
    server_time: Option<String>,
}

enum Asked {
    Sync { feed: String, since: i64, stay: Option<u64> },
    Say,
    Read,
    Visit { channel: String },
    Nothing,
}

impl Device {
    /// A device that has nothing, and is not connected.
    pub(crate) fn start(person: &Person) -> Self {
        let (state, seen) = watch::channel(State::of(&person.id));
        let client = Client {
            person: person.clone(),
            socket: None,
            holding: false,
            state,
            asked: HashMap::new(),
            server_time: None,
        };
        let (commands, inbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(client.run(inbox));
        Self { person: person.clone(), state: seen, commands, task }
    }

    pub(crate) fn tell(&self, command: Command) {
        // A client that has panicked says so at the end.
        let _ = self.commands.send(command);
    }

    /// Ends the client, with what it may have to complain of.
    pub(crate) async fn stop(self) {
        drop(self.commands);
        self.task.await.unwrap();
    }
}

impl Client {
    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        loop {
            let reads = !self.holding;
            tokio::select! {
                command = inbox.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                frame = read(self.socket.as_mut()), if reads => match frame {
                    Some(frame) => self.take(&frame).await,
                    // The server has closed it: come back.
                    None => self.connect(true).await,
                },
            }
            self.ask().await;
        }
    }

    async fn obey(&mut self, command: Command) {
        self.trace(format!("{command:?}"));
        match command {
            Command::Vanish => {
                if let Some(socket) = self.socket.take() {
                    socket.drop_now();
                }
            }
            Command::Connect { since } if self.socket.is_none() => self.connect(since).await,
            Command::Connect { .. } => {}
            Command::Hold => self.holding = true,
            Command::Release => self.holding = false,
            Command::Read { channel, seq } => {
                let frame = json!({ "type": "read", "channel_id": channel, "seq": seq });
                self.send(frame, Asked::Read).await;
            }
            Command::Say { channel, content } => {
                let frame =
                    json!({ "type": "message.send", "channel_id": channel, "content": content });
                self.send(frame, Asked::Say).await;
            }
            Command::Visit { channel } => self.visit(channel).await,
            Command::Leave { channel } => {
                self.state.send_modify(|state| state.visit_ends(&channel));
                let frame = json!({ "type": "unsubscribe", "channel_id": channel });
                self.send(frame, Asked::Nothing).await;
            }
            Command::Look { channel } => {
                let frame = json!({ "type": "focus", "channel_ids": [channel] });
                self.send(frame, Asked::Nothing).await;
                let frame = json!({ "type": "typing", "channel_id": channel, "active": true });
                self.send(frame, Asked::Nothing).await;
            }
        }
    }

    async fn visit(&mut self, channel: String) {
        let frame = json!({ "type": "subscribe", "channel_id": channel });
        self.send(frame, Asked::Visit { channel }).await;
    }

    async fn connect(&mut self, since: bool) {
        // What was asked and not answered is still to be asked: a `ready` since the last one leaves
        // out what has not moved since, whether this client has caught up with it or not.
        for (_, asked) in self.asked.drain() {
            if let Asked::Sync { feed, .. } = asked {
                self.state.send_modify(|state| state.want(&feed));
            }
        }
        let token = self.person.token.clone().unwrap();
        let headers = [("authorization", format!("Bearer {token}"))];
        let since = self.server_time.as_ref().filter(|_| since);
        let path = match since {
            Some(time) => format!("/api/v1/ws?since={time}"),
            None => "/api/v1/ws".to_owned(),
        };
        let socket = Socket::try_open(&self.person.base, &path, &headers).await.unwrap();
        let partial = since.is_some();
        self.trace(format!("connected, since {since:?}: {}", socket.ready));
        self.state.send_modify(|state| state.ready(&socket.ready, partial));
        self.server_time = Some(text(&socket.ready["server_time"]));
        self.socket = Some(socket);
        // A visit does not outlive its socket.
        let visited = self.state.borrow().visited();
        for channel in visited {
            self.visit(channel).await;
        }
    }

    fn trace(&self, line: String) {
        self.state.send_modify(|state| state.trace.push(line));
    }

    async fn take(&mut self, frame: &Value) {
        self.trace(frame.to_string());
        match frame["type"].as_str().unwrap() {
            "reply" => self.answered(frame).await,
            // Whatever else has come since: the server sends no more of this feed until it is asked.
            "stale" => self.state.send_modify(|state| state.want(&text(&frame["feed"]))),
            "heads" => self.state.send_modify(|state| {
                for (feed, head) in frame["feeds"].as_object().unwrap() {
                    state.head(feed, super::state::int(head));
                }
            }),
            "subscription.ended" => {
                self.state.send_modify(|state| state.visit_ends(&text(&frame["channel_id"])));
            }
            "overloaded" | "typing" | "presence" | "read" | "delivered" => {}
            _ => self.state.send_modify(|state| state.frame(frame)),
        }
    }

    async fn answered(&mut self, reply: &Value) {
        let asked = self.asked.remove(&text(&reply["ref"])).expect("a reply to what was asked");
        let (data, code) = (&reply["data"], reply["error"]["code"].as_str());
        match (asked, code) {
            (Asked::Say, None) => self.state.send_modify(|state| state.message(data)),
            // What is marked as read may be no message.
            (Asked::Say | Asked::Read, Some("forbidden" | "not_found"))
            | (Asked::Say, Some("muted" | "slow_mode" | "archived"))
            | (Asked::Nothing, None | Some("forbidden" | "not_found" | "muted" | "archived"))
            | (Asked::Read, None | Some("invalid")) => {}
            (Asked::Visit { .. }, None) => self.state.send_modify(|state| state.visits(data)),
            (Asked::Visit { channel }, Some("not_found")) => {
                self.state.send_modify(|state| state.visit_ends(&channel));
            }
            (Asked::Sync { feed, since, .. }, None) => {
                let mut held = true;
                self.state.send_modify(|state| held = state.delta(&feed, since, data));
                if !held {
                    self.begin_anew(&feed).await;
                }
            }
            (Asked::Sync { feed, stay: Some(stay), .. }, Some("not_found")) => {
                self.state.send_modify(|state| state.not_found(&feed, stay));
            }
            (_, Some(_)) => panic!("an error that nothing here should lead to: {reply}"),
        }
    }

    /// Syncs what must be, one page of each feed at a time.
    async fn ask(&mut self) {
        if self.socket.is_none() {
            return;
        }
        let wanted: Vec<String> = self.state.borrow().wanted.iter().cloned().collect();
        for feed in wanted {
            let asks =
                |asked: &Asked| matches!(asked, Asked::Sync { feed: other, .. } if *other == feed);
            if self.asked.values().any(asks) {
                continue;
            }
            let (since, stay, epoch) = {
                let state = self.state.borrow();
                let Some(since) = state.cursor(&feed) else { continue };
                (since, state.stay(&feed), state.epoch.clone())
            };
            self.state.send_modify(|state| {
                state.wanted.remove(&feed);
            });
            let frame =
                json!({ "type": "sync", "feed": feed, "epoch": epoch, "rev": since, "limit": 7 });
            self.send(frame, Asked::Sync { feed, since, stay }).await;
        }
    }

    async fn send(&mut self, mut frame: Value, asked: Asked) {
        let Some(socket) = &mut self.socket else { return };
        let reference = format!("c{}", unique());
        frame["ref"] = json!(reference);
        let line = format!("asked {frame}");
        // One that reads late may have been hung up on: it comes back when it reads that.
        socket.try_send(frame).await;
        self.trace(line);
        self.asked.insert(reference, asked);
    }

    /// After a reset: drops what it holds, and takes the newest page.
    async fn begin_anew(&mut self, channel: &str) {
        assert_ne!(channel, "me", "nobody here is a thousand steps behind in their own feed");
        let path = format!("/channels/{channel}");
        // The page first: what moves afterwards is beyond its head, and comes with the next sync.
        let page = self.person.get(&format!("{path}/messages?limit=20")).await;
        let members = self.person.pages(&format!("{path}/members?limit=2")).await;
        let itself = self.person.get(&path).await;
        let told = self.person.get("/notifications?limit=1").await.body;
        let all = self.person.pages("/notifications?limit=50").await;
        self.state.send_modify(|state| state.inbox_anew(&all, &told));
        if !page.status.is_success() || !itself.status.is_success() {
            return self.state.send_modify(|state| state.want(channel));
        }
        let itself = super::bare(&itself.body);
        self.state.send_modify(|state| state.begin_anew(channel, &page.body, &members, itself));
    }
}

/// The next frame; none when the server has closed.
async fn read(socket: Option<&mut Socket>) -> Option<Value> {
    match socket {
        Some(socket) => socket.any().await,
        None => std::future::pending().await,
    }
}
