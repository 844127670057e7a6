//! The feeds that somebody on this node listens to.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use tertulia_domain::{Clock, Feed, FeedId, SessionId, Timestamp, UserId};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::event::{Effect, Event};
use crate::people::People;

mod feed;
mod looking;
mod state;
mod steps;
#[cfg(test)]
mod tests;

use feed::{FeedState, Verdict};
pub use looking::Sighting;
use state::State;
pub(crate) use steps::{Delivery, Step, Steps};

/// Which worker of this node: at most [`MAX_WORKERS`], so that a set of them is one number.
pub(crate) type WorkerId = usize;

/// As many bits as a set of workers has.
pub(crate) const MAX_WORKERS: usize = 64;

/// Batches that may wait for a worker before the log is made to wait. A worker only copies pointers
/// from them, so a longer queue means that the machine is out of CPU.
const MAX_BACKLOG: usize = 64;

/// What a node missed of a feed, to be asked of the database.
#[derive(Clone, Debug)]
pub struct GapRequest {
    /// Which feed.
    pub feed: Feed,
    /// What has been released; `None` when only the head is asked for.
    pub since: Option<i64>,
    /// Who listens here.
    pub listeners: Vec<UserId>,
}

/// What the database says of a feed, in one snapshot.
#[derive(Clone, Debug)]
pub struct Fill {
    /// The steps that were missed, chained.
    pub events: Vec<Event>,
    /// Up to where they go: the head, unless there is more to read.
    pub reached: i64,
    /// The head.
    pub head: i64,
    /// Whether there were too many steps: listeners must sync by themselves.
    pub limited: bool,
    /// Listeners who may no longer hear this feed, as of the head.
    pub barred: Vec<UserId>,
}

/// Releases each feed's frames to this node's listeners: every rev once, in order, without holes.
/// Never blocks the publisher. Clones share it.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

struct Shared {
    /// Held while steps are put in order and handed to the workers, so that all of them get the
    /// same order; nothing is awaited under it.
    state: Mutex<State>,
    /// Sessions that ended while their access tokens were still good, and when.
    ended: RwLock<HashMap<SessionId, Timestamp>>,
    gap: Notify,
    backlog: Vec<AtomicUsize>,
    room: Notify,
    people: People,
    clock: Clock,
}

impl Hub {
    /// A hub to which nobody listens.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            ended: RwLock::default(),
            gap: Notify::new(),
            backlog: (0..MAX_WORKERS).map(|_| AtomicUsize::new(0)).collect(),
            room: Notify::new(),
            people: People::new(clock.clone()),
            clock,
        }))
    }

    /// Begins to follow the system feed, from `head`, knowing which sessions have ended lately.
    pub fn follow_system(&self, head: i64, ended: impl IntoIterator<Item = SessionId>) {
        let now = self.0.clock.now();
        self.0.ended.write().extend(ended.into_iter().map(|session| (session, now)));
        let mut state = self.0.state.lock();
        state
            .feeds
            .entry(FeedId::SYSTEM)
            .or_insert_with(|| FeedState::open(Feed::System))
            .learn(head);
    }

    /// Takes what was committed, here or on another node: each step is released once all before it
    /// are; what came twice or late does no harm.
    pub fn publish(&self, events: Vec<Event>) {
        let mut steps = Steps::default();
        let mut state = self.0.state.lock();
        let mut gap = false;
        for event in events {
            gap |= self.offer(&mut state, event, &mut steps);
        }
        self.hand_out(&state, steps);
        drop(state);
        if gap {
            self.0.gap.notify_one();
        }
    }

    /// Waits until some feed has a hole, or its head is not known.
    pub async fn gap_noticed(&self) {
        self.0.gap.notified().await;
    }

    /// The feeds that have a hole, or whose head is not known.
    pub fn gaps(&self) -> Vec<GapRequest> {
        let state = self.0.state.lock();
        state.feeds.values().filter(|feed| feed.is_waiting()).map(FeedState::request).collect()
    }

    /// What has been released of each feed, the system feed too.
    pub fn released(&self) -> Vec<(FeedId, i64)> {
        let state = self.0.state.lock();
        state.feeds.iter().filter_map(|(id, feed)| Some((*id, feed.released()?))).collect()
    }

    /// Asks for those feeds whose heads are still beyond what has been released.
    pub fn behind(&self, heads: &[(FeedId, i64)]) -> Vec<GapRequest> {
        let state = self.0.state.lock();
        heads
            .iter()
            .filter_map(|(id, head)| {
                state.feeds.get(id).filter(|feed| feed.released() < Some(*head))
            })
            .map(FeedState::request)
            .collect()
    }

    /// Takes what the database says of a feed. Who may no longer hear it is cut off before
    /// anything is released: somebody removed at 10 who is one row at 20 must not hear 11 to 19.
    pub fn fill(&self, feed: Feed, fill: Fill) {
        let mut steps = Steps::default();
        let mut state = self.0.state.lock();
        let id = feed.id();
        // What was missing has come by itself, and more: whoever was barred then may have come back.
        let outrun = |open: &FeedState| open.released() > Some(fill.head);
        if state.feeds.get(&id).is_none_or(outrun) {
            return;
        }
        for user in fill.barred {
            state.cut(id, user, &mut steps);
        }
        if let Some(open) = state.feeds.get_mut(&id) {
            // Only the head was asked for, and somebody has learned another one since: what lies
            // between the two is unknown.
            let unknown = fill.events.is_empty() && open.released() < Some(fill.reached);
            if unknown || fill.limited {
                steps.stale(open, fill.reached);
            } else {
                for event in fill.events {
                    self.offer_filled(&mut state, event, &mut steps);
                }
            }
            self.settle(&mut state, id, fill.reached, &mut steps);
        }
        self.hand_out(&state, steps);
    }

    /// Takes heads that were read after the feeds were subscribed to: what comes later is new.
    /// Gives those feeds that are further, with where they are.
    pub(crate) fn learn(
        &self,
        heads: impl IntoIterator<Item = (FeedId, i64)>,
    ) -> Vec<(FeedId, i64)> {
        let mut steps = Steps::default();
        let mut further = Vec::new();
        let mut state = self.0.state.lock();
        for (id, head) in heads {
            let Some(feed) = state.feeds.get(&id) else { continue };
            match feed.released() {
                Some(released) if released > head => further.push((id, released)),
                Some(_) => {}
                None => {
                    if feed.is_unsure() {
                        steps.stale(feed, head);
                    }
                    self.settle(&mut state, id, head, &mut steps);
                }
            }
        }
        self.hand_out(&state, steps);
        further
    }

    /// Whether this session has ended, as far as this node knows: at once when it ended here, within
    /// one poll of the system feed when it ended elsewhere and the bus lost it.
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.0.ended.read().contains_key(&session)
    }

    /// Forgets sessions that ended before `before`: their access tokens are over.
    pub fn forget_ended(&self, before: Timestamp) {
        self.0.ended.write().retain(|_, at| *at >= before);
    }

    /// Waits while a worker has too much to hand out: what throttles the log to what the node can
    /// deliver.
    pub async fn room(&self) {
        loop {
            let room = self.0.room.notified();
            if self.has_room() {
                return;
            }
            room.await;
        }
    }

    /// Whether no worker has too much to hand out.
    pub(crate) fn has_room(&self) -> bool {
        let full = |backlog: &AtomicUsize| backlog.load(Ordering::Acquire) > MAX_BACKLOG;
        !self.0.backlog.iter().any(full)
    }

    /// Says to all workers that the node stops, and how long they may take to close their sockets.
    pub fn drain(&self, within: std::time::Duration) {
        let state = self.0.state.lock();
        let mut steps = Steps::default();
        steps.push(u64::MAX, Delivery::Drain(within));
        self.hand_out(&state, steps);
    }

    /// Whether any socket is connected to this node.
    pub fn has_listeners(&self) -> bool {
        self.0.state.lock().feeds.values().any(FeedState::has_listeners)
    }

    pub(crate) fn add_worker(&self) -> (WorkerId, UnboundedReceiver<Arc<Vec<Step>>>) {
        let (sender, receiver) = unbounded_channel();
        let mut state = self.0.state.lock();
        let free = state.workers.iter().position(Option::is_none);
        let id = free.unwrap_or(state.workers.len());
        assert!(id < MAX_WORKERS, "at most {MAX_WORKERS} workers");
        if free.is_none() {
            state.workers.push(None);
        }
        state.workers[id] = Some(sender);
        (id, receiver)
    }

    pub(crate) fn remove_worker(&self, worker: WorkerId) {
        let mut state = self.0.state.lock();
        state.workers[worker] = None;
        state.feeds.retain(|id, feed| {
            feed.remove_worker(worker);
            *id == FeedId::SYSTEM || feed.has_listeners()
        });
        self.0.backlog[worker].store(0, Ordering::Release);
        self.0.room.notify_waiters();
    }

    pub(crate) fn took(&self, worker: WorkerId) {
        if self.0.backlog[worker].fetch_sub(1, Ordering::AcqRel) == MAX_BACKLOG + 1 {
            self.0.room.notify_waiters();
        }
    }

    /// Adds a listener. Whether it is known where the feed is: if so, the listener hears all that
    /// comes after this.
    pub(crate) fn subscribe(&self, feed: Feed, user: UserId, worker: WorkerId) -> bool {
        let mut state = self.0.state.lock();
        let open = state.feeds.entry(feed.id()).or_insert_with(|| FeedState::open(feed));
        open.add(user, worker);
        open.released().is_some()
    }

    /// Whether the hub counts this person among a worker's listeners of a feed.
    pub(crate) fn is_subscribed(&self, feed: FeedId, user: UserId, worker: WorkerId) -> bool {
        let state = self.0.state.lock();
        state.feeds.get(&feed).is_some_and(|open| open.workers_with(user) & (1 << worker) != 0)
    }

    pub(crate) fn unsubscribe(&self, feed: FeedId, user: UserId, worker: WorkerId) {
        let mut state = self.0.state.lock();
        if let Some(open) = state.feeds.get_mut(&feed) {
            open.remove(user, worker);
            if !open.has_listeners() {
                state.feeds.remove(&feed);
            }
        }
    }

    /// Releases a step, or keeps it until those before it have come. True when it waits.
    fn offer(&self, state: &mut State, event: Event, steps: &mut Steps) -> bool {
        let id = event.feed.id();
        if let Some(Effect::Admit(user)) = event.effect {
            state.open_for(event.feed, event.prev, user);
        }
        let Some(feed) = state.feeds.get_mut(&id) else { return false };
        match feed.judge(&event) {
            Verdict::Old => false,
            Verdict::Early => {
                feed.keep(event);
                feed.released().is_some()
            }
            Verdict::Next => {
                self.release(state, event, steps);
                self.release_kept(state, id, steps);
                false
            }
        }
    }

    /// Releases a step that the database gave: its `prev` may lie before what has been released.
    fn offer_filled(&self, state: &mut State, event: Event, steps: &mut Steps) {
        let released = state.feeds.get(&event.feed.id()).and_then(FeedState::released);
        if released.is_some_and(|released| event.rev > released) {
            self.release(state, event, steps);
        }
    }

    /// What is known of a feed now reaches `head`: what waited beyond it may follow.
    fn settle(&self, state: &mut State, id: FeedId, head: i64, steps: &mut Steps) {
        if let Some(feed) = state.feeds.get_mut(&id) {
            feed.learn(head);
        }
        self.release_kept(state, id, steps);
    }

    fn release_kept(&self, state: &mut State, id: FeedId, steps: &mut Steps) {
        while let Some(event) = state.feeds.get_mut(&id).and_then(FeedState::next_kept) {
            self.release(state, event, steps);
        }
    }

    fn release(&self, state: &mut State, event: Event, steps: &mut Steps) {
        let id = event.feed.id();
        if let Some(feed) = state.feeds.get_mut(&id) {
            feed.learn(event.rev);
        }
        match event.effect {
            Some(Effect::Admit(user)) => state.admit(id, event.feed, user, steps),
            Some(Effect::Cut(user)) => state.cut(id, user, steps),
            Some(Effect::End { session, user }) => {
                self.0.ended.write().insert(session, self.0.clock.now());
                steps.push(state.workers_of(user), Delivery::EndSession { session, user });
                return;
            }
            Some(Effect::Belongs { channel, joined }) => {
                if let Feed::Me(user) = event.feed {
                    state.belongs(Feed::Channel(channel), user, joined, steps);
                }
            }
            Some(Effect::Close) => {
                state.close(id, event.frame, steps);
                return;
            }
            Some(Effect::Status(own)) => {
                if let Feed::Me(user) = event.feed {
                    self.0.people.know(user, event.rev, *own);
                }
            }
            None => {}
        }
        if let Some(feed) = state.feeds.get_mut(&id) {
            steps.frame(feed, event.frame, event.rev);
            looking::show_kept(feed, steps);
        }
    }

    fn hand_out(&self, state: &State, steps: Steps) {
        let steps = steps.finish();
        if steps.is_empty() {
            return;
        }
        let to = steps.iter().fold(0, |all, step| all | step.to);
        let steps = Arc::new(steps);
        for (id, worker) in state.workers.iter().enumerate() {
            if to & (1 << id) == 0 {
                continue;
            }
            let Some(worker) = worker else { continue };
            // Counted first: the worker may take it before this thread goes on.
            self.0.backlog[id].fetch_add(1, Ordering::AcqRel);
            if worker.send(Arc::clone(&steps)).is_err() {
                self.took(id);
            }
        }
    }
}
