//! Guests: a name, and nothing else. They read and write where everybody may, or somebody has
//! brought them; they make no channels, begin no conversations and run nothing. Who is away too long
//! is forgotten (`erasure.rs`); who signs up stays who they were.

use tertulia_domain::{
    Account, AccountKind, AccountRole, AuditAction, DisplayName, Email, NewPassword, Timestamp,
    UserId, Username,
};
use tertulia_store::{NewUser, Upgrade};

use crate::sessions::Client;
use crate::{Caller, Chat, Error, SignedIn};

/// What a guest signs up with.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// To sign in and be mentioned by.
    pub username: Username,
    /// To sign in by.
    pub email: Option<Email>,
    /// Kept as a hash.
    pub password: NewPassword,
}

/// Of 32 characters, six are for what makes it unique.
const MAX_STEM: usize = 26;

/// Tries to find a name that nobody has: of four characters there are a million.
const TRIES: usize = 5;

impl Chat {
    /// Lets somebody in by a name, if this server takes guests.
    pub async fn guest(&self, name: DisplayName, client: &Client) -> Result<SignedIn, Error> {
        self.throttle_registration(client)?;
        if !self.0.guests {
            return Err(Error::Forbidden("this server takes no guests"));
        }
        for _ in 0..TRIES {
            let now = self.0.clock.now();
            let id = UserId::new(now);
            let new = NewUser {
                id,
                username: guest_name(name.as_str(), id)?,
                email: None,
                display_name: name.clone(),
                password_hash: None,
                kind: AccountKind::Guest,
                role: AccountRole::Member,
                created_at: now,
            };
            match self.0.store.insert_user(new).await {
                Err(tertulia_store::Error::Taken(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    return self.begin_session_until(id, None, client, self.guest_until()).await;
                }
            }
        }
        Err(Error::Conflict("username_taken", "no name could be made of this one"))
    }

    /// Makes a guest's account a person's, with all that it has.
    pub async fn upgrade_guest(
        &self,
        caller: &Caller,
        new: SignUp,
        client: &Client,
    ) -> Result<Account, Error> {
        self.throttle_registration(client)?;
        self.require_open()?;
        let password_hash = self.hash(&new.password).await?;
        let to = Upgrade { username: new.username, email: new.email, password_hash };
        let audit = self.entry(caller.user, client, AuditAction::AccountUpgraded, caller.user);
        if !self.0.store.upgrade(caller.user, to, audit).await? {
            return Err(Error::Conflict("not_a_guest", "only a guest can sign up again"));
        }
        self.tell_profile(caller.user);
        self.account(caller).await
    }

    /// Guests do not make what they could not be asked about later.
    pub(crate) async fn require_person(&self, caller: &Caller) -> Result<(), Error> {
        match self.account(caller).await?.profile.kind {
            AccountKind::Guest => Err(Error::Forbidden("guests may not do this; sign up first")),
            AccountKind::Person | AccountKind::Deleted => Ok(()),
        }
    }

    /// When a guest is forgotten who does nothing from now on. Never while an access token of
    /// theirs is good.
    pub(crate) fn guest_until(&self) -> Timestamp {
        self.0.clock.now().plus(self.0.guest_ttl.max(self.0.access_ttl))
    }
}

/// A username that resembles this name: never the name alone, which may be, or become, somebody
/// else's. Twenty of the id's random bits make it unique.
fn guest_name(name: &str, id: UserId) -> Result<Username, Error> {
    // No letter that could be taken for a digit (Crockford's base 32).
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let random: String = id
        .uuid()
        .as_bytes()
        .iter()
        .rev()
        .take(4)
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect();
    let fits = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let stem: String = name.to_lowercase().chars().filter(fits).take(MAX_STEM).collect();
    let stem = stem.trim_start_matches(['_', '.', '-']);
    // What was cut out of a name may be none.
    Username::parse(&format!("{stem}-{random}"))
        .or_else(|_| Username::parse(&format!("guest-{random}")))
        .map_err(|_| Error::internal("no name for a guest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_called_like_their_name_and_like_nobody_else() {
        let id = UserId::new(Timestamp::from_unix_millis(0));
        for (name, start) in [
            ("Ann Lee", "annlee-"),
            ("☕", "guest-"),
            ("-.-", "guest-"),
            ("me", "me-"),
            ("\u{645}\u{631}\u{64a}\u{645}", "\u{645}\u{631}\u{64a}\u{645}-"),
            (&"x".repeat(64), "xxxxxxxxxxxxxxxxxxxxxxxxxx-"),
        ] {
            let made = guest_name(name, id).unwrap();
            assert!(made.as_str().starts_with(start), "{name}: {made:?}");
            let other = guest_name(name, UserId::new(Timestamp::from_unix_millis(0))).unwrap();
            assert_ne!(made, other);
        }
    }
}
