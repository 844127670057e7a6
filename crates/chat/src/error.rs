//! Why somebody did not get what they asked for, in words that say what they can do.

use std::time::Duration;

use tertulia_auth::Refused;
use tertulia_domain::policy::Denied;
use tertulia_domain::{Fault, Faults, Rejection};
use tertulia_files as files;
use tertulia_store::{self as store, Unique};

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No proof of identity, or one that is wrong, over or ended.
    #[error("sign in first")]
    Unauthenticated,
    /// The username or the password is wrong; which of them is not said.
    #[error("wrong username or password")]
    WrongCredentials,
    /// The password that was to prove who asks is wrong.
    #[error("this is not your password")]
    WrongPassword,
    /// The password is right, and an admin has disabled the account.
    #[error("this account is disabled")]
    Disabled,
    /// There is no such thing, as far as this person may know.
    #[error("not found")]
    NotFound,
    /// It can be seen, but not done.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Somebody has muted them for so long.
    #[error("you are muted")]
    Muted(Duration),
    /// They have spoken lately, and wait for so long.
    #[error("slow mode is on: wait a little")]
    SlowMode(Duration),
    /// It contradicts what is there: a stable code and a sentence.
    #[error("{1}")]
    Conflict(&'static str, &'static str),
    /// All that is wrong with the input.
    #[error("the input is not valid")]
    Invalid(Faults),
    /// A file above this many bytes.
    #[error("a file has at most {0} bytes")]
    TooLarge(u64),
    /// The thing is not as the precondition said: fetch it again.
    #[error("it has changed since")]
    Stale,
    /// More often than a limit allows.
    #[error("too many requests")]
    Limited(Refused),
    /// Too much at a time. Try again after this time.
    #[error("too many requests")]
    TooManyRequests(Duration),
    /// More is queued than may wait. Try again after this time; nothing was written.
    #[error("the server has too much to do")]
    Overloaded(Duration),
    /// It waited too long, and was not written.
    #[error("it took too long and was not done")]
    Timeout,
    /// The disk is full: reading goes on.
    #[error("the server's disk is full")]
    Full,
    /// The database cannot be reached, or the server stops. Try again.
    #[error("the server cannot do this now")]
    Unavailable,
    /// A fault of the server's own, which its log describes.
    #[error("internal error")]
    Internal,
}

impl Error {
    /// Logs a fault of the server's own, once, and says no more of it.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(error = %error, "internal error");
        Self::Internal
    }

    /// One bad field.
    pub fn field(field: &'static str, code: &'static str, message: &'static str) -> Self {
        Self::Invalid(Faults::one(field, Fault::new(code, message)))
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Taken(Unique::Username) => {
                Self::Conflict("username_taken", "this username is taken")
            }
            store::Error::Taken(Unique::Email) => {
                Self::Conflict("email_taken", "this e-mail address is taken")
            }
            store::Error::Busy => Self::Overloaded(Duration::from_secs(1)),
            store::Error::Raced => Self::Overloaded(Duration::from_millis(100)),
            store::Error::Full => Self::Full,
            store::Error::Unavailable(why) => {
                tracing::warn!(why, "the database is away");
                Self::Unavailable
            }
            store::Error::Corrupt(_) | store::Error::Setup(_) | store::Error::Other(_) => {
                Self::internal(error)
            }
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Limited(refused)
    }
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        match error {
            files::Error::Full => Self::Full,
            files::Error::Unavailable(why) => {
                tracing::warn!(why, "the storage of files cannot be used");
                Self::Unavailable
            }
            files::Error::Setup(_) => Self::internal(error),
        }
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NotFound => Self::NotFound,
            Rejection::Forbidden(why) => Self::Forbidden(why),
            Rejection::Muted(wait) => Self::Muted(wait),
            Rejection::SlowMode(wait) => Self::SlowMode(wait),
            Rejection::Conflict(code, why) => Self::Conflict(code, why),
            Rejection::Invalid(faults) => Self::Invalid(faults),
            Rejection::Stale => Self::Stale,
            Rejection::WrongPassword => Self::WrongPassword,
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Rejection::from(denied).into()
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}
