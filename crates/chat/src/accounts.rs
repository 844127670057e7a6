//! People: making an account, seeing each other.

use tertulia_domain::{
    Account, AccountAct, AccountChange, AccountKind, AccountRole, AuditAction, AuditEntry,
    AuditResult, Change, DisplayName, Email, NewPassword, Page, PageRequest, Profile, UserId,
    Username,
};
use tertulia_store::{NewUser, ProfileEdit};

use crate::sessions::{Client, password_error};
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
        self.throttle_registration(client)?;
        self.require_open()?;
        let new = self.new_user(new, AccountRole::Member).await?;
        let (id, proof) = (new.id, new.password_hash.clone());
        self.0.store.insert_user(new).await?;
        self.begin_session(id, proof, client).await
    }

    /// Changes one's password. One's other devices are signed out, at once and with it.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: &str,
        new: &NewPassword,
        client: &Client,
    ) -> Result<(), Error> {
        let action = AuditAction::PasswordChanged;
        let Some(proven) = self.prove(caller, Some(current), action, client).await? else {
            return Err(Error::Conflict("guest", "a guest has no password"));
        };
        let hash = self.hash(new).await?;
        let audit = self.entry(caller.user, client, action, caller.user);
        let kept = caller.session;
        let act = AccountAct::SetPassword { proven, hash, kept, audit: audit.clone() };
        match self.change_account(caller, caller.user, act).await {
            Err(Error::WrongPassword) => self.refuse(audit).await,
            other => other,
        }
    }

    /// Changes one's e-mail address.
    pub async fn change_email(
        &self,
        caller: &Caller,
        password: &str,
        email: Email,
        client: &Client,
    ) -> Result<Account, Error> {
        // Whether an address is taken is told as seldom as by registering.
        self.throttle_registration(client)?;
        let action = AuditAction::EmailChanged;
        let Some(proven) = self.prove(caller, Some(password), action, client).await? else {
            return Err(Error::Conflict("guest", "a guest has no e-mail address"));
        };
        let audit = self.entry(caller.user, client, action, caller.user);
        if !self.0.store.set_email(caller.user, proven, email, audit.clone()).await? {
            self.0.store.password(caller.user).await?.ok_or(Error::Unauthenticated)?;
            return self.refuse(audit).await;
        }
        self.account(caller).await
    }

    /// Proves that it is the caller who asks, by their password: somebody may have taken their place
    /// at an open device. What was proven is true of that moment only, so the hash that it gives goes
    /// along with what was asked for. `None` when no password signs them in. Guesses are slowed by the
    /// session, and wrong ones are kept in the audit log.
    pub(crate) async fn prove(
        &self,
        caller: &Caller,
        password: Option<&str>,
        action: AuditAction,
        client: &Client,
    ) -> Result<Option<String>, Error> {
        let inner = &self.0;
        let hash = inner.store.password(caller.user).await?.ok_or(Error::Unauthenticated)?;
        let Some(hash) = hash else { return Ok(None) };
        let Some(password) = password else {
            return Err(Error::field("password", "missing", "this field is needed"));
        };
        // Not as signing in is counted: what others do behind the same address does not keep the
        // owner from changing the password.
        let attempt = inner.throttle.proof(caller.session)?;
        match inner.passwords.verify(Some(&hash), password).await {
            Ok(true) => {
                attempt.forgive();
                Ok(Some(hash))
            }
            Ok(false) => self.refuse(self.entry(caller.user, client, action, caller.user)).await,
            Err(error) => {
                attempt.forgive();
                Err(password_error(error))
            }
        }
    }

    /// Says that the password is wrong, and keeps that it was.
    pub(crate) async fn refuse<T>(&self, entry: AuditEntry) -> Result<T, Error> {
        self.0.store.record(AuditEntry { result: AuditResult::Refused, ..entry }).await?;
        Err(Error::WrongPassword)
    }

    pub(crate) async fn change_account(
        &self,
        caller: &Caller,
        user: UserId,
        act: AccountAct,
    ) -> Result<(), Error> {
        let change = Change::Account(Box::new(AccountChange { user, act }));
        self.0.log.commit(change, caller).await.map(drop)
    }

    pub(crate) fn throttle_registration(&self, client: &Client) -> Result<(), Error> {
        Ok(self.0.throttle.registration(client.address)?)
    }

    pub(crate) fn require_open(&self) -> Result<(), Error> {
        if self.0.registration_open {
            return Ok(());
        }
        Err(Error::Forbidden("this server takes no registrations"))
    }

    pub(crate) async fn new_user(
        &self,
        new: Registration,
        role: AccountRole,
    ) -> Result<NewUser, Error> {
        let display_name = match new.display_name {
            Some(name) => name,
            // A username is a display name: shorter, and of fewer characters.
            None => DisplayName::parse(new.username.as_str())
                .map_err(|fault| Error::Invalid(tertulia_domain::Faults::one("username", fault)))?,
        };
        let password_hash = Some(self.hash(&new.password).await?);
        let now = self.0.clock.now();
        Ok(NewUser {
            id: UserId::new(now),
            username: new.username,
            email: new.email,
            display_name,
            password_hash,
            kind: AccountKind::Person,
            role,
            created_at: now,
        })
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
        if edit.display_name.is_some() || edit.bio.is_some() {
            self.0.store.update_profile(caller.user, edit).await?;
            self.tell_profile(caller.user);
        }
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
