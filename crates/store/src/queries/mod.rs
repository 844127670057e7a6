//! Every SQL statement, one file a topic. These files are compiled twice: as `sqlite::queries` over
//! a SQLite connection and as `postgres::queries` over an asynchronous PostgreSQL one, by what
//! `super` calls `Conn` and `RunQueryDsl`. Functions that need one snapshot for several statements
//! are called inside a transaction.

use super::{Conn, RunQueryDsl, claimed, each, fulltext, held, locked};

pub(crate) mod accounts;
pub(crate) mod administration;
pub(crate) mod audit;
pub(crate) mod avatars;
pub(crate) mod bans;
pub(crate) mod changes;
pub(crate) mod channels;
pub(crate) mod drafts;
pub(crate) mod due;
pub(crate) mod erasure;
pub(crate) mod feeds;
pub(crate) mod files;
pub(crate) mod history;
pub(crate) mod indexing;
pub(crate) mod invites;
pub(crate) mod log;
pub(crate) mod mentions;
pub(crate) mod messages;
pub(crate) mod notifications;
pub(crate) mod pins;
pub(crate) mod presence;
pub(crate) mod reactions;
pub(crate) mod reads;
pub(crate) mod retention;
pub(crate) mod search;
pub(crate) mod sessions;
pub(crate) mod threads;
pub(crate) mod users;
