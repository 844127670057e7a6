//! Links into channels, and invitations.

use serde::Serialize;
use tertulia_auth::secret::{Kind, Secret};
use tertulia_domain::policy::Action;
use tertulia_domain::{
    Change, ChannelId, ChannelKind, Invitation, Invite, InviteChange, InviteId, Member, NewInvite,
    Outcome, Page, PageRequest, Timestamp, UserId,
};
use tertulia_store::Door;
use utoipa::ToSchema;

use crate::{Caller, Chat, Error};

/// A link to be made.
#[derive(Clone, Copy, Debug, Default)]
pub struct InviteDraft {
    /// When it is good no more.
    pub expires_at: Option<Timestamp>,
    /// How many people it lets in: 1–10,000.
    pub max_uses: Option<i32>,
}

/// A link that was just made: its code is shown this once.
#[derive(Clone, Serialize, ToSchema)]
pub struct NewInviteView {
    /// The link.
    #[serde(flatten)]
    pub invite: Invite,
    /// What lets people in.
    #[schema(example = "ti_…")]
    pub code: String,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DoorView {
    /// The channel.
    pub channel_id: ChannelId,
    /// What kind of channel it is.
    pub kind: ChannelKind,
    /// Absent of unnamed groups.
    #[schema(example = "general")]
    pub name: Option<String>,
    /// How many are in it.
    #[schema(example = 12)]
    pub members: i64,
}

impl Chat {
    /// Makes a link by which people come into a channel.
    pub async fn create_invite(
        &self,
        caller: &Caller,
        channel: ChannelId,
        draft: InviteDraft,
    ) -> Result<NewInviteView, Error> {
        self.require_person(caller).await?;
        let code = Secret::generate(Kind::Invite).map_err(Error::internal)?;
        let new = NewInvite {
            id: InviteId::new(self.now()),
            channel,
            by: caller.user,
            hash: code.hash(),
            expires_at: draft.expires_at,
            max_uses: draft.max_uses,
        };
        match self.change_invite(caller, InviteChange::Create(new)).await? {
            Outcome::Invite(invite) => Ok(NewInviteView { invite, code: code.expose().to_owned() }),
            _ => Err(Error::internal("a link led to something else")),
        }
    }

    /// The links into a channel that are good, the newest first.
    pub async fn invites(
        &self,
        caller: &Caller,
        channel: ChannelId,
        page: PageRequest,
    ) -> Result<Page<Invite>, Error> {
        let found = self.0.store.invites(channel, caller.user, page, self.now()).await?;
        let (place, invites) = found.ok_or(Error::NotFound)?;
        self.standing(&place).require(Action::InviteByLink)?;
        Ok(invites)
    }

    /// Revokes a link.
    pub async fn revoke_invite(
        &self,
        caller: &Caller,
        channel: ChannelId,
        invite: InviteId,
    ) -> Result<(), Error> {
        let change = InviteChange::Revoke { channel, by: caller.user, invite };
        self.change_invite(caller, change).await.map(drop)
    }

    /// Where a link leads that is good, for somebody who is not banned there.
    pub async fn look_in(&self, caller: &Caller, code: &str) -> Result<DoorView, Error> {
        let Door { place, members, .. } = self.door(caller, code).await?;
        let channel = place.channel;
        Ok(DoorView { channel_id: channel.id, kind: channel.kind, name: channel.name, members })
    }

    /// Comes into a channel by a link. Who is in it already uses nothing up.
    pub async fn join_by_invite(&self, caller: &Caller, code: &str) -> Result<Member, Error> {
        let Invite { id: invite, channel_id: channel, .. } = self.door(caller, code).await?.invite;
        let change = InviteChange::Use { channel, user: caller.user, invite };
        self.come_in(caller, change).await
    }

    async fn door(&self, caller: &Caller, code: &str) -> Result<Door, Error> {
        let code = Secret::parse(Kind::Invite, code).map_err(|_| Error::NotFound)?;
        let door = self.0.store.door(code.hash(), caller.user).await?.ok_or(Error::NotFound)?;
        let good = door.invite.is_good(self.now())
            && door.place.channel.deleted_at.is_none()
            && !self.standing(&door.place).is_banned();
        if good { Ok(door) } else { Err(Error::NotFound) }
    }

    /// Asks somebody to come into a channel. False when they were asked and have not answered.
    pub async fn invite(
        &self,
        caller: &Caller,
        channel: ChannelId,
        user: UserId,
    ) -> Result<(Invitation, bool), Error> {
        self.require_person(caller).await?;
        let change = InviteChange::Invite { channel, by: caller.user, user };
        match self.change_invite(caller, change).await? {
            Outcome::Invitation { invitation, created } => Ok((invitation, created)),
            _ => Err(Error::internal("an invitation led to something else")),
        }
    }

    /// The invitations that one has not answered, by channel, the newest channel first.
    pub async fn invitations(
        &self,
        caller: &Caller,
        page: PageRequest,
    ) -> Result<Page<Invitation>, Error> {
        Ok(self.0.store.invitations(caller.user, page).await?)
    }

    /// Comes into a channel as one was asked to.
    pub async fn accept(&self, caller: &Caller, channel: ChannelId) -> Result<Member, Error> {
        let change = InviteChange::Answer { channel, user: caller.user, accept: true };
        self.come_in(caller, change).await
    }

    /// Does not come into a channel as one was asked to.
    pub async fn decline(&self, caller: &Caller, channel: ChannelId) -> Result<(), Error> {
        let change = InviteChange::Answer { channel, user: caller.user, accept: false };
        self.change_invite(caller, change).await.map(drop)
    }

    async fn come_in(&self, caller: &Caller, change: InviteChange) -> Result<Member, Error> {
        self.move_member(caller, Change::Invite(Box::new(change))).await.map(|(member, _)| member)
    }

    async fn change_invite(&self, caller: &Caller, change: InviteChange) -> Result<Outcome, Error> {
        self.0.log.commit(Change::Invite(Box::new(change)), caller).await
    }
}
