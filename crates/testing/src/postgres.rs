//! Throwaway PostgreSQL clusters.

mod install;
mod processes;
mod storage;
mod supervisor;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use parking_lot::Mutex;
use tokio_postgres::NoTls;

use install::Installation;
use storage::Storage;
use supervisor::{ROLE, Supervisor};

use crate::random_hex;

/// A PostgreSQL server of its own in a temporary folder, reachable on one loopback port with a
/// generated password, for up to 200 connections.
///
/// It is never left behind: a small supervising process stops it and removes its folder when the
/// cluster is dropped, and as well when this process ends in any way, be it by SIGKILL.
///
/// As root, which PostgreSQL refuses, it runs as `postgres` or else `nobody`. Needs PostgreSQL 15
/// or newer, in `PATH` or where Debian has it.
#[derive(Debug)]
pub struct PostgresCluster {
    /// Held while the server is started or stopped.
    supervisor: Mutex<Supervisor>,
    port: u16,
    password: String,
    databases: AtomicU32,
}

impl PostgresCluster {
    /// Why PostgreSQL cannot run on this machine, if so. Takes some milliseconds.
    pub fn available() -> Result<(), String> {
        Installation::find().map(drop)
    }

    /// The cluster that all tests of this process share, started by the first who asks, in about a
    /// second. Like one of [`PostgresCluster::start`]; it must not be stopped or paused.
    ///
    /// # Panics
    ///
    /// When [`PostgresCluster::available`] says why not, or the server does not start.
    pub fn shared() -> &'static Self {
        // A static is never dropped; the supervisor sees the end of the process.
        static SHARED: OnceLock<PostgresCluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A cluster of one's own, without `fsync` and in memory where there is room (`TMPDIR` overrides):
    /// it survives [`PostgresCluster::stop_immediately`], as a crash of the server, but would not
    /// survive one of the machine.
    ///
    /// # Panics
    ///
    /// As [`PostgresCluster::shared`].
    pub fn start() -> Self {
        Self::start_on(Storage::Fast)
    }

    /// A cluster of one's own that writes to disk as in production.
    ///
    /// # Panics
    ///
    /// As [`PostgresCluster::shared`].
    pub fn durable() -> Self {
        Self::start_on(Storage::Durable)
    }

    fn start_on(storage: Storage) -> Self {
        let installation =
            Installation::find().unwrap_or_else(|why| panic!("cannot run PostgreSQL: {why}"));
        let password = random_hex();
        let mut supervisor = Supervisor::spawn(&installation, storage, &password);
        let port = supervisor.start_on_a_free_port();
        let databases = AtomicU32::new(0);
        Self { supervisor: Mutex::new(supervisor), port, password, databases }
    }

    /// Makes an empty database and gives its URL. Takes about 20 ms in memory, ten times that on a
    /// slow disk, and 8 MB until the cluster ends.
    ///
    /// # Panics
    ///
    /// When the server is stopped, or refuses.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("test_{number}");
        let statement = format!("CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy");
        execute(self.url("postgres"), statement);
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let Self { port, password, .. } = self;
        format!("postgres://{ROLE}:{password}@127.0.0.1:{port}/{database}")
    }

    /// Ends the server as a crash would, without a checkpoint and with all connections cut. Nothing
    /// committed is lost: the next start recovers. About a tenth of a second.
    ///
    /// # Panics
    ///
    /// When the server was not running.
    pub fn stop_immediately(&self) {
        self.supervisor.lock().stop();
    }

    /// Starts the server again after [`PostgresCluster::stop_immediately`], with the same URLs.
    /// Returns when it takes connections, after some tenths of a second.
    ///
    /// # Panics
    ///
    /// When the server does not start, or another program has taken its port meanwhile.
    pub fn start_again(&self) {
        self.supervisor.lock().start_on(self.port);
    }

    /// Makes the server speak TLS with this certificate and key (PEM), and let nobody in without: its
    /// URLs need `sslmode=require` or more, and [`PostgresCluster::database`] does not work any more.
    /// Starts it again.
    ///
    /// # Panics
    ///
    /// When the server is stopped, or does not take them.
    pub fn require_tls(&self, certificate: &str, key: &str) {
        let access = "hostssl all all all scram-sha-256";
        for (file, text) in
            [("server.crt", certificate), ("server.key", key), ("pg_hba.conf", access)]
        {
            // Written by the server itself, whose user the files must belong to.
            execute(
                self.url("postgres"),
                format!(
                    "COPY (SELECT 1 WHERE false) TO PROGRAM \
                     $sh$umask 077; cat >{file} <<'END'\n{text}\nEND\n$sh$"
                ),
            );
        }
        execute(self.url("postgres"), "ALTER SYSTEM SET ssl = on".to_owned());
        self.stop_immediately();
        self.start_again();
    }

    /// Hangs the server: all of its processes stand still, connections stay open and nothing is
    /// answered, until [`PostgresCluster::resume`]. Only on Linux.
    ///
    /// # Panics
    ///
    /// When the server is not running, or where there is no `/proc`.
    pub fn pause(&self) {
        processes::pause(self.supervisor.lock().server());
    }

    /// Lets the server go on after [`PostgresCluster::pause`].
    ///
    /// # Panics
    ///
    /// As [`PostgresCluster::pause`].
    pub fn resume(&self) {
        processes::resume(self.supervisor.lock().server());
    }
}

/// Runs one statement on a connection of its own, on a thread of its own: it works from anywhere,
/// within a runtime too.
fn execute(url: String, statement: String) {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            tokio::select! {
                done = client.batch_execute(&statement) => done,
                ended = connection => ended,
            }
        })
    };
    thread::spawn(work)
        .join()
        .expect("the thread did not panic")
        .expect("the cluster executes the statement");
}
