//! What can go wrong with a storage.

use std::error::Error as _;
use std::io;

/// Why the storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no room left; reading goes on.
    #[error("the storage is full")]
    Full,
    /// It cannot be reached, or refuses. Try again later.
    #[error("the storage cannot be used: {0}")]
    Unavailable(String),
    /// The server cannot start on this storage.
    #[error("{0}")]
    Setup(String),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if inner.downcast_ref::<io::Error>().is_some_and(|error| is_full(error.kind())) {
                return Self::Full;
            }
            cause = inner.source();
        }
        Self::Unavailable(error.to_string())
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if is_full(error.kind()) { Self::Full } else { Self::Unavailable(error.to_string()) }
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
