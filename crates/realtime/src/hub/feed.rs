//! One feed that somebody on this node listens to.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use tertulia_domain::{Feed, UserId};

use super::{GapRequest, WorkerId};
use crate::Event;
use crate::signal::Glimpse;

/// Steps that wait for one that is missing; beyond it they are dropped, and read with the gap.
const MAX_KEPT: usize = 1024;

/// What is shown to those who look, and waits for steps that are still on their way.
const MAX_GLIMPSES: usize = 32;

/// Who opens a feed reads its head next, which takes milliseconds; later it is asked for.
const OPENING: Duration = Duration::from_secs(1);

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has been released before.
    Old,
    /// It is the next one.
    Next,
    /// Something before it is missing, or nothing is known of the feed yet.
    Early,
}

/// The last rev released, what waits beyond a hole, and who listens on which worker.
#[derive(Debug)]
pub(super) struct FeedState {
    feed: Feed,
    released: Option<i64>,
    kept: BTreeMap<i64, Event>,
    listeners: Vec<(UserId, WorkerId)>,
    opened: Instant,
    /// Whether somebody was let in while nothing was known of the feed: they cannot know what they
    /// miss, and nobody is about to say where it stands.
    unsure: bool,
    /// The workers with sockets that look at it, as a set.
    lookers: u64,
    /// What may be shown to them once more of the feed is released; the oldest goes first.
    glimpses: VecDeque<Glimpse>,
}

impl FeedState {
    /// A feed of which nothing is known yet.
    pub(super) fn open(feed: Feed) -> Self {
        Self {
            feed,
            released: None,
            kept: BTreeMap::new(),
            listeners: Vec::new(),
            opened: Instant::now(),
            unsure: false,
            lookers: 0,
            glimpses: VecDeque::new(),
        }
    }

    pub(super) fn lookers(&self) -> u64 {
        self.lookers
    }

    pub(super) fn look(&mut self, worker: WorkerId, looks: bool) {
        if looks {
            self.lookers |= 1 << worker;
        } else {
            self.lookers &= !(1 << worker);
        }
    }

    /// Keeps what may not be shown yet. It may be lost: a few are enough.
    pub(super) fn keep_glimpse(&mut self, glimpse: Glimpse) {
        if self.glimpses.len() >= MAX_GLIMPSES {
            self.glimpses.pop_front();
        }
        self.glimpses.push_back(glimpse);
    }

    /// The next of what was kept, if it may be shown by now.
    pub(super) fn next_glimpse(&mut self) -> Option<Glimpse> {
        let due = self.glimpses.iter().position(|it| Some(it.head) <= self.released)?;
        self.glimpses.remove(due)
    }

    /// How many people listen here.
    pub(super) fn audience(&self) -> usize {
        self.listeners.len()
    }

    pub(super) fn feed(&self) -> Feed {
        self.feed
    }

    pub(super) fn released(&self) -> Option<i64> {
        self.released
    }

    /// Somebody is let in who does not know where the feed stands.
    pub(super) fn doubt(&mut self) {
        self.unsure = self.released.is_none();
    }

    pub(super) fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// All up to `rev` is released, or was never for this node to release.
    pub(super) fn learn(&mut self, rev: i64) {
        let released = self.released.map_or(rev, |released| released.max(rev));
        self.released = Some(released);
        self.unsure = false;
        self.kept = self.kept.split_off(&(released + 1));
    }

    pub(super) fn judge(&self, event: &Event) -> Verdict {
        match self.released {
            Some(released) if event.rev <= released => Verdict::Old,
            Some(released) if event.prev <= released => Verdict::Next,
            _ => Verdict::Early,
        }
    }

    pub(super) fn keep(&mut self, event: Event) {
        if self.kept.len() < MAX_KEPT {
            self.kept.insert(event.rev, event);
        }
    }

    /// The kept step that may be released now, if there is one.
    pub(super) fn next_kept(&mut self) -> Option<Event> {
        let first = self.kept.first_entry()?;
        if Some(first.get().prev) <= self.released { Some(first.remove()) } else { None }
    }

    /// Whether the database must be asked: a step is missing, or whoever opened the feed has not
    /// said where it stands.
    pub(super) fn is_waiting(&self) -> bool {
        match self.released {
            Some(_) => !self.kept.is_empty(),
            None => self.unsure || self.opened.elapsed() > OPENING,
        }
    }

    pub(super) fn request(&self) -> GapRequest {
        let mut listeners: Vec<UserId> = self.listeners.iter().map(|(user, _)| *user).collect();
        listeners.sort_unstable();
        listeners.dedup();
        GapRequest { feed: self.feed, since: self.released, listeners }
    }

    pub(super) fn add(&mut self, user: UserId, worker: WorkerId) {
        if !self.listeners.contains(&(user, worker)) {
            self.listeners.push((user, worker));
        }
    }

    pub(super) fn add_all(&mut self, user: UserId, workers: u64) {
        for worker in (0..super::MAX_WORKERS).filter(|worker| workers & (1 << worker) != 0) {
            self.add(user, worker);
        }
    }

    pub(super) fn remove(&mut self, user: UserId, worker: WorkerId) {
        if let Some(at) = self.listeners.iter().position(|listener| *listener == (user, worker)) {
            self.listeners.swap_remove(at);
        }
    }

    /// Removes a person everywhere, and says where they were.
    pub(super) fn remove_user(&mut self, user: UserId) -> u64 {
        let workers = self.workers_with(user);
        self.listeners.retain(|(listener, _)| *listener != user);
        workers
    }

    pub(super) fn remove_worker(&mut self, worker: WorkerId) {
        self.listeners.retain(|(_, listener)| *listener != worker);
        self.look(worker, false);
    }

    pub(super) fn has_listeners(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// The workers with listeners, as a set.
    pub(super) fn workers(&self) -> u64 {
        self.listeners.iter().fold(0, |all, (_, worker)| all | 1 << worker)
    }

    /// The workers on which this person listens, as a set.
    pub(super) fn workers_with(&self, user: UserId) -> u64 {
        let of_user = self.listeners.iter().filter(|(listener, _)| *listener == user);
        of_user.fold(0, |all, (_, worker)| all | 1 << worker)
    }
}
