//! Who is connected to this node, and how people are, here and on other nodes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tertulia_domain::{Clock, OwnStatus, Presence, Shown, Timestamp, UserId};

use crate::signal::{NodeId, Signal};

/// Who has gone, or wants not to be seen, is shown as gone after this time: most come back at once.
const LINGER: time::Duration = time::Duration::seconds(10);

/// Who has done nothing for so long is away.
const AWAY_AFTER: time::Duration = time::Duration::minutes(10);

/// A node that has said nothing for so long is gone, and all who were connected to it.
const NODE_LOST: time::Duration = time::Duration::seconds(30);

/// More people than this who change their profiles at once are told of by nobody: it is but a hint.
const MAX_RENAMED: usize = 10_000;

/// Every so many ticks a node says all that it knows, for those that missed some of it.
const WHOLE_EVERY: u32 = 10;

/// So many are told of in one signal: what a node says stays small, however many are connected to it.
const MAX_TOLD: usize = 500;

/// Who is connected, and how people are. Locked for a lookup, or once a second for a pass over all
/// who are connected here.
pub(crate) struct People {
    node: NodeId,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Who is connected here, or was until just now.
    here: HashMap<UserId, Here>,
    /// What each node has said, this one too.
    nodes: HashMap<NodeId, Node>,
    /// Who is not offline, as the best of what the nodes say.
    shown: HashMap<UserId, Presence>,
    /// Who is otherwise than those who look have been told.
    changed: HashMap<UserId, Presence>,
    /// Whose profiles have changed since those who look were last told; no more than [`MAX_RENAMED`].
    renamed: HashSet<UserId>,
    ticks: u32,
    /// Whether all is to be said at the next pass.
    introduce: bool,
}

struct Here {
    person: Arc<Person>,
    /// How they want to be seen, and the rev of their own feed that says so; nothing is said of them
    /// before it is known.
    own: Option<(i64, OwnStatus)>,
    /// What was last said of them.
    said: Presence,
    /// Since when they are gone, or not to be seen, while others still see them.
    going: Option<Timestamp>,
}

struct Node {
    heard: Timestamp,
    people: HashMap<UserId, Presence>,
}

/// Somebody who is connected here: what their sockets ask without a lock.
pub(crate) struct Person {
    sockets: AtomicUsize,
    /// When they last did something, in milliseconds since 1970.
    acted: AtomicI64,
    receipts: AtomicBool,
}

impl Person {
    /// They have done something.
    pub(crate) fn act(&self, now: Timestamp) {
        self.acted.store(now.unix_millis(), Ordering::Relaxed);
    }

    /// Whether they show how far they have read, and see how far others have.
    pub(crate) fn receipts(&self) -> bool {
        self.receipts.load(Ordering::Relaxed)
    }

    pub(crate) fn leave(&self) {
        self.sockets.fetch_sub(1, Ordering::AcqRel);
    }

    fn is_here(&self) -> bool {
        self.sockets.load(Ordering::Acquire) > 0
    }

    fn shown(&self, now: Timestamp) -> Shown {
        let acted = Timestamp::from_unix_millis(self.acted.load(Ordering::Relaxed));
        match self.is_here() {
            false => Shown::Offline,
            true if now.since(acted) >= AWAY_AFTER => Shown::Away,
            true => Shown::Online,
        }
    }
}

/// What a pass over those who are connected here has found.
#[derive(Debug, Default)]
pub struct Round {
    /// To be told to all nodes.
    pub signals: Vec<Signal>,
    /// Who has gone, and when they were last there.
    pub gone: Vec<(UserId, Timestamp)>,
}

impl People {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { node: NodeId::random(), clock, state: Mutex::default() }
    }

    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    /// Says all that it knows at the next pass: there is somebody who may know nothing of it.
    pub(crate) fn introduce(&self) {
        self.state.lock().introduce = true;
    }

    /// Somebody connects.
    pub(crate) fn enter(&self, user: UserId) -> Arc<Person> {
        let mut state = self.state.lock();
        let here = state.here.entry(user).or_insert_with(|| Here {
            person: Arc::new(Person {
                sockets: AtomicUsize::new(0),
                acted: AtomicI64::new(0),
                receipts: AtomicBool::new(false),
            }),
            own: None,
            said: Presence::default(),
            going: None,
        });
        here.person.sockets.fetch_add(1, Ordering::AcqRel);
        here.person.act(self.clock.now());
        Arc::clone(&here.person)
    }

    /// How somebody wants to be seen, as of a rev of their own feed.
    pub(crate) fn know(&self, user: UserId, rev: i64, own: OwnStatus) {
        let mut state = self.state.lock();
        let Some(here) = state.here.get_mut(&user) else { return };
        if here.own.as_ref().is_none_or(|(known, _)| *known <= rev) {
            here.person.receipts.store(own.receipts, Ordering::Relaxed);
            here.own = Some((rev, own));
        }
    }

    /// Whether somebody who is connected here wants to look as if they were not.
    pub(crate) fn is_invisible(&self, user: UserId) -> bool {
        let now = self.clock.now();
        let state = self.state.lock();
        let own = state.here.get(&user).and_then(|here| here.own.as_ref());
        own.is_none_or(|(_, own)| own.is_invisible(now))
    }

    /// One pass over those who are connected here.
    pub(crate) fn round(&self) -> Round {
        let now = self.clock.now();
        let mut round = Round::default();
        let mut news = Vec::new();
        let mut state = self.state.lock();
        state.ticks += 1;
        state.here.retain(|user, here| here.pass(*user, now, &mut news, &mut round.gone));
        for some in news.chunks(MAX_TOLD) {
            let (node, people) = (self.node, some.to_vec());
            round.signals.push(Signal::Present { node, among: None, people });
        }
        if std::mem::take(&mut state.introduce) || state.ticks % WHOLE_EVERY == 1 {
            state.say_all(self.node, &mut round.signals);
        }
        let lost = |node: &Node| now.since(node.heard) >= NODE_LOST;
        let lost: Vec<NodeId> =
            state.nodes.iter().filter(|(_, node)| lost(node)).map(|(id, _)| *id).collect();
        for id in lost.into_iter().filter(|id| *id != self.node) {
            let people = state.nodes.remove(&id).map(|node| node.people).unwrap_or_default();
            for user in people.into_keys() {
                state.merge(user, None);
            }
        }
        round
    }

    /// Takes what a node says of who is connected to it.
    pub(crate) fn hear(
        &self,
        node: NodeId,
        among: Option<(UserId, Option<UserId>)>,
        people: &[(UserId, Presence)],
    ) {
        let heard = self.clock.now();
        let mut state = self.state.lock();
        let known =
            state.nodes.entry(node).or_insert_with(|| Node { heard, people: HashMap::new() });
        known.heard = heard;
        let missing: Vec<UserId> = if let Some((from, until)) = among {
            let named: HashSet<UserId> = people.iter().map(|(user, _)| *user).collect();
            let meant = |user: &UserId| *user >= from && until.is_none_or(|until| *user < until);
            let missing = |user: &&UserId| meant(user) && !named.contains(*user);
            known.people.keys().filter(missing).copied().collect()
        } else {
            Vec::new()
        };
        for user in &missing {
            known.people.remove(user);
        }
        for (user, presence) in people {
            if presence.status == Shown::Offline {
                known.people.remove(user);
            } else {
                known.people.insert(*user, presence.clone());
            }
        }
        for user in missing {
            state.merge(user, None);
        }
        for (user, presence) in people {
            state.merge(*user, Some(presence));
        }
    }

    /// Takes who is otherwise than those who look have been told.
    pub(crate) fn take_changed(&self) -> HashMap<UserId, Presence> {
        std::mem::take(&mut self.state.lock().changed)
    }

    /// Somebody's profile is another one.
    pub(crate) fn note_renamed(&self, user: UserId) {
        let mut state = self.state.lock();
        if state.renamed.len() < MAX_RENAMED {
            state.renamed.insert(user);
        }
    }

    /// Takes whose profiles have changed.
    pub(crate) fn take_renamed(&self) -> HashSet<UserId> {
        std::mem::take(&mut self.state.lock().renamed)
    }

    /// Who is not offline.
    pub(crate) fn online(&self) -> Vec<UserId> {
        self.state.lock().shown.keys().copied().collect()
    }

    /// How somebody is; `None` of whoever is offline.
    pub(crate) fn shown(&self, user: UserId) -> Option<Presence> {
        self.state.lock().shown.get(&user).cloned()
    }

    /// How those of `users` are who are not offline.
    pub(crate) fn shown_of(&self, users: &[UserId]) -> Vec<(UserId, Presence)> {
        let state = self.state.lock();
        let shown = |user: &UserId| Some((*user, state.shown.get(user)?.clone()));
        users.iter().filter_map(shown).collect()
    }
}

impl Here {
    /// Notes what has become of somebody. False when nobody need know of them any more.
    fn pass(
        &mut self,
        user: UserId,
        now: Timestamp,
        news: &mut Vec<(UserId, Presence)>,
        gone: &mut Vec<(UserId, Timestamp)>,
    ) -> bool {
        let Some((_, own)) = &self.own else { return self.person.is_here() };
        let mut next = Presence::new(own, self.person.shown(now), self.going, now);
        if next.status != Shown::Offline || self.said.status == Shown::Offline {
            self.going = None;
        } else {
            let since = *self.going.get_or_insert(now);
            if now.since(since) < LINGER {
                next = Presence { status: self.said.status, last_seen_at: None, ..next };
            } else {
                gone.extend(own.last_seen.then_some((user, since)));
                self.going = None;
            }
        }
        if next != self.said {
            self.said = next.clone();
            news.push((user, next));
        }
        self.person.is_here() || self.said.status != Shown::Offline
    }
}

impl State {
    /// All who are there, in parts that each say of which ids they are all.
    fn say_all(&self, node: NodeId, signals: &mut Vec<Signal>) {
        let there = |here: &Here| here.said.status != Shown::Offline;
        let people = self.here.iter().filter(|(_, here)| there(here));
        let mut people: Vec<_> = people.map(|(user, here)| (*user, here.said.clone())).collect();
        people.sort_unstable_by_key(|(user, _)| *user);
        let mut from = uuid::Uuid::nil().into();
        let mut parts = people.chunks(MAX_TOLD).peekable();
        loop {
            let people = parts.next().unwrap_or_default().to_vec();
            let until = parts.peek().and_then(|next| next.first()).map(|(user, _)| *user);
            signals.push(Signal::Present { node, among: Some((from, until)), people });
            let Some(next) = until else { return };
            from = next;
        }
    }

    /// Notes how somebody is now, of whom a node has said something: the best of what all say.
    fn merge(&mut self, user: UserId, said: Option<&Presence>) {
        let rank = |presence: &&Presence| match presence.status {
            Shown::Offline => 0,
            Shown::Away => 1,
            Shown::Online => 2,
            Shown::Dnd => 3,
        };
        let best = self.nodes.values().filter_map(|node| node.people.get(&user)).max_by_key(rank);
        let now = match best {
            Some(presence) => presence.clone(),
            None => said.cloned().unwrap_or_default(),
        };
        let before = self.shown.get(&user);
        if before == Some(&now) || (before.is_none() && now.status == Shown::Offline) {
            return;
        }
        if now.status == Shown::Offline {
            self.shown.remove(&user);
        } else {
            self.shown.insert(user, now.clone());
        }
        self.changed.insert(user, now);
    }
}

#[cfg(test)]
mod tests;
