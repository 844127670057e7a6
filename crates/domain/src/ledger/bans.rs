//! Who may not come in.

use super::Ledger;
use super::audit::Actor;
use crate::policy::Action;
use crate::{
    AccountKind, AuditAction, Ban, BanReason, ChannelId, ChannelKind, InvitationState, Member,
    MemberState, NotificationSetting, Outcome, Rejection, Role, Timestamp, UserId,
};

impl Ledger {
    /// Bans somebody, whether or not they are in the channel. Everybody there hears that they are
    /// banned, and nothing else: a ban that only becomes another one is not heard of.
    pub(super) fn ban(
        &mut self,
        id: ChannelId,
        actor: Actor,
        user: UserId,
        reason: BanReason,
        expires_at: Option<Timestamp>,
    ) -> Result<Outcome, Rejection> {
        let by = actor.user;
        let standing = self.standing(id, by)?;
        standing.require(Action::Ban)?;
        let before = self.members.get(&(id, user)).cloned();
        let deleted = |account: &crate::AccountState| account.kind == AccountKind::Deleted;
        if self.accounts.get(&user).is_none_or(deleted)
            || (before.is_none() && !self.users.contains(&user))
        {
            return Err(Rejection::NotFound);
        }
        let role = before.as_ref().filter(|member| member.is_joined()).map(|member| member.role);
        standing.require_over(Action::Ban, role.unwrap_or(Role::Member))?;
        if by == user {
            return Err(Rejection::Forbidden("you cannot ban yourself"));
        }
        if expires_at.is_some_and(|end| end <= self.now) {
            return Err(Rejection::field("expires_at", "past", "a time to come"));
        }
        let known = before.as_ref().is_some_and(|member| member.is_banned(self.now));
        let known = self.bans.get(&(id, user)).filter(|_| known);
        if let Some(ban) = known
            && (ban.reason == reason.as_str() && ban.expires_at == expires_at)
        {
            return Ok(Outcome::Ban { ban: ban.clone(), created: false });
        }
        let created = known.is_none();
        let until = expires_at.map(|end| format!(" until {end}")).unwrap_or_default();
        self.keep_act(actor, AuditAction::MemberBanned, user, format!("in {id}{until}"));
        let (reason, created_at) = (reason.into_string(), self.now);
        let ban = Ban { channel: id, user, reason, by, created_at, expires_at };
        self.bans.insert((id, user), ban.clone());
        self.touched.ways.ban(ban.clone());
        let kind = self.channels.get(&id).map_or(ChannelKind::Public, |channel| channel.kind);
        let setting = NotificationSetting::of(kind);
        let member = before.unwrap_or_else(|| never_there(id, user, setting, self.now));
        let member = Member {
            state: MemberState::Banned,
            role: Role::Member,
            banned_until: expires_at,
            ..member
        };
        if created {
            self.put_member(member);
            self.settle(id, user, InvitationState::Withdrawn);
        } else {
            self.members.insert((id, user), member);
            self.touched.members.insert((id, user));
        }
        Ok(Outcome::Ban { ban, created })
    }

    /// Lets somebody come again. A ban that is over is none.
    pub(super) fn unban(
        &mut self,
        id: ChannelId,
        by: Actor,
        user: UserId,
    ) -> Result<Outcome, Rejection> {
        self.standing(id, by.user)?.require(Action::Ban)?;
        let banned = self.members.get(&(id, user)).filter(|member| member.is_banned(self.now));
        let Some(member) = banned.cloned() else { return Err(Rejection::NotFound) };
        self.bans.remove(&(id, user));
        self.touched.ways.lift(id, user);
        self.keep_act(by, AuditAction::MemberUnbanned, user, format!("in {id}"));
        let member = Member { banned_until: None, ..member };
        Ok(Outcome::Member { member: self.dismiss(&member, MemberState::Unbanned), changed: true })
    }
}

/// The place of somebody who has never been in the channel.
fn never_there(
    channel: ChannelId,
    user: UserId,
    notifications: NotificationSetting,
    now: Timestamp,
) -> Member {
    Member {
        channel_id: channel,
        user_id: user,
        role: Role::Member,
        state: MemberState::Left,
        joined_at: now,
        muted_until: None,
        rev: 0,
        read_seq: 0,
        receipt: crate::Receipt::default(),
        user_rev: 0,
        joined_rev: 0,
        banned_until: None,
        said_at: None,
        entered: 0,
        notifications,
    }
}
