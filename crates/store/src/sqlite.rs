//! SQLite: one thread that owns the writing connection, a few that read. A whole closure a hop,
//! never a hop a statement; what is queued while a commit is under way shares the next one.

use std::fs::{File, TryLockError};
use std::future::Future;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use futures_util::FutureExt;
use tokio::sync::oneshot;

use crate::Error;

mod dsl;
mod fulltext;
#[path = "queries/mod.rs"]
pub(crate) mod queries;

pub(crate) use dsl::{RunQueryDsl, claimed, each, held, locked};

pub(crate) type Conn = SqliteConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Statements that wait for a reader or the writer; more are answered [`Error::Busy`].
const QUEUE: usize = 4096;
/// Reading threads: SQLite reads are short and rarely wait for the disk.
const READERS: usize = 2;
/// Closures that share one commit at most.
const GROUP: usize = 64;

type Job = Box<dyn FnOnce(&mut SqliteConnection) + Send>;

/// A closure to run inside the writer's transaction. Where there is none (it gets no connection) it
/// runs nothing: each statement would be a transaction of its own.
struct Write {
    run: Run,
}

type Run = Box<dyn FnOnce(Option<&mut SqliteConnection>) -> Ran + Send>;

/// How a closure ended, and what tells its caller.
struct Ran {
    keep: bool,
    /// Called after the commit, or with the reason why there was none.
    answer: Answer,
}

type Answer = Box<dyn FnOnce(Option<&Failed>) + Send>;

/// Why a commit failed: every caller of the group hears it.
enum Failed {
    Full,
    /// Another program holds the database: nothing was written, and the same again may do.
    Locked(String),
    Other(String),
}

/// The embedded database of one server.
pub(crate) struct Sqlite {
    writer: Sender<Write>,
    readers: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
    path: PathBuf,
    sharing: Sharing,
}

impl Sqlite {
    /// Opens (or makes) the database and brings it up to date.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        // Keeps a second server out until the last of this one's connections is closed.
        let lock = Arc::new(lock(path)?);
        let (mut connection, sharing) = first_connection(path)?;
        check_version(&mut connection)?;
        connection
            .run_pending_migrations(MIGRATIONS)
            .map_err(|error| told(path, &format!("migrations: {error}")))?;
        connection.batch_execute("BEGIN IMMEDIATE")?;
        at_once(queries::accounts::fill_skeletons(&mut connection))?;
        connection.batch_execute("COMMIT")?;
        let (writer, jobs) = bounded(QUEUE);
        // Nobody but another program can hold the writer up, and nobody is to wait long for one.
        connection.batch_execute("PRAGMA busy_timeout = 1000")?;
        let held = Arc::clone(&lock);
        let mut threads = vec![spawn("sqlite-writer", move || {
            write_loop(&mut connection, &jobs);
            drop((connection, held));
        })?];
        let (readers, jobs) = bounded::<Job>(QUEUE);
        for _ in 0..READERS {
            let jobs = jobs.clone();
            let held = Arc::clone(&lock);
            let mut connection = connect(path, sharing)?;
            connection.batch_execute("PRAGMA query_only = ON").map_err(|error| setup(&error))?;
            threads.push(spawn("sqlite-reader", move || {
                for job in jobs {
                    if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
                        let _ = connection.batch_execute("ROLLBACK");
                    }
                }
                drop((connection, held));
            })?);
        }
        Ok(Self { writer, readers, threads, path: path.to_owned(), sharing })
    }

    /// Runs reading statements, in one snapshot if `snapshot`.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        snapshot: bool,
        read: impl FnOnce(&mut SqliteConnection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // A caller that has gone away needs no answer.
            if answer.is_closed() {
                return;
            }
            let result = if snapshot { in_snapshot(connection, read) } else { read(connection) };
            let _ = answer.send(result);
        });
        enqueue(&self.readers, job)?;
        answered.await.map_err(|_| dropped())?
    }

    /// Runs writing statements as one: all of them are on disk when this returns, or none.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        write: impl FnOnce(&mut SqliteConnection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let run = Box::new(move |connection: Option<&mut SqliteConnection>| {
            let result = connection.map_or(Err(dropped()), write);
            Ran {
                keep: result.is_ok(),
                answer: Box::new(move |failed| {
                    let _ = answer.send(match failed {
                        None => result,
                        Some(Failed::Full) => Err(Error::Full),
                        Some(Failed::Locked(why)) => Err(Error::Unavailable(why.clone())),
                        Some(Failed::Other(why)) => Err(Error::Other(why.clone())),
                    });
                }),
            }
        });
        enqueue(&self.writer, Write { run })?;
        answered.await.map_err(|_| dropped())?
    }

    /// Moves the journal into the database and empties it. Waits for those who read and write, each
    /// of whom is short, and makes them wait for as long as it takes.
    pub(crate) async fn scrub(&self) -> Result<(), Error> {
        let (path, sharing) = (self.path.clone(), self.sharing);
        let scrubbed = tokio::task::spawn_blocking(move || {
            let query = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)");
            let done: Checkpoint =
                diesel::RunQueryDsl::get_result(query, &mut connect(&path, sharing)?)?;
            if done.busy == 0 { Ok(()) } else { Err(Error::Busy) }
        });
        scrubbed.await.map_err(|error| Error::Other(error.to_string()))?
    }

    /// Waits until all that was queued is done. Blocks.
    pub(crate) fn close(self) {
        drop((self.writer, self.readers));
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

/// Runs a query function: on SQLite each of its futures is ready at once.
pub(crate) fn at_once<T>(query: impl Future<Output = T>) -> T {
    match query.now_or_never() {
        Some(result) => result,
        None => unreachable!("a query on SQLite waits for nothing"),
    }
}

fn in_snapshot<T>(
    connection: &mut SqliteConnection,
    read: impl FnOnce(&mut SqliteConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.batch_execute("BEGIN")?;
    let result = read(connection);
    connection.batch_execute("COMMIT")?;
    result
}

fn write_loop(connection: &mut SqliteConnection, jobs: &Receiver<Write>) {
    while let Ok(first) = jobs.recv() {
        let group: Vec<Write> =
            std::iter::once(first).chain(jobs.try_iter().take(GROUP - 1)).collect();
        let (answers, failed) = match run_group(connection, group) {
            Ok(answers) => (answers, None),
            Err((answers, failed)) => (answers, Some(failed)),
        };
        for answer in answers {
            answer(failed.as_ref());
        }
    }
}

type Answers = Vec<Answer>;

/// One transaction, a savepoint each, one fsync.
fn run_group(
    connection: &mut SqliteConnection,
    group: Vec<Write>,
) -> Result<Answers, (Answers, Failed)> {
    let mut answers = Answers::new();
    let mut failed = connection.batch_execute("BEGIN IMMEDIATE").err();
    let mut kept = false;
    for write in group {
        if failed.is_none() {
            failed = connection.batch_execute("SAVEPOINT one").err();
        }
        let inside = if failed.is_none() { Some(&mut *connection) } else { None };
        // A panic is that closure's own failure: its caller sees its answer dropped.
        let ran = catch_unwind(AssertUnwindSafe(|| (write.run)(inside)));
        let keep = ran.as_ref().is_ok_and(|ran| ran.keep);
        answers.extend(ran.map(|ran| ran.answer));
        let end = if keep { "RELEASE one" } else { "ROLLBACK TO one; RELEASE one" };
        kept |= keep;
        if failed.is_none() {
            failed = connection.batch_execute(end).err();
        }
    }
    if failed.is_none() {
        failed = connection.batch_execute(if kept { "COMMIT" } else { "ROLLBACK" }).err();
    }
    match failed {
        None => Ok(answers),
        Some(error) => Err((answers, commit_failed(connection, &error))),
    }
}

/// After an I/O error at a commit nobody knows what is on disk: the process ends, and the next
/// start reads what is. A full disk is another matter: SQLite has rolled back, and reads go on.
fn commit_failed(connection: &mut SqliteConnection, error: &diesel::result::Error) -> Failed {
    let _ = connection.batch_execute("ROLLBACK");
    let why = error.to_string();
    if why.contains("disk I/O error") {
        tracing::error!(error = why, "the database could not be written; ending");
        std::process::abort();
    }
    tracing::error!(error = why, "a transaction failed");
    if why.contains("full") {
        Failed::Full
    } else if why.contains("locked") {
        Failed::Locked(why)
    } else {
        Failed::Other(why)
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let path = path.with_extension("lock");
    let file = File::create(&path)
        .map_err(|error| Error::Setup(format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::Setup(format!("{}: another server uses this database", path.display())))
        }
        Err(TryLockError::Error(error)) => {
            Err(Error::Setup(format!("{}: {error}", path.display())))
        }
    }
}

/// How connections tell each other where in the log of writes the newest pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    /// By a file, so that other programs may read too, as backups do.
    File,
    /// In this process's memory, which needs no room on the disk and keeps other programs out.
    Memory,
}

/// Opens the database. One that is there can be read on a full disk too, which has no room for the
/// file that connections share: writes are refused until there is room, as at any other time.
fn first_connection(path: &Path) -> Result<(SqliteConnection, Sharing), Error> {
    let error = match connect(path, Sharing::File) {
        Ok(connection) => return Ok((connection, Sharing::File)),
        Err(error) => error,
    };
    if !has_room(path)
        && let Ok(connection) = connect(path, Sharing::Memory)
    {
        let folder = folder(path).display().to_string();
        tracing::warn!(
            folder,
            "the disk is full: what is there can be read, and until the next start by this server only"
        );
        return Ok((connection, Sharing::Memory));
    }
    Err(match error {
        Error::Setup(why) => told(path, &why),
        other => other,
    })
}

/// Why the server cannot start on this file; a full disk is said to be one.
fn told(path: &Path, why: &str) -> Error {
    if has_room(path) {
        return Error::Setup(why.to_owned());
    }
    Error::Setup(format!("the disk of {} is full ({why})", folder(path).display()))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Whether there is room for what SQLite shares between connections: SQLite itself says of a full
/// disk only that there was an I/O error.
fn has_room(path: &Path) -> bool {
    let probe = path.with_extension("probe");
    let written = std::fs::write(&probe, vec![0; 64 * 1024]);
    let _ = std::fs::remove_file(&probe);
    !matches!(
        written.map_err(|error| error.kind()),
        Err(ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
    )
}

/// The path as SQLite takes it.
fn address(path: &Path, sharing: Sharing) -> String {
    let path = path.to_string_lossy();
    match sharing {
        Sharing::File => path.into_owned(),
        Sharing::Memory => {
            let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
            format!("file:{escaped}?vfs=unix-excl")
        }
    }
}

fn connect(path: &Path, sharing: Sharing) -> Result<SqliteConnection, Error> {
    let mut connection = SqliteConnection::establish(&address(path, sharing))
        .map_err(|error| Error::Setup(format!("{}: {error}", path.display())))?;
    // FULL, because an acknowledged message is on disk: NORMAL loses the last ones at a power cut.
    // What is deleted is overwritten, also in pages that become free.
    connection
        .batch_execute(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = ON;
             PRAGMA busy_timeout = 5000;
             PRAGMA cache_size = -8192;
             PRAGMA temp_store = MEMORY;
             PRAGMA trusted_schema = OFF;",
        )
        .map_err(|error| setup(&error))?;
    Ok(connection)
}

/// What became of a checkpoint.
#[derive(diesel::QueryableByName)]
struct Checkpoint {
    /// 1 when somebody read or wrote for too long.
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}

/// SQLite before 3.51.3 could lose a commit when the WAL was reset.
fn check_version(connection: &mut SqliteConnection) -> Result<(), Error> {
    #[derive(diesel::QueryableByName)]
    struct Version {
        #[diesel(sql_type = diesel::sql_types::Text)]
        version: String,
    }
    let found: Version = diesel::RunQueryDsl::get_result(
        diesel::sql_query("SELECT sqlite_version() AS version"),
        connection,
    )
    .map_err(|error| setup(&error))?;
    let parts: Vec<u32> = found.version.split('.').filter_map(|part| part.parse().ok()).collect();
    if parts < vec![3, 51, 3] {
        return Err(Error::Setup(format!("SQLite {} is too old: 3.51.3", found.version)));
    }
    Ok(())
}

fn enqueue<J>(queue: &Sender<J>, job: J) -> Result<(), Error> {
    queue.try_send(job).map_err(|error| match error {
        TrySendError::Full(_) => Error::Busy,
        TrySendError::Disconnected(_) => stopped(),
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|error| Error::Setup(error.to_string()))
}

fn setup(error: &diesel::result::Error) -> Error {
    Error::Setup(error.to_string())
}

/// What was asked panicked, or the database was closed before its turn came.
fn dropped() -> Error {
    Error::Other("the database gave no answer".to_owned())
}

fn stopped() -> Error {
    Error::Unavailable("the database is closed".to_owned())
}
