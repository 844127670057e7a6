//! Running the server. An admin is an account like any other where people talk: what is said in
//! private channels stays unknown to them.

use serde::Serialize;
use tertulia_auth::secret::{Kind, Secret};
use tertulia_domain::{
    Account, AccountAct, AccountRole, AuditAction, AuditEntry, Change, ChannelId, ChannelKind,
    Page, PageRequest, Timestamp, UserId, Username,
};
use tertulia_store::{AdministeredChannel, AdministeredUser, Counts};
use utoipa::ToSchema;

use crate::accounts::Registration;
use crate::sessions::Client;
use crate::{Caller, Chat, Error};

/// What an admin changes of an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountOrder {
    /// Its role.
    pub role: Option<AccountRole>,
    /// Whether it is disabled.
    pub disabled: Option<bool>,
}

/// A channel or group as admins see it: that it is there, and how large it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelSummary {
    /// The channel.
    pub id: ChannelId,
    /// Who may find and read it.
    pub kind: ChannelKind,
    /// Its name, if it has one.
    #[schema(example = "general", max_length = 80)]
    pub name: Option<String>,
    /// Who owns it.
    pub owner_id: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something last happened in it.
    pub active_at: Timestamp,
    /// How many are in it.
    #[schema(example = 12)]
    pub members: i64,
    /// How many messages were ever sent to it.
    #[schema(example = 4711)]
    pub messages: i64,
}

impl From<AdministeredChannel> for ChannelSummary {
    fn from(it: AdministeredChannel) -> Self {
        Self {
            id: it.channel.id,
            kind: it.channel.kind,
            name: it.channel.name,
            owner_id: it.channel.owner_id,
            created_at: it.channel.created_at,
            active_at: it.feed.moved_at,
            members: it.members,
            messages: it.feed.last_seq,
        }
    }
}

impl Chat {
    /// A token that makes an admin of the first who brings it, while there is no admin; each call
    /// voids the token of the one before.
    pub async fn offer_admin(&self) -> Result<Option<String>, Error> {
        let token = Secret::generate(Kind::Admin).map_err(Error::internal)?;
        let offered = self.0.store.offer_admin(token.hash()).await?;
        Ok(offered.then(|| token.expose().to_owned()))
    }

    /// Such a token, whether or not there is an admin: for whoever has the server's command line.
    pub async fn print_admin_token(&self) -> Result<String, Error> {
        let token = Secret::generate(Kind::Admin).map_err(Error::internal)?;
        let entry = self.entry_of_command_line(AuditAction::AdminTokenPrinted, None);
        self.0.store.renew_admin_token(token.hash(), entry).await?;
        Ok(token.expose().to_owned())
    }

    /// Makes an admin's account: for whoever has the server's command line.
    pub async fn create_admin(&self, new: Registration) -> Result<(), Error> {
        let new = self.new_user(new, AccountRole::Admin).await?;
        let entry = self.entry_of_command_line(AuditAction::AdminCreated, Some(new.id));
        Ok(self.0.store.insert_user_by_admin(new, entry).await?)
    }

    /// Makes the caller an admin by that token.
    pub async fn claim_admin(
        &self,
        caller: &Caller,
        token: &str,
        client: &Client,
    ) -> Result<Account, Error> {
        let wrong = Error::Forbidden("this is not the token that was printed last");
        let token = Secret::parse(Kind::Admin, token).map_err(|_| wrong.clone())?;
        let entry = self.entry(caller.user, client, AuditAction::AdminClaimed, caller.user);
        if !self.0.store.claim_admin(caller.user, token.hash(), entry).await? {
            return Err(wrong);
        }
        self.account(caller).await
    }

    /// Accounts whose username begins with `query`, by username; disabled ones too.
    pub async fn administered_users(
        &self,
        caller: &Caller,
        query: &str,
        page: PageRequest,
    ) -> Result<Page<AdministeredUser>, Error> {
        self.require_admin(caller).await?;
        Ok(self.0.store.administered_users(Username::key_of(query), page).await?)
    }

    /// An account.
    pub async fn administered_user(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<AdministeredUser, Error> {
        self.require_admin(caller).await?;
        self.0.store.administered_user(user).await?.ok_or(Error::NotFound)
    }

    /// Makes an account for somebody, also where nobody may register.
    pub async fn create_user(
        &self,
        caller: &Caller,
        new: Registration,
        client: &Client,
    ) -> Result<AdministeredUser, Error> {
        self.require_admin(caller).await?;
        let new = self.new_user(new, AccountRole::Member).await?;
        let id = new.id;
        let entry = self.entry(caller.user, client, AuditAction::UserCreated, id);
        self.0.store.insert_user_by_admin(new, entry).await?;
        self.0.store.administered_user(id).await?.ok_or(Error::NotFound)
    }

    /// Gives somebody another role, or disables or enables their account. Who is disabled is
    /// signed out everywhere at once. One admin always stays.
    pub async fn administer_user(
        &self,
        caller: &Caller,
        user: UserId,
        order: AccountOrder,
        client: &Client,
    ) -> Result<AdministeredUser, Error> {
        self.require_admin(caller).await?;
        let entry = |action| self.entry(caller.user, client, action, user);
        let role = order.role.map(|role| {
            let detail = match role {
                AccountRole::Member => "member",
                AccountRole::Admin => "admin",
            };
            let entry = entry(AuditAction::UserRoleChanged);
            (role, AuditEntry { detail: detail.to_owned(), ..entry })
        });
        let disabled = order.disabled.map(|disabled| {
            let action =
                if disabled { AuditAction::UserDisabled } else { AuditAction::UserEnabled };
            (disabled, entry(action))
        });
        let act = AccountAct::Administer { by: caller.user, role, disabled };
        self.change_account(caller, user, act).await?;
        self.0.store.administered_user(user).await?.ok_or(Error::NotFound)
    }

    /// Channels and groups whose name begins with `query`, the newest first.
    pub async fn administered_channels(
        &self,
        caller: &Caller,
        query: &str,
        page: PageRequest,
    ) -> Result<Page<ChannelSummary>, Error> {
        self.require_admin(caller).await?;
        let query = tertulia_domain::ChannelName::key_of(query);
        Ok(self.0.store.administered_channels(query, page).await?.map(ChannelSummary::from))
    }

    /// A channel or group.
    pub async fn administered_channel(
        &self,
        caller: &Caller,
        channel: ChannelId,
    ) -> Result<ChannelSummary, Error> {
        self.require_admin(caller).await?;
        let found = self.0.store.administered_channel(channel).await?;
        found.map(ChannelSummary::from).ok_or(Error::NotFound)
    }

    /// Deletes a channel or group, whoever owns it.
    pub async fn take_down_channel(
        &self,
        caller: &Caller,
        channel: ChannelId,
        client: &Client,
    ) -> Result<(), Error> {
        self.require_admin(caller).await?;
        let entry = self.entry(caller.user, client, AuditAction::ChannelDeleted, channel);
        let change = Change::TakeDownChannel { channel, by: caller.user, audit: Box::new(entry) };
        self.0.log.commit(change, caller).await.map(drop)
    }

    /// How much there is of everything.
    pub async fn statistics(&self, caller: &Caller) -> Result<Counts, Error> {
        self.require_admin(caller).await?;
        Ok(self.0.store.counts(self.0.clock.now()).await?)
    }

    /// Whoever runs nothing here is told so whether or not there is what they ask for.
    pub(crate) async fn require_admin(&self, caller: &Caller) -> Result<(), Error> {
        match self.account(caller).await?.role {
            AccountRole::Admin => Ok(()),
            AccountRole::Member => Err(Error::Forbidden("only admins may do this")),
        }
    }
}
