//! Coming and going, and what members are in a channel.

use super::audit::Actor;
use super::{Gone, Ledger, Needs};
use crate::policy::{Action, Standing};
use crate::{
    AuditAction, Body, ChannelId, ChannelKind, Feed, InvitationState, Member, MemberAct,
    MemberChange, MemberState, NotificationSetting, Outcome, Rejection, Role, Timestamp, UserId,
};

impl Needs {
    /// Somebody comes or goes, or is seen otherwise in a channel: their own devices hear of it.
    pub(super) fn moving(&mut self, channel: ChannelId, user: UserId) {
        self.place(channel, user);
        self.feeds.insert(Feed::Me(user).id());
    }

    /// Somebody may come in, and then needs no invitation any more.
    pub(super) fn entry(&mut self, channel: ChannelId, user: UserId) {
        self.moving(channel, user);
        self.invitations.insert((channel, user));
    }

    pub(super) fn leaving(&mut self, channel: ChannelId, user: UserId, heir: Option<UserId>) {
        self.going(channel, user);
        if let Some(heir) = heir {
            self.moving(channel, heir);
            self.users.insert(heir);
        }
    }

    pub(super) fn member(&mut self, change: &MemberChange) {
        let MemberChange { channel, by, user, ref act, .. } = *change;
        self.place(channel, by);
        self.moving(channel, user);
        self.users.insert(user);
        match act {
            MemberAct::SetRole(_) | MemberAct::Mute(_) => {}
            MemberAct::Transfer => self.moving(channel, by),
            MemberAct::Ban { .. } | MemberAct::Unban => {
                self.going(channel, user);
                // Nobody is banned who has deleted their account: what is kept of them is erased.
                self.accounts.insert(user);
                self.bans.insert((channel, user));
                self.invitations.insert((channel, user));
            }
        }
    }
}

const BANNED: Rejection = Rejection::Conflict("banned", "this person is banned here");

impl Ledger {
    pub(super) fn change_member(&mut self, change: MemberChange) -> Result<Outcome, Rejection> {
        let MemberChange { channel, by, user, act, from } = change;
        let actor = Actor { user: by, address: from };
        match act {
            MemberAct::SetRole(role) => self.set_role(channel, actor, user, role),
            MemberAct::Transfer => self.transfer(channel, actor, user),
            MemberAct::Mute(until) => self.mute(channel, actor, user, until),
            MemberAct::Ban { reason, expires_at } => {
                self.ban(channel, actor, user, reason, expires_at)
            }
            MemberAct::Unban => self.unban(channel, actor, user),
        }
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

    pub(super) fn leave(
        &mut self,
        id: ChannelId,
        user: UserId,
        heir: Option<UserId>,
    ) -> Result<Outcome, Rejection> {
        let standing = self.standing(id, user)?;
        standing.require(Action::Read)?;
        let Some(member) = standing.member() else {
            return Err(Rejection::Conflict("not_a_member", "you are not in this channel"));
        };
        standing.require(Action::Leave)?;
        let member = member.clone();
        if member.role == Role::Owner {
            let why = "nobody is left who could own this group: delete it instead";
            self.hand_on(id, heir.ok_or(Rejection::Conflict("last_member", why))?)?;
        }
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
        let standing = self.standing(id, user)?;
        if let Some(member) = standing.member() {
            return Ok(Outcome::Member { member: member.clone(), changed: false });
        }
        if standing.is_banned() {
            return Err(BANNED);
        }
        Ok(Outcome::Member { member: self.admit(id, user, Role::Member), changed: true })
    }

    pub(super) fn remove_member(
        &mut self,
        id: ChannelId,
        by: Actor,
        user: UserId,
    ) -> Result<Outcome, Rejection> {
        let member = self.member_below(id, by.user, user, Action::RemoveMember)?;
        self.keep_act(by, AuditAction::MemberRemoved, user, format!("in {id}"));
        Ok(Outcome::Member { member: self.dismiss(&member, MemberState::Removed), changed: true })
    }

    fn set_role(
        &mut self,
        id: ChannelId,
        by: Actor,
        user: UserId,
        role: Role,
    ) -> Result<Outcome, Rejection> {
        let member = self.member_below(id, by.user, user, Action::SetRole)?;
        if role == Role::Owner || member.role == role {
            return Ok(Outcome::Member { member, changed: false });
        }
        let name = if role == Role::Moderator { "moderator" } else { "member" };
        self.keep_act(by, AuditAction::MemberRoleChanged, user, format!("{name} in {id}"));
        let member = self.put_member(Member { role, ..member });
        Ok(Outcome::Member { member, changed: true })
    }

    fn transfer(&mut self, id: ChannelId, by: Actor, to: UserId) -> Result<Outcome, Rejection> {
        let standing = self.standing(id, by.user)?;
        standing.require(Action::Transfer)?;
        let owner = standing.member().cloned();
        if by.user != to {
            if !self.users.contains(&to) || self.standing(id, to)?.member().is_none() {
                return Err(Rejection::field(
                    "user_id",
                    "not_a_member",
                    "somebody in this channel",
                ));
            }
            self.hand_on(id, to)?;
            self.keep_act(by, AuditAction::MemberRoleChanged, to, format!("owner in {id}"));
            if let Some(owner) = owner {
                self.put_member(Member { role: Role::Moderator, ..owner });
            }
        }
        Ok(self.channel_outcome(id, false))
    }

    /// Makes somebody the owner who is in the channel; whoever is it now must cease to be.
    pub(super) fn hand_on(&mut self, id: ChannelId, heir: UserId) -> Result<(), Rejection> {
        let heir = self.standing(id, heir)?.member().cloned();
        let Some(heir) = heir.filter(|heir| self.users.contains(&heir.user_id)) else {
            return Err(Rejection::Stale);
        };
        let heir = self.put_member(Member { role: Role::Owner, ..heir });
        self.change_channel(id, |channel| channel.owner_id = Some(heir.user_id));
        Ok(())
    }

    fn mute(
        &mut self,
        id: ChannelId,
        by: Actor,
        user: UserId,
        until: Option<Timestamp>,
    ) -> Result<Outcome, Rejection> {
        let member = self.member_below(id, by.user, user, Action::Mute)?;
        if until.is_some_and(|until| until <= self.now) {
            return Err(Rejection::field("until", "past", "a time to come"));
        }
        if member.muted_until == until {
            return Ok(Outcome::Member { member, changed: false });
        }
        let (action, detail) = match until {
            Some(until) => (AuditAction::MemberMuted, format!("in {id} until {until}")),
            None => (AuditAction::MemberUnmuted, format!("in {id}")),
        };
        self.keep_act(by, action, user, detail);
        let member = self.put_member(Member { muted_until: until, ..member });
        Ok(Outcome::Member { member, changed: true })
    }

    /// Somebody in the channel to whom `by` may do this.
    fn member_below(
        &self,
        id: ChannelId,
        by: UserId,
        user: UserId,
        action: Action,
    ) -> Result<Member, Rejection> {
        let standing = self.standing(id, by)?;
        standing.require(action)?;
        let member = self.standing(id, user)?.member().ok_or(Rejection::NotFound)?;
        standing.require_over(action, member.role)?;
        Ok(member.clone())
    }

    /// Lets somebody in. Their counting starts here; that they are muted, or have just spoken, does
    /// not end by going out and coming in.
    pub(super) fn admit(&mut self, id: ChannelId, user: UserId, role: Role) -> Member {
        let row = self.feed_mut(Feed::Channel(id));
        let (read_seq, joined_rev) = (row.last_seq, row.head + 1);
        let kind = self.channels.get(&id).map_or(ChannelKind::Public, |channel| channel.kind);
        let unsaid = NotificationSetting::of(kind);
        let before = self.members.get(&(id, user));
        if before.is_some_and(|before| before.state == MemberState::Banned) {
            self.touched.ways.lift(id, user);
        }
        let member = self.put_member(Member {
            channel_id: id,
            user_id: user,
            role,
            state: MemberState::Joined,
            joined_at: self.now,
            muted_until: before.and_then(|before| before.muted_until),
            rev: 0,
            read_seq,
            receipt: before.map(|before| before.receipt).unwrap_or_default(),
            user_rev: 0,
            joined_rev,
            banned_until: None,
            said_at: before.and_then(|before| before.said_at),
            entered: 0,
            notifications: before.map_or(unsaid, |before| before.notifications),
        });
        self.settle(id, user, InvitationState::Accepted);
        member
    }

    pub(super) fn dismiss(&mut self, member: &Member, state: MemberState) -> Member {
        self.put_member(Member { state, role: Role::Member, ..member.clone() })
    }

    pub(super) fn put_member(&mut self, mut member: Member) -> Member {
        let (channel, user) = (member.channel_id, member.user_id);
        member.rev = self.advance(Feed::Channel(channel));
        member.user_rev = self.advance(Feed::Me(user));
        if member.rev == member.joined_rev {
            member.entered = member.user_rev;
        }
        let last_seq = self.feed_mut(Feed::Channel(channel)).last_seq;
        self.members.insert((channel, user), member.clone());
        self.touched.members.insert((channel, user));
        if !member.is_joined() {
            // Nobody is told of a channel that they are out of, not even of what was before.
            self.notifications.take_away(Gone::Member(channel, user));
        }
        self.say(Feed::Channel(channel), member.rev, Body::Member(member.clone()));
        let seen = self.channels.get(&channel).filter(|_| member.is_joined()).cloned();
        let own = Body::Membership {
            channel_id: channel,
            membership: member.membership(last_seq),
            channel: seen,
        };
        self.say(Feed::Me(user), member.user_rev, own);
        if !member.is_joined() {
            self.drop_drafts_in(channel, user);
        }
        member
    }

    /// The channel from where this person stands.
    pub(super) fn standing(
        &self,
        channel: ChannelId,
        user: UserId,
    ) -> Result<Standing<'_>, Rejection> {
        let found = self.channels.get(&channel).ok_or(Rejection::NotFound)?;
        Ok(Standing::new(found, self.members.get(&(channel, user)), self.now))
    }
}
