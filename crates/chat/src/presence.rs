//! How people are: what they say of it, what others see, and the task that tells them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use tertulia_domain::{
    Change, ChannelId, KnownStatus, Outcome, OwnStatus, Presence, Shown, Status, StatusChange,
    UserId,
};
use tertulia_realtime::{Bus, Hub, Sighting, Signal};
use tertulia_store::Store;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::typing::Typists;
use crate::{Caller, Chat, Error};

/// What is told once in a while of what is true for a moment. Clones share it.
#[derive(Clone)]
pub(crate) struct Moments(Arc<Inner>);

struct Inner {
    hub: Hub,
    bus: Bus,
    store: Store,
    typists: Typists,
    /// How the people of a channel are, as a frame for all who begin to look at it before the next
    /// round; held for a lookup.
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    round: u64,
    frames: HashMap<ChannelId, (i64, Bytes)>,
}

impl Moments {
    pub(crate) fn new(hub: Hub, bus: Bus, store: Store) -> Self {
        let (typists, seen) = (Typists::default(), Mutex::default());
        Self(Arc::new(Inner { hub, bus, store, typists, seen }))
    }

    pub(crate) fn typists(&self) -> &Typists {
        &self.0.typists
    }

    /// Runs until `stop`, a round at a time.
    pub(crate) async fn run(self, every: Duration, mut stop: watch::Receiver<bool>) {
        let mut rounds = tokio::time::interval(every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                _ = rounds.tick() => self.round().await,
            }
        }
    }

    async fn round(&self) {
        let Inner { hub, bus, store, typists, .. } = &*self.0;
        bus.signal(&typists.take_expired());
        let round = hub.look_round();
        bus.signal(&round.signals);
        if !round.gone.is_empty()
            && let Err(error) = store.note_seen(round.gone).await
        {
            tracing::warn!(%error, "when people were last there could not be noted");
        }
        {
            let mut seen = self.0.seen.lock();
            seen.round += 1;
            seen.frames.clear();
        }
        let (changed, renamed) = (hub.take_changed(), hub.take_renamed());
        let looked_at = hub.looked_at();
        let mut people = renamed.clone();
        people.extend(changed.keys());
        if people.is_empty() || looked_at.is_empty() {
            return;
        }
        // Whoever learns nothing of it now will when it changes again, or when they look again.
        match store.present(people.into_iter().collect(), looked_at).await {
            Ok(present) => hub.tell(sightings(present), &changed, &renamed),
            Err(error) => tracing::warn!(%error, "who sees whom could not be read"),
        }
    }

    /// How the people of a channel are, and its head when that was read.
    async fn look(&self, channel: ChannelId) -> Result<(i64, Bytes), Error> {
        let begun = {
            let seen = self.0.seen.lock();
            if let Some(frame) = seen.frames.get(&channel) {
                return Ok(frame.clone());
            }
            seen.round
        };
        let online = self.0.hub.online();
        let present = self.0.store.present(online, vec![channel]).await?;
        let found = sightings(present).pop();
        let (head, users) = found.map_or((0, Vec::new()), |it| (it.head, it.users));
        // As they are now: whoever looks has been told nothing newer yet.
        let frame = (head, self.0.hub.presence_frame(channel, &users));
        let mut seen = self.0.seen.lock();
        if seen.round == begun {
            seen.frames.insert(channel, frame.clone());
        }
        Ok(frame)
    }
}

fn sightings(present: Vec<(ChannelId, i64, UserId)>) -> Vec<Sighting> {
    let mut sightings: HashMap<ChannelId, Sighting> = HashMap::new();
    for (channel, head, user) in present {
        let empty = || Sighting { channel, head, users: Vec::new() };
        sightings.entry(channel).or_insert_with(empty).users.push(user);
    }
    sightings.into_values().collect()
}

/// A person with how they are, for those who share a channel with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PersonView {
    /// The person.
    #[serde(flatten)]
    pub profile: tertulia_domain::Profile,
    /// How they are; null for who shares no channel with them.
    pub presence: Option<Presence>,
}

/// Oneself, with how one wants to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OwnView {
    /// One's account.
    #[serde(flatten)]
    pub account: tertulia_domain::Account,
    /// How one wants to be seen.
    #[serde(flatten)]
    pub own: OwnStatus,
}

impl Chat {
    /// Oneself.
    pub async fn oneself(&self, caller: &Caller) -> Result<OwnView, Error> {
        Ok(OwnView { account: self.account(caller).await?, own: self.status(caller).await? })
    }

    /// Somebody, by id, with how they are if one shares a channel with them.
    pub async fn person(&self, caller: &Caller, user: UserId) -> Result<PersonView, Error> {
        let profile = self.profile(caller, user).await?;
        Ok(PersonView { profile, presence: self.presence_of(caller, user).await? })
    }

    /// The same by username in any case.
    pub async fn person_by_username(
        &self,
        caller: &Caller,
        username: &str,
    ) -> Result<PersonView, Error> {
        let profile = self.profile_by_username(caller, username).await?;
        let presence = self.presence_of(caller, profile.id).await?;
        Ok(PersonView { profile, presence })
    }

    /// How one wants to be seen.
    pub async fn status(&self, caller: &Caller) -> Result<OwnStatus, Error> {
        Ok(self.0.store.status(caller.user).await?.own.at(self.now()))
    }

    /// Changes how one wants to be seen.
    pub async fn set_status(&self, caller: &Caller, status: Status) -> Result<OwnStatus, Error> {
        if status.expires_at.is_some_and(|over| over <= self.now()) {
            return Err(Error::field("expires_at", "past", "a time to come"));
        }
        self.change_status(caller, Some(status), None, None).await
    }

    /// Changes what others see of how far one reads, and of when one was there.
    pub async fn show(
        &self,
        caller: &Caller,
        receipts: Option<bool>,
        last_seen: Option<bool>,
    ) -> Result<OwnStatus, Error> {
        if receipts.is_none() && last_seen.is_none() {
            return self.status(caller).await;
        }
        self.change_status(caller, None, receipts, last_seen).await
    }

    /// Tells those who look at a channel with somebody in it that their profile is another one.
    pub(crate) fn tell_profile(&self, user: UserId) {
        self.0.bus.signal(&[Signal::Profile { user }]);
    }

    async fn change_status(
        &self,
        caller: &Caller,
        status: Option<Status>,
        receipts: Option<bool>,
        last_seen: Option<bool>,
    ) -> Result<OwnStatus, Error> {
        let change = StatusChange { user: caller.user, status, receipts, last_seen };
        match self.0.log.commit(Change::SetStatus(Box::new(change)), caller).await? {
            Outcome::Status(own) => Ok(own),
            _ => Err(Error::internal("a status led to something else")),
        }
    }

    /// How somebody is, for who shares a channel with them.
    pub(crate) async fn presence_of(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<Option<Presence>, Error> {
        let Some(known) = self.0.store.status_for(caller.user, user).await? else {
            return Ok(None);
        };
        let there = self.0.hub.presence(user);
        let KnownStatus { own, seen_at, .. } = known;
        // Who has just gone, or hidden, is shown as before for a while: as those see it who look.
        let shown = there.map_or(Shown::Offline, |presence| presence.status);
        let now = self.now();
        let mut presence = Presence::new(&own, Shown::Offline, seen_at, now);
        if shown != Shown::Offline {
            presence = Presence { status: shown, last_seen_at: None, ..presence };
        }
        Ok(Some(presence))
    }

    /// Learns how somebody wants to be seen who has just connected.
    pub async fn greet(&self, caller: &Caller) -> Result<OwnStatus, Error> {
        let known = self.0.store.status(caller.user).await?;
        let own = known.own.at(self.now());
        self.0.hub.know(caller.user, known.user_rev, known.own);
        Ok(own)
    }

    /// How the people of a channel are, as a frame for who has begun to look at it and is in it;
    /// `None` while this node does not know all that has happened there.
    pub async fn people_of(&self, channel: ChannelId) -> Result<Option<Bytes>, Error> {
        let (head, frame) = self.0.moments.look(channel).await?;
        Ok(self.0.hub.has_released(channel, head).then_some(frame))
    }
}
