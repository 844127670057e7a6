//! What those who look at a channel are shown, beside its feed.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use tertulia_domain::{ChannelId, Feed, FeedId, OwnStatus, Presence, UserId};

use super::feed::FeedState;
use super::{Delivery, Hub, Steps, WorkerId};
use crate::people::{Person, Round};
use crate::signal::{Audience, Glimpse, NodeId, PresenceFrame, ProfileFrame, Signal};

/// With more people listening to a channel here, who has read how far is not told as it happens:
/// everybody would hear of everybody, for each message.
const MAX_RECEIPTS: usize = 100;

/// People in one frame of presence.
const MAX_PRESENT: usize = 1000;

/// People in a channel, and its head at which they were.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// Which channel.
    pub channel: ChannelId,
    /// Its head in the same snapshot.
    pub head: i64,
    /// Who of those asked about is in it.
    pub users: Vec<UserId>,
}

impl Hub {
    /// Takes what is true for a moment, here or on another node.
    pub fn signal(&self, signals: &[Signal]) {
        for signal in signals {
            match signal {
                Signal::Present { node, among, people } => {
                    self.0.people.hear(*node, *among, people);
                }
                Signal::Profile { user } => self.0.people.note_renamed(*user),
                Signal::Typing { .. } | Signal::Read { .. } | Signal::Delivered { .. } => {}
            }
        }
        self.show(signals.iter().filter_map(Glimpse::of));
    }

    /// Looks at all who are connected here: who has come, gone or fallen silent.
    pub fn look_round(&self) -> Round {
        self.0.people.round()
    }

    /// By which name this node is known to others.
    pub(crate) fn node(&self) -> NodeId {
        self.0.people.node()
    }

    /// Says at the next round who is connected here, all of it: somebody may know nothing.
    pub(crate) fn introduce(&self) {
        self.0.people.introduce();
    }

    /// The channels that somebody here looks at.
    pub fn looked_at(&self) -> Vec<ChannelId> {
        let state = self.0.state.lock();
        let looked_at = state.feeds.values().filter(|feed| feed.lookers() != 0);
        looked_at.filter_map(|feed| channel_of(feed.feed())).collect()
    }

    /// Takes who is otherwise than those who look have been told.
    pub fn take_changed(&self) -> HashMap<UserId, Presence> {
        self.0.people.take_changed()
    }

    /// Takes whose profiles have changed since the last time.
    pub fn take_renamed(&self) -> HashSet<UserId> {
        self.0.people.take_renamed()
    }

    /// Tells those who look at these channels how the people in them are now, and who of them has
    /// another profile.
    pub fn tell(
        &self,
        sightings: Vec<Sighting>,
        changed: &HashMap<UserId, Presence>,
        renamed: &HashSet<UserId>,
    ) {
        self.show(sightings.into_iter().flat_map(|Sighting { channel, head, users }| {
            let known = |user: &UserId| Some((*user, changed.get(user)?.clone()));
            let known: Vec<_> = users.iter().filter_map(known).collect();
            let frames = known
                .chunks(MAX_PRESENT)
                .map(|some| PresenceFrame::encode(channel, false, some.iter().cloned()));
            let renamed = users.iter().filter(|user| renamed.contains(*user));
            let frames = frames.chain(renamed.map(|user| ProfileFrame::encode(channel, *user)));
            let audience = Audience::Members;
            let glimpse = |frame| Glimpse { channel, head, audience, frame };
            frames.map(glimpse).collect::<Vec<_>>()
        }));
    }

    /// Who is not offline, here or on another node.
    pub fn online(&self) -> Vec<UserId> {
        self.0.people.online()
    }

    /// How somebody is; `None` of whoever is offline.
    pub fn presence(&self, user: UserId) -> Option<Presence> {
        self.0.people.shown(user)
    }

    /// How the people in a channel are, of whom these may be there, as one frame.
    pub fn presence_frame(&self, channel: ChannelId, users: &[UserId]) -> Bytes {
        let mut shown = self.0.people.shown_of(users);
        let complete = shown.len() <= MAX_PRESENT;
        shown.truncate(MAX_PRESENT);
        PresenceFrame::encode(channel, complete, shown)
    }

    /// Whether all that happened in a channel up to `head` has been released here.
    pub fn has_released(&self, channel: ChannelId, head: i64) -> bool {
        let state = self.0.state.lock();
        let feed = state.feeds.get(&Feed::Channel(channel).id());
        feed.is_some_and(|feed| feed.released() >= Some(head))
    }

    /// How somebody who is connected here wants to be seen, as of a rev of their own feed.
    pub fn know(&self, user: UserId, rev: i64, own: OwnStatus) {
        self.0.people.know(user, rev, own);
    }

    /// Whether somebody who is connected here wants to look as if they were not.
    pub fn is_invisible(&self, user: UserId) -> bool {
        self.0.people.is_invisible(user)
    }

    pub(crate) fn enter(&self, user: UserId) -> std::sync::Arc<Person> {
        self.0.people.enter(user)
    }

    /// Whether a worker has sockets that look at a feed.
    pub(crate) fn look(&self, feed: FeedId, worker: WorkerId, looks: bool) {
        if let Some(feed) = self.0.state.lock().feeds.get_mut(&feed) {
            feed.look(worker, looks);
        }
    }

    fn show(&self, glimpses: impl IntoIterator<Item = Glimpse>) {
        let mut glimpses = glimpses.into_iter().peekable();
        if glimpses.peek().is_none() {
            return;
        }
        let mut steps = Steps::default();
        let mut state = self.0.state.lock();
        for glimpse in glimpses {
            let Some(feed) = state.feeds.get_mut(&Feed::Channel(glimpse.channel).id()) else {
                continue;
            };
            if feed.lookers() == 0
                || (glimpse.audience == Audience::Readers && feed.audience() > MAX_RECEIPTS)
            {
                continue;
            }
            // Somebody may have been sent out by what is still on its way.
            feed.keep_glimpse(glimpse);
            show_kept(feed, &mut steps);
        }
        self.hand_out(&state, steps);
    }
}

/// Shows what may be shown now that the feed is as far as it is.
pub(super) fn show_kept(feed: &mut FeedState, steps: &mut Steps) {
    while let Some(Glimpse { audience, frame, .. }) = feed.next_glimpse() {
        let id = feed.feed().id();
        steps.push(feed.lookers(), Delivery::Glimpse { feed: id, frame, audience });
    }
}

fn channel_of(feed: Feed) -> Option<ChannelId> {
    match feed {
        Feed::Channel(channel) => Some(channel),
        Feed::Me(_) | Feed::System => None,
    }
}
