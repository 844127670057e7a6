//! Making and changing channels; coming and going.

use super::Ledger;
use crate::policy::Action;
use crate::{
    Body, Channel, ChannelId, ChannelKind, ChannelName, Description, DirectKey, Feed, FeedRow,
    KnownRequest, Member, MemberState, NewChannel, Outcome, Rejection, RequestKey, Role, UserId,
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

        let feed = Feed::Channel(new.id);
        let rev = self.advance(feed);
        let channel = Channel {
            id: new.id,
            kind: new.kind,
            name: new.name.map(ChannelName::into_string),
            description: new.description.into_string(),
            owner_id: participants.is_none().then_some(new.creator),
            participant_ids: participants.map(DirectKey::people),
            created_at: self.now,
            updated_at: self.now,
            deleted_at: None,
            rev,
        };
        self.direct.extend(participants.map(|key| (key, new.id)));
        self.put_channel(channel);
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
        name: Option<ChannelName>,
        description: Option<Description>,
    ) -> Result<Outcome, Rejection> {
        self.standing(id, by)?.require(Action::Change)?;
        let Some(mut channel) = self.channels.get(&id).cloned() else {
            return Err(Rejection::NotFound);
        };
        let before = channel.clone();
        if let Some(name) = name {
            channel.name = Some(name.into_string());
        }
        if let Some(description) = description {
            channel.description = description.into_string();
        }
        if channel != before {
            channel.updated_at = self.now;
            channel.rev = self.advance(Feed::Channel(id));
            self.put_channel(channel);
        }
        Ok(self.channel_outcome(id, false))
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
        let Some(mut channel) = found.cloned() else { return Err(Rejection::NotFound) };
        // The tombstone says that there was a channel, not what it was about.
        channel.name = None;
        channel.description = String::new();
        channel.deleted_at = Some(self.now);
        channel.rev = self.advance(Feed::Channel(id));
        self.put_channel(channel);
        Ok(self.channel_outcome(id, false))
    }

    pub(super) fn join(&mut self, id: ChannelId, user: UserId) -> Result<Outcome, Rejection> {
        let standing = self.standing(id, user)?;
        if let Some(member) = standing.member() {
            standing.require(Action::Read)?;
            return Ok(Outcome::Member { member: member.clone(), changed: false });
        }
        standing.require(Action::Join)?;
        Ok(Outcome::Member { member: self.admit(id, user, Role::Member), changed: true })
    }

    pub(super) fn leave(&mut self, id: ChannelId, user: UserId) -> Result<Outcome, Rejection> {
        let standing = self.standing(id, user)?;
        standing.require(Action::Read)?;
        let Some(member) = standing.member() else {
            return Err(Rejection::Conflict("not_a_member", "you are not in this channel"));
        };
        standing.require(Action::Leave)?;
        let member = member.clone();
        Ok(Outcome::Member { member: self.dismiss(&member, MemberState::Left), changed: true })
    }

    pub(super) fn add_member(
        &mut self,
        id: ChannelId,
        by: UserId,
        user: UserId,
    ) -> Result<Outcome, Rejection> {
        self.standing(id, by)?.require(Action::AddMember)?;
        if !self.users.contains(&user) {
            return Err(Rejection::field("user_id", "unknown_user", "an existing account"));
        }
        if let Some(member) = self.standing(id, user)?.member() {
            return Ok(Outcome::Member { member: member.clone(), changed: false });
        }
        Ok(Outcome::Member { member: self.admit(id, user, Role::Member), changed: true })
    }

    pub(super) fn remove_member(
        &mut self,
        id: ChannelId,
        by: UserId,
        user: UserId,
    ) -> Result<Outcome, Rejection> {
        self.standing(id, by)?.require(Action::RemoveMember)?;
        if by == user {
            return Err(Rejection::Forbidden(Action::Leave.refusal()));
        }
        let member = self.standing(id, user)?.member().ok_or(Rejection::NotFound)?.clone();
        Ok(Outcome::Member { member: self.dismiss(&member, MemberState::Removed), changed: true })
    }

    /// Lets somebody in. Their counting starts here.
    fn admit(&mut self, id: ChannelId, user: UserId, role: Role) -> Member {
        let read_seq = self.feed_mut(Feed::Channel(id)).last_seq;
        self.put_member(Member {
            channel_id: id,
            user_id: user,
            role,
            state: MemberState::Joined,
            joined_at: self.now,
            rev: 0,
            read_seq,
            user_rev: 0,
        })
    }

    pub(super) fn dismiss(&mut self, member: &Member, state: MemberState) -> Member {
        self.put_member(Member { state, role: Role::Member, ..member.clone() })
    }

    pub(super) fn put_member(&mut self, mut member: Member) -> Member {
        let (channel, user) = (member.channel_id, member.user_id);
        member.rev = self.advance(Feed::Channel(channel));
        member.user_rev = self.advance(Feed::Me(user));
        self.members.insert((channel, user), member.clone());
        self.touched.members.insert((channel, user));
        self.say(Feed::Channel(channel), member.rev, Body::Member(member.clone()));
        let seen = self.channels.get(&channel).filter(|_| member.is_joined()).cloned();
        let own = Body::Membership {
            channel_id: channel,
            membership: member.membership(),
            channel: seen,
        };
        self.say(Feed::Me(user), member.user_rev, own);
        member
    }

    pub(super) fn put_channel(&mut self, channel: Channel) {
        self.touched.channels.insert(channel.id);
        self.say(Feed::Channel(channel.id), channel.rev, Body::Channel(channel.clone()));
        self.channels.insert(channel.id, channel);
    }

    fn channel_outcome(&self, id: ChannelId, created: bool) -> Outcome {
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
