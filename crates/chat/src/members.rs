//! Coming and going, and what members are in a channel.

use tertulia_domain::policy::Action;
use tertulia_domain::{
    AccountKind, Change, ChannelId, Member, MemberAct, MemberChange, Outcome, Page, PageRequest,
    Role, Timestamp, UserId,
};

use crate::{Caller, ChannelView, Chat, Error};

/// How often somebody else is looked for who may own a group that its owner leaves, while others
/// come and go.
const HEIRS: usize = 20;

impl Chat {
    /// Comes into a public channel.
    pub async fn join(&self, caller: &Caller, channel: ChannelId) -> Result<Member, Error> {
        self.move_member(caller, Change::Join { channel, user: caller.user })
            .await
            .map(|(member, _)| member)
    }

    /// Leaves a channel. A group whose owner leaves is owned by the moderator who has been in it
    /// longest, else by the member who has.
    pub async fn leave(&self, caller: &Caller, channel: ChannelId) -> Result<(), Error> {
        let mut heir = None;
        for _ in 0..HEIRS {
            let leave = Change::Leave { channel, user: caller.user, heir };
            match self.move_member(caller, leave).await {
                Err(Error::Conflict("last_member", why)) => {
                    heir = self.0.store.heir(channel, caller.user).await?;
                    if heir.is_none() {
                        return Err(Error::Conflict("last_member", why));
                    }
                }
                // Who was to own it has just gone: somebody else is looked for.
                Err(Error::Stale) => heir = None,
                left => return left.map(drop),
            }
        }
        Err(Error::Overloaded(std::time::Duration::from_secs(1)))
    }

    /// Brings somebody into a channel. False when they were in it.
    pub async fn add_member(
        &self,
        caller: &Caller,
        channel: ChannelId,
        user: UserId,
    ) -> Result<(Member, bool), Error> {
        self.move_member(caller, Change::AddMember { channel, by: caller.user, user }).await
    }

    /// Sends somebody out of a channel.
    pub async fn remove_member(
        &self,
        caller: &Caller,
        channel: ChannelId,
        user: UserId,
    ) -> Result<(), Error> {
        let by = caller.user;
        let remove = Change::RemoveMember { channel, by, user, from: caller.address };
        self.move_member(caller, remove).await.map(drop)
    }

    /// Makes somebody a member or a moderator.
    pub async fn set_role(
        &self,
        caller: &Caller,
        channel: ChannelId,
        user: UserId,
        role: Role,
    ) -> Result<Member, Error> {
        if role > Role::Member && self.is_guest(user).await? {
            let place = self.0.store.place(channel, caller.user).await?.ok_or(Error::NotFound)?;
            self.standing(&place).require(Action::SetRole)?;
            return Err(Error::Conflict("guest", "a guest cannot be a moderator"));
        }
        let change = member_change(caller, channel, user, MemberAct::SetRole(role));
        self.move_member(caller, change).await.map(|(member, _)| member)
    }

    /// Keeps somebody from writing until then; without a time, no longer.
    pub async fn mute(
        &self,
        caller: &Caller,
        channel: ChannelId,
        user: UserId,
        until: Option<Timestamp>,
    ) -> Result<Member, Error> {
        let change = member_change(caller, channel, user, MemberAct::Mute(until));
        self.move_member(caller, change).await.map(|(member, _)| member)
    }

    /// Hands a channel on to another member who is no guest; the caller is a moderator from then on.
    pub async fn transfer(
        &self,
        caller: &Caller,
        channel: ChannelId,
        to: UserId,
    ) -> Result<ChannelView, Error> {
        if self.is_guest(to).await? {
            let place = self.0.store.place(channel, caller.user).await?.ok_or(Error::NotFound)?;
            self.standing(&place).require(Action::Transfer)?;
            return Err(Error::Conflict("guest", "a guest cannot own a channel"));
        }
        let change = member_change(caller, channel, to, MemberAct::Transfer);
        self.change_channel(caller, change).await
    }

    async fn is_guest(&self, user: UserId) -> Result<bool, Error> {
        let profile = self.0.store.profile(user).await?;
        Ok(profile.is_some_and(|profile| profile.kind == AccountKind::Guest))
    }

    pub(crate) async fn move_member(
        &self,
        caller: &Caller,
        change: Change,
    ) -> Result<(Member, bool), Error> {
        match self.0.log.commit(change, caller).await? {
            Outcome::Member { member, changed } => Ok((member, changed)),
            _ => Err(Error::internal("moving a member led to something else")),
        }
    }

    /// Who is in a channel, by user id.
    pub async fn members(
        &self,
        caller: &Caller,
        channel: ChannelId,
        page: PageRequest,
    ) -> Result<Page<Member>, Error> {
        let found = self.0.store.members(channel, caller.user, page).await?;
        let (place, members) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(members)
    }
}

pub(crate) fn member_change(
    caller: &Caller,
    channel: ChannelId,
    user: UserId,
    act: MemberAct,
) -> Change {
    let (by, from) = (caller.user, caller.address);
    Change::Member(Box::new(MemberChange { channel, by, user, act, from }))
}
