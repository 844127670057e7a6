//! What can go wrong below the use cases.

use diesel::result::{DatabaseErrorKind, Error as Diesel};

/// Something that must be unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// A username, compared without case and by what it looks like.
    Username,
    /// An e-mail address, compared without case.
    Email,
}

/// Why the database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else has it.
    #[error("{0:?} is taken")]
    Taken(Unique),
    /// More is waiting than may wait. Try again later.
    #[error("the database has too much to do")]
    Busy,
    /// The database cannot be reached. Try again later.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// The disk is full: reads go on.
    #[error("the disk is full")]
    Full,
    /// Two batches got into each other's way; the same again will do.
    #[error("a concurrent change got in the way")]
    Raced,
    /// A row says what no version of this program writes.
    #[error("bad data: {0}")]
    Corrupt(&'static str),
    /// The server cannot start on this database.
    #[error("{0}")]
    Setup(String),
    /// Anything else: the database's own words, for the log only.
    #[error("database: {0}")]
    Other(String),
}

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        let Diesel::DatabaseError(kind, info) = &error else {
            return match error {
                Diesel::BrokenTransactionManager => Self::Unavailable(error.to_string()),
                _ => Self::Other(error.to_string()),
            };
        };
        // PostgreSQL names the index, SQLite the columns (which are named like the indexes).
        let named = |key: &str| {
            info.constraint_name() == Some(key)
                || info.message().contains(&key.replacen('_', ".", 1))
        };
        match kind {
            DatabaseErrorKind::UniqueViolation
                if named("users_username_key") || named("users_skeleton") =>
            {
                Self::Taken(Unique::Username)
            }
            DatabaseErrorKind::UniqueViolation if named("users_email_key") => {
                Self::Taken(Unique::Email)
            }
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure => {
                Self::Raced
            }
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Unavailable(error.to_string())
            }
            _ if info.message().contains("database or disk is full") => Self::Full,
            _ if info.message().contains("No space left on device") => Self::Full,
            _ if info.message().contains("deadlock detected")
                || info.message().contains("lock timeout") =>
            {
                Self::Raced
            }
            _ if info.message().contains("connection closed")
                || info.message().contains("terminating connection")
                || info.message().contains("shutting down")
                || info.message().contains("starting up") =>
            {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Other(error.to_string()),
        }
    }
}
