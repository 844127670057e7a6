//! Signing in and staying so: sessions, their tokens and tickets.

use std::net::IpAddr;
use std::time::Duration;

use tertulia_auth::Error as AuthError;
use tertulia_auth::secret::{Kind, Secret};
use tertulia_domain::{
    Change, Email, NewPassword, SessionId, SessionScope, Timestamp, UserId, Username,
};
use tertulia_store::{NewSession, Rotation, Session, SessionEnd};

use crate::{Caller, Chat, Error, SignedIn, Ticket};

/// How long a session lasts without being refreshed.
const SESSION_TTL: time::Duration = time::Duration::days(30);

/// How long a ticket is good: it is redeemed by the next request.
const TICKET_TTL: time::Duration = time::Duration::seconds(30);

/// The device that asks.
#[derive(Clone, Debug)]
pub struct Client {
    /// Where it comes from, behind all trusted proxies.
    pub address: IpAddr,
    /// What it calls itself.
    pub user_agent: String,
}

impl Chat {
    /// Signs in by username or e-mail address. Takes as long, and says the same, whether the
    /// account or the password is wrong.
    pub async fn log_in(
        &self,
        identifier: &str,
        password: &str,
        client: &Client,
    ) -> Result<SignedIn, Error> {
        let inner = &self.0;
        let username_key = Username::key_of(identifier);
        let email_key = Email::key_of(identifier);
        let found = inner.store.credentials(username_key.clone(), email_key).await?;
        // Guesses count against the account, however it is called, and this address only: nobody
        // can lock somebody else out.
        let account = found.as_ref().map_or(username_key, |found| found.user.to_string());
        let attempt = inner.throttle.log_in(&account, client.address)?;
        let hash = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let right = match inner.passwords.verify(hash, password).await {
            Ok(right) => right,
            Err(error) => {
                attempt.forgive();
                return Err(password_error(error));
            }
        };
        match found {
            Some(found) if right => {
                attempt.forgive();
                // Said to nobody but who knows the password.
                if found.disabled {
                    return Err(Error::Disabled);
                }
                self.begin_session(found.user, found.password_hash, client).await
            }
            _ => Err(Error::WrongCredentials),
        }
    }

    /// Uses a refresh token: good once, and for 20 s more for the same successor. One that comes
    /// back later ends its session, since somebody has stolen it.
    pub async fn refresh(&self, token: &str) -> Result<SignedIn, Error> {
        let inner = &self.0;
        let old = Secret::parse(Kind::Refresh, token).map_err(|_| Error::Unauthenticated)?;
        let new = old.successor(&inner.keys);
        let now = inner.clock.now();
        let until = SessionEnd { person: now.plus(SESSION_TTL), guest: self.guest_until() };
        match inner.store.rotate(old.hash(), new.hash(), now, until).await? {
            Rotation::Rotated { user, session } => self.signed_in(user, session, &new).await,
            Rotation::Reused { user, session } => {
                tracing::warn!(%user, %session, "a refresh token was used twice; ending its session");
                self.end(user, SessionScope::One(session), None).await?;
                Err(Error::Unauthenticated)
            }
            Rotation::Unknown => Err(Error::Unauthenticated),
        }
    }

    /// Whether an access token is good, and whose it is.
    pub fn authenticate(&self, token: &str) -> Result<Caller, Error> {
        let claims =
            self.0.tokens.verify(token, self.0.clock.now()).map_err(|_| Error::Unauthenticated)?;
        let (user, session, expires_at) = (claims.user, claims.session, claims.expires_at);
        self.still(Caller { user, session, expires_at, address: None })
    }

    /// The caller, unless their session has ended.
    pub fn still(&self, caller: Caller) -> Result<Caller, Error> {
        if self.0.hub.has_ended(caller.session) {
            return Err(Error::Unauthenticated);
        }
        Ok(caller)
    }

    /// A ticket for one WebSocket, good for 30 s.
    pub async fn ticket(&self, caller: &Caller) -> Result<Ticket, Error> {
        let inner = &self.0;
        let ticket = Secret::generate(Kind::Ticket).map_err(Error::internal)?;
        let expires_at = inner.clock.now().plus(TICKET_TTL);
        inner.store.insert_ticket(ticket.hash(), caller.session, expires_at).await?;
        Ok(Ticket { ticket: ticket.expose().to_owned(), expires_in: TICKET_TTL.whole_seconds() })
    }

    /// Uses a ticket up. What it proves is good as long as a new access token would be.
    pub async fn redeem(&self, ticket: &str) -> Result<Caller, Error> {
        let inner = &self.0;
        let ticket = Secret::parse(Kind::Ticket, ticket).map_err(|_| Error::Unauthenticated)?;
        let now = inner.clock.now();
        let redeemed = inner.store.redeem_ticket(ticket.hash(), now).await?;
        let (user, session) = redeemed.ok_or(Error::Unauthenticated)?;
        let expires_at = now.plus(inner.access_ttl);
        self.still(Caller { user, session, expires_at, address: None })
    }

    /// One's signed-in devices, the last used first; at most 100.
    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<Session>, Error> {
        Ok(self.0.store.sessions(caller.user, self.0.clock.now()).await?)
    }

    /// Signs out the device that asks.
    pub async fn log_out(&self, caller: &Caller) -> Result<(), Error> {
        self.end(caller.user, SessionScope::One(caller.session), Some(caller)).await.map(drop)
    }

    /// Signs out one of one's devices.
    pub async fn end_session(&self, caller: &Caller, session: SessionId) -> Result<(), Error> {
        match self.end(caller.user, SessionScope::One(session), Some(caller)).await? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    /// Signs out all of one's devices, this one too.
    pub async fn end_all_sessions(&self, caller: &Caller) -> Result<(), Error> {
        self.end(caller.user, SessionScope::All, Some(caller)).await.map(drop)
    }

    async fn end(
        &self,
        user: UserId,
        scope: SessionScope,
        by: Option<&Caller>,
    ) -> Result<usize, Error> {
        let session = by.map(|caller| caller.session);
        match self.0.log.submit(Change::EndSessions { user, scope }, session)?.await? {
            tertulia_domain::Outcome::SessionsEnded(count) => Ok(count),
            _ => Err(Error::internal("ending sessions led to something else")),
        }
    }

    /// Signs somebody in, unless what was proven (their password, if it was that) is not so any
    /// more.
    pub(crate) async fn begin_session(
        &self,
        user: UserId,
        proof: Option<String>,
        client: &Client,
    ) -> Result<SignedIn, Error> {
        let expires_at = self.0.clock.now().plus(SESSION_TTL);
        self.begin_session_until(user, proof, client, expires_at).await
    }

    pub(crate) async fn begin_session_until(
        &self,
        user: UserId,
        proof: Option<String>,
        client: &Client,
        expires_at: Timestamp,
    ) -> Result<SignedIn, Error> {
        let inner = &self.0;
        let refresh = Secret::generate(Kind::Refresh).map_err(Error::internal)?;
        let now = inner.clock.now();
        let new = NewSession {
            id: SessionId::new(now),
            user,
            user_agent: client.user_agent.chars().take(200).filter(|c| *c != '\0').collect(),
            address: client.address.to_string(),
            created_at: now,
            expires_at,
            proof,
        };
        let session = new.id;
        if !inner.store.insert_session(new, refresh.hash()).await? {
            return Err(Error::WrongCredentials);
        }
        self.signed_in(user, session, &refresh).await
    }

    async fn signed_in(
        &self,
        user: UserId,
        session: SessionId,
        refresh: &Secret,
    ) -> Result<SignedIn, Error> {
        let inner = &self.0;
        let account = inner.store.account(user).await?.ok_or(Error::Unauthenticated)?;
        let access_token = inner
            .tokens
            .issue(user, session, inner.clock.now(), inner.access_ttl)
            .map_err(Error::internal)?;
        Ok(SignedIn {
            access_token,
            token_type: "bearer",
            expires_in: inner.access_ttl.whole_seconds(),
            refresh_token: refresh.expose().to_owned(),
            session_id: session,
            user: account,
        })
    }

    pub(crate) async fn hash(&self, password: &NewPassword) -> Result<String, Error> {
        self.0.passwords.hash(password).await.map_err(password_error)
    }
}

pub(crate) fn password_error(error: AuthError) -> Error {
    match error {
        AuthError::Busy => Error::Overloaded(Duration::from_secs(2)),
        other => Error::internal(other),
    }
}
