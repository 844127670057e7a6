//! Links into channels, and invitations.

use super::{Ledger, Needs};
use crate::policy::Action;
use crate::{
    Ban, Body, ChannelId, Feed, Invitation, InvitationState, Invite, InviteChange, InviteId,
    NewInvite, Outcome, Rejection, Role, UserId,
};

/// A channel has at most this many links at a time.
const MAX_INVITES: usize = 100;

/// What is to be written of the ways into channels.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// Bans made or changed.
    pub banned: Vec<Ban>,
    /// Bans that are no more.
    pub lifted: Vec<(ChannelId, UserId)>,
    /// Links made or used.
    pub invites: Vec<Invite>,
    /// Links that are no more.
    pub revoked: Vec<InviteId>,
    /// Invitations made or answered.
    pub invitations: Vec<Invitation>,
    /// Channels that are no more: nobody is banned from them, and no link leads there.
    pub closed: Vec<ChannelId>,
}

impl Ways {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Self { banned, lifted, invites, revoked, invitations, closed } = self;
        banned.is_empty()
            && lifted.is_empty()
            && invites.is_empty()
            && revoked.is_empty()
            && invitations.is_empty()
            && closed.is_empty()
    }

    /// The last word of a batch on one ban counts.
    pub(super) fn ban(&mut self, ban: Ban) {
        self.lifted.retain(|key| *key != (ban.channel, ban.user));
        self.banned.retain(|other| (other.channel, other.user) != (ban.channel, ban.user));
        self.banned.push(ban);
    }

    pub(super) fn lift(&mut self, channel: ChannelId, user: UserId) {
        self.banned.retain(|ban| (ban.channel, ban.user) != (channel, user));
        self.lifted.push((channel, user));
    }

    fn open(&mut self, invite: Invite) {
        self.invites.retain(|other| other.id != invite.id);
        self.invites.push(invite);
    }

    fn revoke(&mut self, id: InviteId) {
        self.invites.retain(|invite| invite.id != id);
        self.revoked.push(id);
    }

    fn invite(&mut self, new: Invitation) {
        let same = |it: &Invitation| (it.channel_id, it.user_id) == (new.channel_id, new.user_id);
        self.invitations.retain(|it| !same(it));
        self.invitations.push(new);
    }
}

impl Needs {
    pub(super) fn invite(&mut self, change: &InviteChange) {
        match change {
            InviteChange::Create(new) => {
                self.place(new.channel, new.by);
                self.invites_of.insert(new.channel);
            }
            InviteChange::Revoke { channel, by, invite } => {
                self.place(*channel, *by);
                self.invites.insert(*invite);
            }
            InviteChange::Use { channel, user, invite } => {
                self.entry(*channel, *user);
                self.invites.insert(*invite);
            }
            InviteChange::Invite { channel, by, user } => {
                self.place(*channel, *by);
                self.entry(*channel, *user);
                self.users.insert(*user);
            }
            InviteChange::Answer { channel, user, .. }
            | InviteChange::Withdraw { channel, user } => self.entry(*channel, *user),
        }
    }
}

impl Ledger {
    pub(super) fn change_invite(&mut self, change: InviteChange) -> Result<Outcome, Rejection> {
        match change {
            InviteChange::Create(new) => self.create_invite(&new),
            InviteChange::Revoke { channel, by, invite } => {
                self.standing(channel, by)?.require(Action::InviteByLink)?;
                self.good_invite(channel, invite)?;
                self.invites.remove(&invite);
                self.touched.ways.revoke(invite);
                Ok(Outcome::Done)
            }
            InviteChange::Use { channel, user, invite } => self.use_invite(channel, user, invite),
            InviteChange::Invite { channel, by, user } => self.ask_in(channel, by, user),
            InviteChange::Answer { channel, user, accept } => self.answer(channel, user, accept),
            InviteChange::Withdraw { channel, user } => self.withdraw_invitation(channel, user),
        }
    }

    fn create_invite(&mut self, new: &NewInvite) -> Result<Outcome, Rejection> {
        let standing = self.standing(new.channel, new.by)?;
        standing.require(Action::InviteByLink)?;
        // Not one more way in while nobody may come.
        standing.require(Action::AddMember)?;
        if new.expires_at.is_some_and(|end| end <= self.now) {
            return Err(Rejection::field("expires_at", "past", "a time to come"));
        }
        // This change may come again after a lost answer.
        if let Some(invite) = self.invites.get(&new.id) {
            return Ok(Outcome::Invite(invite.clone()));
        }
        let there = self.invites.values().filter(|invite| invite.channel_id == new.channel);
        let (good, over): (Vec<_>, Vec<_>) = there.partition(|invite| invite.is_good(self.now));
        if good.len() >= MAX_INVITES {
            let why = "this channel has as many links as it may have: revoke one";
            return Err(Rejection::Conflict("too_many_invites", why));
        }
        for id in over.into_iter().map(|invite| invite.id).collect::<Vec<_>>() {
            self.invites.remove(&id);
            self.touched.ways.revoke(id);
        }
        let invite = Invite {
            id: new.id,
            channel_id: new.channel,
            by: new.by,
            created_at: self.now,
            expires_at: new.expires_at,
            max_uses: new.max_uses,
            uses: 0,
            hash: new.hash,
        };
        self.invites.insert(new.id, invite.clone());
        self.touched.ways.open(invite.clone());
        Ok(Outcome::Invite(invite))
    }

    fn good_invite(&self, channel: ChannelId, id: InviteId) -> Result<&Invite, Rejection> {
        let invite = self.invites.get(&id).filter(|invite| invite.channel_id == channel);
        invite.filter(|invite| invite.is_good(self.now)).ok_or(Rejection::NotFound)
    }

    /// Lets somebody in who has a link. Who is in needs none, and uses none up.
    fn use_invite(
        &mut self,
        id: ChannelId,
        user: UserId,
        invite: InviteId,
    ) -> Result<Outcome, Rejection> {
        let mut invite = self.good_invite(id, invite)?.clone();
        self.require_open(id, user)?;
        if let Some(member) = self.standing(id, user)?.member() {
            return Ok(Outcome::Member { member: member.clone(), changed: false });
        }
        invite.uses += 1;
        self.invites.insert(invite.id, invite.clone());
        self.touched.ways.open(invite);
        Ok(Outcome::Member { member: self.admit(id, user, Role::Member), changed: true })
    }

    /// Whether somebody whom a member has let in may come, who need not see the channel before.
    fn require_open(&self, id: ChannelId, user: UserId) -> Result<(), Rejection> {
        let channel = self.channels.get(&id).filter(|channel| channel.deleted_at.is_none());
        let channel = channel.ok_or(Rejection::NotFound)?;
        let standing = self.standing(id, user)?;
        if standing.is_banned() {
            return Err(Rejection::NotFound);
        }
        if channel.archived_at.is_some() && standing.member().is_none() {
            return Err(Rejection::Conflict("archived", "the channel is archived"));
        }
        Ok(())
    }

    fn ask_in(&mut self, id: ChannelId, by: UserId, user: UserId) -> Result<Outcome, Rejection> {
        self.standing(id, by)?.require(Action::Invite)?;
        if !self.users.contains(&user) {
            return Err(Rejection::field("user_id", "unknown_user", "an existing account"));
        }
        let standing = self.standing(id, user)?;
        if standing.member().is_some() {
            return Err(Rejection::Conflict("already_a_member", "this person is in the channel"));
        }
        if standing.is_banned() {
            return Err(Rejection::Conflict("banned", "this person is banned here"));
        }
        if let Some(known) = self.pending(id, user) {
            return Ok(Outcome::Invitation { invitation: known.clone(), created: false });
        }
        let Some(channel) = self.channels.get(&id) else { return Err(Rejection::NotFound) };
        let invitation = Invitation {
            channel_id: id,
            kind: channel.kind,
            name: channel.name.clone(),
            user_id: user,
            by,
            created_at: self.now,
            state: InvitationState::Pending,
            user_rev: 0,
        };
        Ok(Outcome::Invitation { invitation: self.put_invitation(invitation), created: true })
    }

    fn answer(&mut self, id: ChannelId, user: UserId, accept: bool) -> Result<Outcome, Rejection> {
        if self.pending(id, user).is_none() {
            return Err(Rejection::NotFound);
        }
        self.require_open(id, user)?;
        if accept {
            let member = self.admit(id, user, Role::Member);
            return Ok(Outcome::Member { member, changed: true });
        }
        self.settle(id, user, InvitationState::Declined);
        Ok(Outcome::Done)
    }

    /// Of a channel that is no more nothing is said but that it is.
    fn withdraw_invitation(&mut self, id: ChannelId, user: UserId) -> Result<Outcome, Rejection> {
        if self.channels.get(&id).is_some_and(|channel| channel.deleted_at.is_none()) {
            return Err(Rejection::NotFound);
        }
        if let Some(known) = self.pending(id, user).cloned() {
            let state = InvitationState::Withdrawn;
            self.put_invitation(Invitation { state, name: None, ..known });
        }
        Ok(Outcome::Done)
    }

    fn pending(&self, id: ChannelId, user: UserId) -> Option<&Invitation> {
        let known = self.invitations.get(&(id, user));
        known.filter(|known| known.state == InvitationState::Pending)
    }

    /// What becomes of an invitation that was not answered yet, if there is one.
    pub(super) fn settle(&mut self, id: ChannelId, user: UserId, state: InvitationState) {
        if let Some(known) = self.pending(id, user).cloned() {
            self.put_invitation(Invitation { state, ..known });
        }
    }

    fn put_invitation(&mut self, mut invitation: Invitation) -> Invitation {
        let feed = Feed::Me(invitation.user_id);
        invitation.user_rev = self.advance(feed);
        let key = (invitation.channel_id, invitation.user_id);
        self.invitations.insert(key, invitation.clone());
        self.touched.ways.invite(invitation.clone());
        self.say(feed, invitation.user_rev, Body::Invitation(invitation.clone()));
        self.tell_of_invitation(&invitation);
        invitation
    }
}
