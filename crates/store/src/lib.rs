//! Every SQL statement, over SQLite and PostgreSQL. Each query is written once (`queries/`) and
//! compiled for both; rows stay inside, the domain's types come out.

#![expect(clippy::duplicate_mod, reason = "`queries/` is compiled once for each database")]

mod administration;
mod error;
mod fragment;
mod fulltext;
mod model;
mod operations;
mod postgres;
mod rows;
mod schema;
mod sqlite;
mod statements;
mod types;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tertulia_domain::{Change, Timestamp};

use tokio::time::Instant;

pub use administration::{
    AdministeredChannel, AdministeredUser, AuditFilter, Counts, Erasure, Upgrade,
};
pub use error::{Error, Unique};
pub use model::{
    Admission, BannedUser, Batch, Beginning, Changes, Credentials, Deletion, Door, FileContent,
    FileLimits, Findable, Found, Gap, History, HistoryPart, MAX_BEHIND, NewFile, NewSession,
    NewUser, Notices, Older, OwnChannel, Place, ProfileEdit, Rotation, Search, Session, SessionEnd,
    Share, Thread, TokenHash,
};

pub use postgres::PostgresAddress;
use postgres::{Begin, Postgres};
use sqlite::Sqlite;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file, made if it is missing.
    Sqlite(PathBuf),
    /// A `postgres://` address, which may hold a password, and how many connections to it.
    Postgres {
        /// The address.
        url: String,
        /// At most this many, beside the log's own.
        connections: usize,
    },
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store {
    db: Arc<Db>,
}

enum Db {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database, under a lock that keeps others from migrating at the same time, and
    /// brings it up to date. To be called on a multi-threaded runtime, which must outlive the
    /// store: PostgreSQL connections live on it.
    pub async fn open(location: Location) -> Result<Self, Error> {
        let db = match location {
            Location::Sqlite(path) => Db::Sqlite(
                tokio::task::spawn_blocking(move || Sqlite::open(&path))
                    .await
                    .map_err(|error| Error::Setup(error.to_string()))??,
            ),
            Location::Postgres { url, connections } => {
                Db::Postgres(Postgres::open(&url, connections).await?)
            }
        };
        Ok(Self { db: Arc::new(db) })
    }

    /// Commits a batch of changes: durable, every one or none, when this returns. Batches that got
    /// into each other's way are run again, a few times.
    pub async fn commit(&self, changes: Arc<[Change]>, now: Timestamp) -> Result<Batch, Error> {
        let deadline = Instant::now() + Duration::from_secs(15);
        self.commit_before(changes, now, deadline).await
    }

    /// The same, given up as [`Error::Unavailable`] if PostgreSQL has not answered by then: nobody
    /// knows then whether the batch is on disk, or will be.
    pub async fn commit_before(
        &self,
        changes: Arc<[Change]>,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Batch, Error> {
        // Hardly ever is the id of a new message taken: that is looked at only when it turned out.
        let mut ids = NewIds::Trusted;
        let mut tries = 3;
        loop {
            let result = self.commit_once(Arc::clone(&changes), now, ids, deadline).await;
            tries -= 1;
            match result {
                Err(Error::Raced) if tries > 0 => ids = NewIds::Checked,
                result => return result,
            }
        }
    }

    async fn commit_once(
        &self,
        changes: Arc<[Change]>,
        now: Timestamp,
        ids: NewIds,
        deadline: Instant,
    ) -> Result<Batch, Error> {
        match &*self.db {
            Db::Sqlite(db) => {
                db.write(move |conn| {
                    sqlite::at_once(sqlite::queries::log::commit(conn, &changes, now, ids))
                })
                .await
            }
            Db::Postgres(db) => db.commit(changes, now, ids, deadline).await,
        }
    }

    /// Takes what was deleted out of the files beside the database, too, where there are any: until
    /// then SQLite's journal may hold it.
    pub async fn scrub(&self) -> Result<(), Error> {
        match &*self.db {
            Db::Sqlite(db) => db.scrub().await,
            Db::Postgres(_) => Ok(()),
        }
    }

    /// Finishes what was begun, and closes the database if this is its last user.
    pub async fn close(self) {
        if let Ok(Db::Sqlite(db)) = Arc::try_unwrap(self.db) {
            let _ = tokio::task::spawn_blocking(move || db.close()).await;
        }
    }
}

/// Whether the ids of new messages are looked up before they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NewIds {
    /// No: if one is taken, the batch fails as [`Error::Raced`].
    Trusted,
    /// Yes.
    Checked,
}

/// The least text after all that begin with `prefix`; `None` when there is no bound.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn a_prefix_ends_before_the_next_text() {
        assert_eq!(after_prefix("ann").as_deref(), Some("ano"));
        assert_eq!(after_prefix("a\u{10FFFF}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{D7FF}").as_deref(), Some("\u{E000}"));
        assert_eq!(after_prefix(""), None);
    }
}
