//! What those who look at a channel are shown, beside its feed.

use bytes::Bytes;
use tertulia_domain::{ChannelId, Feed, FeedId, OwnStatus, Presence, UserId};

use super::feed::FeedState;
use super::{Delivery, Hub, Steps, WorkerId};
use crate::people::{Person, Round};
use crate::signal::{Audience, Glimpse, PresenceFrame, Signal};

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
            if let Signal::Present { node, whole, people } = signal {
                self.0.people.hear(*node, *whole, people);
            }
        }
        self.show(signals.iter().filter_map(Glimpse::of));
    }

    /// Looks at all who are connected here: who has come, gone or fallen silent.
    pub fn look_round(&self) -> Round {
        self.0.people.round()
    }

    /// The channels that somebody here looks at.
    pub fn looked_at(&self) -> Vec<ChannelId> {
        let state = self.0.state.lock();
        let looked_at = state.feeds.values().filter(|feed| feed.lookers() != 0);
        looked_at.filter_map(|feed| channel_of(feed.feed())).collect()
    }

    /// Takes who is otherwise than those who look have been told.
    pub fn take_changed(&self) -> std::collections::HashMap<UserId, Presence> {
        self.0.people.take_changed()
    }

    /// Tells those who look at these channels how the people in them are now.
    pub fn tell(
        &self,
        sightings: Vec<Sighting>,
        changed: &std::collections::HashMap<UserId, Presence>,
    ) {
        self.show(sightings.into_iter().flat_map(|Sighting { channel, head, users }| {
            let frames = users.chunks(MAX_PRESENT).map(|some| {
                let known = |user: &UserId| Some((*user, changed.get(user)?.clone()));
                PresenceFrame::encode(channel, false, some.iter().filter_map(known))
            });
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
