//! The sockets of one thread.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tertulia_domain::{Feed, FeedId, SessionId, UserId};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior};

use crate::Hub;
use crate::hub::{Delivery, Step, WorkerId};
use crate::outbox::{CloseReason, Outbox};
use crate::people::Person;
use crate::wire::{ping_frame, text_frame};

mod connection;
mod drain;
mod looking;
#[cfg(test)]
mod tests;

pub use connection::Connection;

/// How often a socket hears `heads` and a ping: often enough for proxies, whose idle limit is
/// mostly 60 s. A socket that is silent for two intervals is closed.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// The sockets of one thread, and the task that serves them. Clones share it; it stays on its
/// thread.
#[derive(Clone)]
pub struct Worker(Rc<Local>);

pub(crate) struct Local {
    id: WorkerId,
    hub: Hub,
    feeds: RefCell<HashMap<FeedId, LocalFeed>>,
    /// All sockets, wherever they are in their lives.
    sockets: RefCell<Vec<Weak<Socket>>>,
    heartbeat: Duration,
    draining: Cell<bool>,
    /// Spreads the heartbeats of sockets over the interval.
    connected: Cell<u64>,
}

/// Who of this thread listens to a feed.
pub(crate) struct LocalFeed {
    name: Rc<str>,
    sockets: Vec<Rc<Socket>>,
    /// Those of them that look at it.
    lookers: Vec<Rc<Socket>>,
    /// The last rev queued, and when.
    last: i64,
    moved: Option<Instant>,
}

pub(crate) struct Socket {
    user: UserId,
    session: SessionId,
    outbox: RefCell<Outbox>,
    feeds: RefCell<Vec<FeedId>>,
    /// Feeds of which nothing was known when this socket subscribed: somebody else may learn a
    /// later head than its own first snapshot has.
    unknown: RefCell<Vec<FeedId>>,
    /// Channels that it hears without its user being in them.
    visits: RefCell<Vec<FeedId>>,
    /// Channels that it looks at.
    focus: RefCell<Vec<FeedId>>,
    person: Arc<Person>,
    heard: Cell<Instant>,
    slot: u64,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.person.leave();
    }
}

impl Socket {
    fn hears(&self, feed: FeedId) -> bool {
        self.feeds.borrow().contains(&feed)
    }
}

impl Worker {
    /// Begins to serve the sockets of this thread. To be called inside a `LocalSet`.
    pub fn start(hub: &Hub) -> Self {
        Self::start_with(hub, HEARTBEAT)
    }

    /// The same with another interval between heartbeats.
    pub fn start_with(hub: &Hub, heartbeat: Duration) -> Self {
        let (id, inbox) = hub.add_worker();
        let local = Rc::new(Local {
            id,
            hub: hub.clone(),
            feeds: RefCell::default(),
            sockets: RefCell::default(),
            heartbeat,
            draining: Cell::new(false),
            connected: Cell::new(0),
        });
        // The task ends with the last handle to the worker: the hub then forgets its inbox.
        tokio::task::spawn_local(serve(Rc::downgrade(&local), inbox));
        Self(local)
    }

    /// Takes a new socket. It hears its user's own feed from now on; nothing is written to it
    /// before [`Connection::open`].
    pub fn connect(&self, user: UserId, session: SessionId) -> Connection {
        let slot = self.0.connected.get();
        self.0.connected.set(slot + 1);
        let socket = Rc::new(Socket {
            user,
            session,
            outbox: RefCell::new(Outbox::new()),
            feeds: RefCell::default(),
            unknown: RefCell::default(),
            visits: RefCell::default(),
            focus: RefCell::default(),
            person: self.0.hub.enter(user),
            heard: Cell::new(Instant::now()),
            slot,
        });
        self.0.sockets.borrow_mut().push(Rc::downgrade(&socket));
        self.0.add(Feed::Me(user), &socket);
        Connection::new(Rc::clone(&self.0), socket)
    }

    /// Whether the node has begun to stop.
    pub fn is_draining(&self) -> bool {
        self.0.draining.get()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.hub.remove_worker(self.id);
    }
}

async fn serve(local: Weak<Local>, mut inbox: UnboundedReceiver<Arc<Vec<Step>>>) {
    let Some(interval) = local.upgrade().map(|local| local.heartbeat / TICKS) else { return };
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tick = 0;
    loop {
        tokio::select! {
            steps = inbox.recv() => {
                let (Some(steps), Some(local)) = (steps, local.upgrade()) else { return };
                local.hub.took(local.id);
                for step in steps.iter().filter(|step| step.to & (1 << local.id) != 0) {
                    local.carry_out(&step.delivery);
                }
            }
            _ = ticks.tick() => {
                let Some(local) = local.upgrade() else { return };
                tick += 1;
                local.beat(tick);
            }
        }
    }
}

/// Into how many parts a heartbeat interval is cut, each for its share of the sockets.
const TICKS: u32 = 25;

impl Local {
    fn carry_out(self: &Rc<Self>, delivery: &Delivery) {
        match delivery {
            Delivery::Frames { feed, chunk, last } => {
                if let Some(local) = self.feeds.borrow_mut().get_mut(feed) {
                    local.last = *last;
                    local.moved = Some(Instant::now());
                    for socket in &local.sockets {
                        socket.outbox.borrow_mut().push_frames(*feed, &local.name, chunk, *last);
                    }
                }
            }
            Delivery::Glimpse { feed, frame, audience } => self.show(*feed, frame, *audience),
            Delivery::Admit { feed, user } => {
                let sockets = self.of_user(*user);
                for socket in &sockets {
                    socket.stays_in(feed.id());
                }
                // A cut that was carried out since may have taken this admission back as well.
                let missed = !self.hub.is_subscribed(feed.id(), *user, self.id);
                for socket in &sockets {
                    self.add(*feed, socket);
                    if missed {
                        let mut outbox = socket.outbox.borrow_mut();
                        outbox.set_stale(feed.id(), &name_of(*feed), 0);
                    }
                }
                if sockets.is_empty() {
                    self.hub.unsubscribe(feed.id(), *user, self.id);
                }
            }
            Delivery::Cut { feed, user } => {
                for socket in self.of_user(*user) {
                    self.cut(*feed, &socket);
                }
            }
            Delivery::Close { feed, frame } => {
                let closed = self.feeds.borrow_mut().remove(feed);
                for socket in closed.into_iter().flat_map(|local| local.sockets) {
                    socket.feeds.borrow_mut().retain(|id| id != feed);
                    socket.forgets(*feed);
                    socket.outbox.borrow_mut().end_feed(*feed, frame);
                }
            }
            Delivery::Stale { feed, head } => {
                if let Some(local) = self.feeds.borrow().get(feed) {
                    for socket in &local.sockets {
                        socket.outbox.borrow_mut().set_stale(*feed, &local.name, *head);
                    }
                }
            }
            Delivery::Belongs { feed, user, head } => {
                let sockets = self.of_user(*user);
                for socket in &sockets {
                    socket.stays_in(feed.id());
                }
                for socket in sockets.iter().filter(|socket| !socket.hears(feed.id())) {
                    self.add(*feed, socket);
                    let mut outbox = socket.outbox.borrow_mut();
                    outbox.set_stale(feed.id(), &name_of(*feed), *head);
                }
                if sockets.is_empty() {
                    self.hub.unsubscribe(feed.id(), *user, self.id);
                }
            }
            Delivery::EndSession { session, user } => {
                for socket in self.of_user(*user).iter().filter(|s| s.session == *session) {
                    socket.outbox.borrow_mut().close(CloseReason::SessionEnded);
                }
            }
            Delivery::Drain(within) => drain::start(self, *within),
        }
    }

    /// What clients call a feed to which somebody on this thread listens.
    fn name(&self, feed: FeedId) -> Option<Rc<str>> {
        self.feeds.borrow().get(&feed).map(|local| Rc::clone(&local.name))
    }

    /// A person's sockets on this thread.
    fn of_user(&self, user: UserId) -> Vec<Rc<Socket>> {
        let feeds = self.feeds.borrow();
        feeds.get(&Feed::Me(user).id()).map(|me| me.sockets.clone()).unwrap_or_default()
    }

    /// Lets a socket hear a feed.
    fn add(&self, feed: Feed, socket: &Rc<Socket>) {
        let id = feed.id();
        if socket.hears(id) {
            return;
        }
        socket.feeds.borrow_mut().push(id);
        if !self.hub.subscribe(feed, socket.user, self.id) {
            socket.unknown.borrow_mut().push(id);
        }
        let mut feeds = self.feeds.borrow_mut();
        let local = feeds.entry(id).or_insert_with(|| LocalFeed {
            name: name_of(feed),
            sockets: Vec::with_capacity(1),
            lookers: Vec::new(),
            last: 0,
            moved: None,
        });
        local.sockets.push(Rc::clone(socket));
    }

    /// Lets a socket hear a feed no more, nor what still waits of it.
    fn remove(&self, id: FeedId, socket: &Rc<Socket>) {
        socket.feeds.borrow_mut().retain(|feed| *feed != id);
        self.unlook(id, socket);
        socket.forgets(id);
        socket.outbox.borrow_mut().forget(id);
        let mut feeds = self.feeds.borrow_mut();
        let Some(local) = feeds.get_mut(&id) else { return };
        if let Some(at) = local.sockets.iter().position(|other| Rc::ptr_eq(other, socket)) {
            local.sockets.swap_remove(at);
        }
        if !local.sockets.iter().any(|other| other.user == socket.user) {
            self.hub.unsubscribe(id, socket.user, self.id);
        }
        if local.sockets.is_empty() {
            feeds.remove(&id);
        }
    }

    /// One share of the sockets hears where its feeds are, and whether they still listen is asked.
    fn beat(&self, tick: u32) {
        let now = Instant::now();
        self.sockets.borrow_mut().retain(|socket| socket.strong_count() > 0);
        let sockets: Vec<_> = self.sockets.borrow().iter().filter_map(Weak::upgrade).collect();
        let share = u64::from(tick % TICKS);
        for socket in sockets.iter().filter(|s| s.slot % u64::from(TICKS) == share) {
            if now.duration_since(socket.heard.get()) > self.heartbeat * 2 {
                socket.outbox.borrow_mut().close(CloseReason::TooSlow);
                continue;
            }
            let heads = self.heads(socket, now);
            let mut outbox = socket.outbox.borrow_mut();
            if outbox.is_open() {
                outbox.push_control(heads);
                outbox.push_control(ping_frame());
            }
        }
    }

    /// The last rev queued to this socket of each feed that moved since its last heartbeat: proof
    /// that what came before has been delivered.
    fn heads(&self, socket: &Socket, now: Instant) -> Bytes {
        let feeds = self.feeds.borrow();
        let outbox = socket.outbox.borrow();
        let lately = self.heartbeat + self.heartbeat / TICKS;
        let mut heads = serde_json::Map::new();
        for id in socket.feeds.borrow().iter().filter(|id| !outbox.is_off(**id)) {
            let Some(local) = feeds.get(id) else { continue };
            if local.moved.is_some_and(|moved| now.duration_since(moved) <= lately) {
                heads.insert(local.name.to_string(), local.last.into());
            }
        }
        let heads = serde_json::Value::Object(heads);
        text_frame(format!(r#"{{"type":"heads","feeds":{heads}}}"#).as_bytes())
    }
}

/// What clients call a feed.
fn name_of(feed: Feed) -> Rc<str> {
    match feed {
        Feed::Channel(channel) => channel.to_string().into(),
        Feed::Me(_) => "me".into(),
        Feed::System => "system".into(),
    }
}
