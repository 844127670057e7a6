//! Who may not come into a channel.

use serde::Serialize;
use tertulia_domain::policy::Action;
use tertulia_domain::{
    Ban, BanReason, ChannelId, MemberAct, Outcome, Page, PageRequest, Profile, Timestamp, UserId,
    Username,
};
use utoipa::ToSchema;

use crate::members::member_change;
use crate::{Caller, Chat, Error};

/// Somebody, as a moderator names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// By their account.
    Id(UserId),
    /// By what may be their username.
    Username(String),
}

/// A ban to be made.
#[derive(Clone, Debug, Default)]
pub struct BanDraft {
    /// Why.
    pub reason: BanReason,
    /// When it is over.
    pub expires_at: Option<Timestamp>,
}

/// Somebody, by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserName {
    /// The account.
    pub id: UserId,
    /// Unique without case.
    #[schema(example = "ann")]
    pub username: String,
    /// How they are shown.
    #[schema(example = "Ann Lee")]
    pub display_name: String,
}

/// A ban, as moderators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct BanView {
    /// Who is banned.
    pub user: UserName,
    /// Why; may be empty.
    #[schema(example = "Spam")]
    pub reason: String,
    /// When it is over; never, unless somebody lifts it.
    pub expires_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
    /// The moderator who did it.
    pub by: UserId,
}

impl BanView {
    fn new(ban: Ban, user: Profile) -> Self {
        Self {
            user: UserName {
                id: user.id,
                username: user.username,
                display_name: user.display_name,
            },
            reason: ban.reason,
            expires_at: ban.expires_at,
            created_at: ban.created_at,
            by: ban.by,
        }
    }
}

impl Chat {
    /// Bans somebody from a channel, whether or not they are in it. True when they were not banned
    /// before.
    pub async fn ban(
        &self,
        caller: &Caller,
        channel: ChannelId,
        whom: Whom,
        draft: BanDraft,
    ) -> Result<(BanView, bool), Error> {
        let user = self.whom(whom).await?;
        let BanDraft { reason, expires_at } = draft;
        let change = member_change(caller, channel, user.id, MemberAct::Ban { reason, expires_at });
        match self.0.log.commit(change, caller).await? {
            Outcome::Ban { ban, created } => Ok((BanView::new(ban, user), created)),
            _ => Err(Error::internal("a ban led to something else")),
        }
    }

    /// Lets somebody come into a channel again.
    pub async fn unban(
        &self,
        caller: &Caller,
        channel: ChannelId,
        whom: Whom,
    ) -> Result<(), Error> {
        let user = self.whom(whom).await?.id;
        self.move_member(caller, member_change(caller, channel, user, MemberAct::Unban))
            .await
            .map(drop)
    }

    /// Who is banned from a channel, by user id.
    pub async fn bans(
        &self,
        caller: &Caller,
        channel: ChannelId,
        page: PageRequest,
    ) -> Result<Page<BanView>, Error> {
        let found = self.0.store.bans(channel, caller.user, page, self.now()).await?;
        let (place, banned) = found.ok_or(Error::NotFound)?;
        self.standing(&place).require(Action::Ban)?;
        Ok(banned.map(|banned| BanView::new(banned.ban, banned.user)))
    }

    async fn whom(&self, whom: Whom) -> Result<Profile, Error> {
        let profile = match whom {
            Whom::Id(user) => self.0.store.profile(user).await?,
            Whom::Username(name) => self.0.store.profile_by_key(Username::key_of(&name)).await?,
        };
        profile.ok_or(Error::NotFound)
    }
}
