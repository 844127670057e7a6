//! People: making an account, seeing each other.

use tertulia_auth::secret::{Kind, Secret};
use tertulia_domain::{
    Account, AccountRole, DisplayName, Email, NewPassword, Page, PageRequest, Profile, UserId,
    Username,
};
use tertulia_store::{NewUser, ProfileEdit};

use crate::sessions::Client;
use crate::{Caller, Chat, Error, SignedIn};

/// An account to be made.
#[derive(Clone, Debug)]
pub struct Registration {
    /// To sign in and be mentioned by.
    pub username: Username,
    /// To sign in by.
    pub email: Option<Email>,
    /// Kept as a hash.
    pub password: NewPassword,
    /// The username, if it is not given.
    pub display_name: Option<DisplayName>,
}

impl Chat {
    /// Makes an account and signs it in.
    pub async fn register(&self, new: Registration, client: &Client) -> Result<SignedIn, Error> {
        let inner = &self.0;
        inner
            .throttle
            .registration(client.address)
            .map_err(|wait| Error::TooManyRequests(wait.duration()))?;
        let password_hash = self.hash(&new.password).await?;
        let now = inner.clock.now();
        let id = UserId::new(now);
        let display_name = match new.display_name {
            Some(name) => name,
            // A username is a display name: shorter, and of fewer characters.
            None => DisplayName::parse(new.username.as_str())
                .map_err(|fault| Error::Invalid(tertulia_domain::Faults::one("username", fault)))?,
        };
        inner
            .store
            .insert_user(NewUser {
                id,
                username: new.username,
                email: new.email,
                display_name,
                password_hash,
                role: AccountRole::Member,
                created_at: now,
            })
            .await?;
        self.begin_session(id, client).await
    }

    /// A token that makes an admin of the first who brings it, while there is no admin; each call
    /// voids the token of the one before.
    pub async fn offer_admin(&self) -> Result<Option<String>, Error> {
        let token = Secret::generate(Kind::Admin).map_err(Error::internal)?;
        let offered = self.0.store.offer_admin(token.hash()).await?;
        Ok(offered.then(|| token.expose().to_owned()))
    }

    /// Makes the caller an admin by that token.
    pub async fn claim_admin(&self, caller: &Caller, token: &str) -> Result<Account, Error> {
        let wrong = Error::Forbidden("this is not the token that was printed last");
        let token = Secret::parse(Kind::Admin, token).map_err(|_| wrong.clone())?;
        if !self.0.store.claim_admin(caller.user, token.hash()).await? {
            return Err(wrong);
        }
        self.account(caller).await
    }

    /// Oneself.
    pub async fn account(&self, caller: &Caller) -> Result<Account, Error> {
        self.0.store.account(caller.user).await?.ok_or(Error::Unauthenticated)
    }

    /// Changes how one is seen.
    pub async fn update_profile(
        &self,
        caller: &Caller,
        edit: ProfileEdit,
    ) -> Result<Account, Error> {
        self.0.store.update_profile(caller.user, edit).await?;
        self.account(caller).await
    }

    /// Somebody, by id. Every signed-in account may see every profile.
    pub async fn profile(&self, _caller: &Caller, user: UserId) -> Result<Profile, Error> {
        self.0.store.profile(user).await?.ok_or(Error::NotFound)
    }

    /// Somebody, by username in any case.
    pub async fn profile_by_username(
        &self,
        _caller: &Caller,
        username: &str,
    ) -> Result<Profile, Error> {
        let key = Username::key_of(username);
        self.0.store.profile_by_key(key).await?.ok_or(Error::NotFound)
    }

    /// People whose username begins with `query`, by username.
    pub async fn profiles(
        &self,
        _caller: &Caller,
        query: &str,
        page: PageRequest,
    ) -> Result<Page<Profile>, Error> {
        Ok(self.0.store.users(Username::key_of(query), page).await?)
    }
}
