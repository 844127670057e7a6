//! Making and changing channels.

use super::Ledger;
use crate::policy::{Action, Standing};
use crate::{
    Body, Channel, ChannelEdit, ChannelId, ChannelKind, ChannelName, DirectKey, Feed, FeedRow,
    KnownRequest, NewChannel, Outcome, Posting, Rejection, RequestKey, Role, SystemEvent, UserId,
};

impl Ledger {
    pub(super) fn create_channel(&mut self, new: NewChannel) -> Result<Outcome, Rejection> {
        if let Some(made) = self.made_by(new.request)? {
            return Ok(made);
        }
        self.all_exist(new.kind, &new.others)?;
        let participants = match (new.kind, &new.others[..]) {
            (ChannelKind::Direct, [other]) => Some(DirectKey::new(new.creator, *other)),
            _ => None,
        };
        // There may be one of these two people, or this change comes again after a lost answer.
        let same = self.channels.contains_key(&new.id).then_some(new.id);
        let direct = participants.and_then(|key| self.direct.get(&key).copied());
        if let Some(existing) = direct.or(same) {
            return Ok(self.channel_outcome(existing, false));
        }

        // The channel itself comes last, so that everybody who is in it from the start hears of it:
        // the first of them is the creator, and each takes a rev.
        let members = 1 + new.others.len();
        let head = self.feed_mut(Feed::Channel(new.id)).head;
        let channel = Channel {
            id: new.id,
            kind: new.kind,
            name: new.name.map(ChannelName::into_string),
            description: new.description.into_string(),
            topic: String::new(),
            posting: Posting::default(),
            slow_mode_seconds: 0,
            archived_at: None,
            owner_id: participants.is_none().then_some(new.creator),
            participant_ids: participants.map(DirectKey::people),
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
            rev: head + i64::try_from(members).unwrap_or(i64::MAX) + 1,
        };
        self.direct.extend(participants.map(|key| (key, new.id)));
        self.channels.insert(new.id, channel.clone());
        if let Some(request) = new.request {
            let known = KnownRequest { request, channel: new.id };
            self.requests.insert(request.key, known);
            self.touched.new_requests.push(known);
        }
        let creator = if participants.is_none() { Role::Owner } else { Role::Member };
        self.admit(new.id, new.creator, creator);
        for user in new.others {
            self.admit(new.id, user, Role::Member);
        }
        let rev = self.advance(Feed::Channel(new.id));
        debug_assert_eq!(rev, channel.rev);
        self.put_channel(channel);
        Ok(self.channel_outcome(new.id, true))
    }

    /// What the same request made before, whatever has become of it since.
    fn made_by(&self, request: Option<RequestKey>) -> Result<Option<Outcome>, Rejection> {
        let Some(request) = request else { return Ok(None) };
        let Some(known) = self.requests.get(&request.key) else { return Ok(None) };
        if known.request.digest != request.digest {
            let why = "a key that no other request came with";
            return Err(Rejection::field("Idempotency-Key", "key_reused", why));
        }
        if !self.channels.contains_key(&known.channel) {
            return Err(Rejection::NotFound);
        }
        Ok(Some(self.channel_outcome(known.channel, false)))
    }

    pub(super) fn update_channel(
        &mut self,
        id: ChannelId,
        by: UserId,
        edit: ChannelEdit,
    ) -> Result<Outcome, Rejection> {
        let Some(mut channel) = self.channels.get(&id).cloned() else {
            return Err(Rejection::NotFound);
        };
        let ChannelEdit { name, description, topic, posting, slow_mode_seconds, archived } = edit;
        // Whoever opens it again may change it in one go.
        if let Some(archived) = archived {
            self.standing(id, by)?.require(Action::Archive)?;
            if archived != channel.archived_at.is_some() {
                channel.archived_at = archived.then_some(self.now);
            }
        }
        let before = self.channels.get(&id).filter(|_| archived != Some(false)).unwrap_or(&channel);
        let standing = Standing::new(before, self.members.get(&(id, by)), self.now);
        if name.is_some() || description.is_some() || topic.is_some() {
            standing.require(Action::Change)?;
        }
        if posting.is_some() || slow_mode_seconds.is_some() {
            standing.require(Action::Regulate)?;
        }
        if let Some(name) = name {
            channel.name = Some(name.into_string());
        }
        if let Some(description) = description {
            channel.description = description.into_string();
        }
        if let Some(topic) = topic {
            channel.topic = topic.into_string();
        }
        channel.posting = posting.unwrap_or(channel.posting);
        channel.slow_mode_seconds = slow_mode_seconds.unwrap_or(channel.slow_mode_seconds);
        if self.channels.get(&id) != Some(&channel) {
            let old = self.channels.get(&id).cloned();
            let said = |of: fn(&Channel) -> &str| {
                let now = of(&channel).to_owned();
                old.as_ref().filter(|old| of(old) != now).map(|_| now)
            };
            let name = said(|channel| channel.name.as_deref().unwrap_or_default());
            let topic = said(|channel| &channel.topic);
            self.change_channel(id, |old| *old = channel);
            if let Some(name) = name {
                self.announce(id, by, SystemEvent::Renamed, name, None);
            }
            if let Some(topic) = topic {
                self.announce(id, by, SystemEvent::Topic, topic, None);
            }
        }
        Ok(self.channel_outcome(id, false))
    }

    /// Changes a channel that is there.
    pub(super) fn change_channel(&mut self, id: ChannelId, change: impl FnOnce(&mut Channel)) {
        let Some(mut channel) = self.channels.get(&id).cloned() else { return };
        change(&mut channel);
        // Never the time of its making, by which what nobody has changed is known.
        let first = channel.created_at.plus(time::Duration::milliseconds(1));
        channel.updated_at = self.now.max(first);
        channel.rev = self.advance(Feed::Channel(id));
        self.put_channel(channel);
    }

    pub(super) fn delete_channel(
        &mut self,
        id: ChannelId,
        by: UserId,
    ) -> Result<Outcome, Rejection> {
        self.standing(id, by)?.require(Action::Delete)?;
        self.remove_channel(id)
    }

    /// Deletes a channel that is there, whoever asks.
    pub(super) fn remove_channel(&mut self, id: ChannelId) -> Result<Outcome, Rejection> {
        let found = self.channels.get(&id).filter(|channel| channel.deleted_at.is_none());
        if found.is_none() {
            return Err(Rejection::NotFound);
        }
        let now = self.now;
        self.change_channel(id, |channel| {
            // The tombstone says that there was a channel, not what it was about.
            channel.name = None;
            channel.description = String::new();
            channel.topic = String::new();
            channel.deleted_at = Some(now);
        });
        self.touched.ways.closed.push(id);
        Ok(self.channel_outcome(id, false))
    }

    pub(super) fn put_channel(&mut self, channel: Channel) {
        self.touched.channels.insert(channel.id);
        self.say(Feed::Channel(channel.id), channel.rev, Body::Channel(channel.clone()));
        self.channels.insert(channel.id, channel);
    }

    pub(super) fn channel_outcome(&self, id: ChannelId, created: bool) -> Outcome {
        let Some(channel) = self.channels.get(&id).cloned() else {
            unreachable!("the caller has just put this channel there")
        };
        let feed = Feed::Channel(id).id();
        let feed = self.feeds.get(&feed).copied().unwrap_or(FeedRow::empty(feed));
        Outcome::Channel { channel, feed, created }
    }

    fn all_exist(&self, kind: ChannelKind, users: &[UserId]) -> Result<(), Rejection> {
        if users.iter().all(|user| self.users.contains(user)) {
            return Ok(());
        }
        Err(match kind {
            ChannelKind::Direct => {
                Rejection::field("recipient_id", "unknown_user", "an existing account")
            }
            _ => Rejection::field("recipient_ids", "unknown_user", "existing accounts only"),
        })
    }
}
