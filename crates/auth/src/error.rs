//! Why a proof was refused, or could not be checked.

/// What went wrong, by what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token was good and its time is over: refresh it.
    #[error("the token has expired")]
    Expired,
    /// The token was not issued by this server for this purpose: sign in.
    #[error("the token is not valid")]
    Invalid,
    /// As many passwords are being checked as may be: try again in a second or two.
    #[error("too many passwords are being checked")]
    Busy,
    /// A stored password hash is not one that this server writes. The row is damaged, or somebody
    /// else wrote it; the account cannot sign in until its password is set anew.
    #[error("the stored password hash cannot be used")]
    UnusableHash,
    /// The machine failed: no randomness, no memory, or the runtime is shutting down.
    #[error("cannot {0}")]
    Internal(&'static str),
}
