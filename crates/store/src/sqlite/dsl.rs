//! The face of `diesel_async::RunQueryDsl` over a SQLite connection: the same query functions
//! compile for both databases, and here every future is ready when it is made.

use std::future::{Ready, ready};

use diesel::SqliteConnection;
use diesel::query_builder::QueryFragment;
use diesel::query_dsl::methods::{ExecuteDsl, LoadQuery};
use diesel::result::QueryResult;
use diesel::sqlite::Sqlite;

use crate::statements::{OfRows, One};

/// Runs a query at once.
pub(crate) trait RunQueryDsl: Sized {
    /// All rows.
    fn load<'query, U>(self, conn: &mut SqliteConnection) -> Ready<QueryResult<Vec<U>>>
    where
        Self: LoadQuery<'query, SqliteConnection, U> + diesel::RunQueryDsl<SqliteConnection>,
    {
        ready(diesel::RunQueryDsl::load(self, conn))
    }

    /// The one row, or `NotFound`.
    fn get_result<'query, U>(self, conn: &mut SqliteConnection) -> Ready<QueryResult<U>>
    where
        Self: LoadQuery<'query, SqliteConnection, U> + diesel::RunQueryDsl<SqliteConnection>,
    {
        ready(diesel::RunQueryDsl::get_result(self, conn))
    }

    /// How many rows were written.
    fn execute(self, conn: &mut SqliteConnection) -> Ready<QueryResult<usize>>
    where
        Self: ExecuteDsl<SqliteConnection> + diesel::RunQueryDsl<SqliteConnection>,
    {
        ready(diesel::RunQueryDsl::execute(self, conn))
    }
}

impl<T> RunQueryDsl for T {}

/// Does something with each of these rows; how many it was done with.
pub(crate) fn each<S: OfRows>(
    conn: &mut SqliteConnection,
    rows: Vec<S::Row>,
) -> Ready<QueryResult<usize>>
where
    One<S>: QueryFragment<Sqlite>,
{
    let one = |row| diesel::RunQueryDsl::execute(One::<S>(row), conn);
    ready(rows.into_iter().map(one).sum())
}

/// Locks the rows that a query finds: here the writer is alone anyway.
macro_rules! locked {
    ($query:expr) => {
        $query
    };
}

/// Locks the rows that a query finds, but for those that somebody else has locked.
macro_rules! claimed {
    ($query:expr) => {
        $query
    };
}

/// Keeps the rows that a query finds from who claims them.
macro_rules! held {
    ($query:expr) => {
        $query
    };
}

pub(crate) use claimed;
pub(crate) use held;
pub(crate) use locked;
