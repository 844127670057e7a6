//! PostgreSQL: a pool, and a connection of the log's own. Every operation runs as a task of the
//! main runtime: connections are opened there (`diesel-async` spawns their drivers on the runtime
//! that opened them, which must not be an actix worker's), and a caller that goes away leaves no
//! transaction half done.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::query_builder::QueryFragment;
use diesel::result::QueryResult;
use diesel_async::{
    AnsiTransactionManager, AsyncMigrationHarness, AsyncPgConnection, SimpleAsyncConnection,
    TransactionManager,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tertulia_domain::{Change, Timestamp};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::statements::{All, OfRows};
use crate::{Batch, Error, NewIds};

mod address;
mod connect;
mod fulltext;
mod pool;
#[path = "queries/mod.rs"]
pub(crate) mod queries;
mod tls;

pub use address::PostgresAddress;
use connect::Connector;
use pool::{Lease, Pool};

pub(crate) use diesel_async::RunQueryDsl;

pub(crate) type Conn = AsyncPgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// "Tertulia", as a number: two nodes that start together migrate one after the other.
const MIGRATION_LOCK: i64 = 0x5465_7274_756c_6961;

/// A server that hangs must not hang those who ask it.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How a transaction begins.
pub(crate) enum Begin {
    /// One snapshot for all statements, reading only.
    Snapshot,
    /// Each statement sees what is committed when it begins: what is decided after a lock was
    /// waited for must see what the lock's last owner wrote.
    Write,
}

/// A PostgreSQL server.
pub(crate) struct Postgres {
    runtime: Handle,
    pool: Pool,
    connector: Arc<Connector>,
    log: Arc<Mutex<Option<AsyncPgConnection>>>,
}

impl Postgres {
    /// Connects and brings the database up to date. To be called on the main runtime.
    pub(crate) async fn open(url: &str, connections: usize) -> Result<Self, Error> {
        let address = PostgresAddress::parse(url).map_err(|why| Error::Setup(why.to_owned()))?;
        let connector = Arc::new(Connector::new(address)?);
        let pool = Pool::new(Arc::clone(&connector), connections)?;
        migrate(&connector).await?;
        Ok(Self { runtime: Handle::current(), pool, connector, log: Arc::new(Mutex::new(None)) })
    }

    /// Runs an operation to its end on the main runtime, whatever becomes of the caller.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let operation = async {
            let answered = tokio::time::timeout(ANSWER_WITHIN, operation).await;
            answered.unwrap_or_else(|_| Err(no_answer()))
        };
        self.runtime.spawn(operation).await.map_err(|error| Error::Other(error.to_string()))?
    }

    /// A connection from the pool; [`Error::Busy`] when none is free within 5 s.
    pub(crate) fn connection_later(
        &self,
    ) -> impl Future<Output = Result<Lease, Error>> + Send + use<> {
        self.pool.clone().take()
    }

    /// Commits a batch on the log's own connection, opened again when it was lost.
    pub(crate) async fn commit(
        &self,
        changes: Arc<[Change]>,
        now: Timestamp,
        ids: NewIds,
        deadline: Instant,
    ) -> Result<Batch, Error> {
        let log = Arc::clone(&self.log);
        let connector = Arc::clone(&self.connector);
        let commit = async move {
            let mut slot = log.lock().await;
            let mut conn = match slot.take() {
                Some(conn) => conn,
                None => connector
                    .connect()
                    .await
                    .map_err(|error| Error::Unavailable(error.to_string()))?,
            };
            begin(&mut conn, Begin::Write).await?;
            // All that a batch may need is much to carry along.
            let result = Box::pin(queries::log::commit(&mut conn, &changes, now, ids)).await;
            let result = end(&mut conn, result).await;
            // After any error that is not the batch's own the connection is not trusted again.
            if matches!(result, Ok(_) | Err(Error::Raced)) {
                *slot = Some(conn);
            }
            result
        };
        // Cut off, the connection is closed with whatever was under way on it.
        self.run(async move {
            let committed = tokio::time::timeout_at(deadline, commit).await;
            committed.unwrap_or_else(|_| Err(no_answer()))
        })
        .await
    }
}

/// Begins a transaction that [`end`] must end.
pub(crate) async fn begin(conn: &mut Conn, begin: Begin) -> Result<(), Error> {
    let sql = match begin {
        Begin::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        Begin::Write => "BEGIN",
    };
    Ok(AnsiTransactionManager::begin_transaction_sql(conn, sql).await?)
}

/// Commits what went well, and takes back what did not.
pub(crate) async fn end<T>(conn: &mut Conn, result: Result<T, Error>) -> Result<T, Error> {
    match result {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(conn).await?;
            Ok(value)
        }
        Err(error) => {
            // The first error says more than a rollback that failed because of it.
            let _ = AnsiTransactionManager::rollback_transaction(conn).await;
            Err(error)
        }
    }
}

fn no_answer() -> Error {
    Error::Unavailable("no answer in time".to_owned())
}

async fn migrate(connector: &Connector) -> Result<(), Error> {
    let setup = |error: &dyn std::fmt::Display| Error::Setup(format!("PostgreSQL: {error}"));
    let mut connection = connector.connect_plainly().await.map_err(|error| setup(&error))?;
    check_version(&mut connection).await.map_err(|error| setup(&error))?;
    connection
        .batch_execute(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        .await
        .map_err(|error| setup(&error))?;
    // The harness blocks its thread.
    let mut connection = tokio::task::spawn_blocking(move || {
        let mut harness = AsyncMigrationHarness::new(connection);
        let run = harness.run_pending_migrations(MIGRATIONS).map(|_| ());
        run.map_err(|error| error.to_string()).map(|()| harness.into_inner())
    })
    .await
    .map_err(|error| setup(&error))?
    .map_err(|error| setup(&error))?;
    // The lock ends with the connection.
    queries::accounts::fill_skeletons(&mut connection).await
}

/// PostgreSQL 15 is the oldest one that the tests run on.
async fn check_version(conn: &mut Conn) -> Result<(), String> {
    let query =
        diesel::dsl::sql::<diesel::sql_types::Text>("SELECT current_setting('server_version_num')");
    let version: String =
        query.get_result(conn).await.map_err(|error: diesel::result::Error| error.to_string())?;
    if version.parse::<u32>().unwrap_or_default() < 150_000 {
        return Err(format!("version {version} is too old: 15 is wanted"));
    }
    Ok(())
}

/// Does something with each of these rows; how many it was done with.
pub(crate) async fn each<S>(conn: &mut Conn, rows: Vec<S::Row>) -> QueryResult<usize>
where
    S: OfRows,
    S::Columns: Send,
    All<S>: QueryFragment<Pg>,
{
    All::<S>::new(rows).execute(conn).await
}

/// Locks the rows that a query finds, without keeping out who only refers to them.
macro_rules! locked {
    ($query:expr) => {
        $query.for_no_key_update()
    };
}

/// Locks the rows that a query finds, but for those that somebody else has locked.
macro_rules! claimed {
    ($query:expr) => {
        $query.for_update().skip_locked()
    };
}

/// Keeps the rows that a query finds from who claims them, and not from who changes them.
macro_rules! held {
    ($query:expr) => {
        $query.for_key_share()
    };
}

pub(crate) use claimed;
pub(crate) use held;
pub(crate) use locked;
