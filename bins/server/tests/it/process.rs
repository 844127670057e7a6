//! The program, run as a process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tertulia_testing::PostgresCluster;

/// Longer than anything that is waited for should take, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A folder to run the program in, and the settings that it gets there.
pub(crate) struct Home {
    folder: TempDir,
    settings: BTreeMap<&'static str, String>,
}

impl Home {
    /// An empty folder and no setting at all, not even those of the tests' own environment.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), settings: BTreeMap::new() }
    }

    /// Any free port, no limits, and SQLite in the folder.
    pub(crate) fn sqlite() -> Self {
        let home = Self::bare();
        let data = home.path("data").display().to_string();
        home.with("HOST", "127.0.0.1")
            .with("PORT", "0")
            .with("RATE_LIMITS", "off")
            .with("DATA_DIR", data)
    }

    /// The same on a fresh PostgreSQL database. `None` where PostgreSQL is known not to be:
    /// `.ci/test` says so at its end.
    pub(crate) fn postgres() -> Option<Self> {
        has_postgres().then(|| Self::postgres_of(PostgresCluster::shared()))
    }

    /// The same on a database of this cluster.
    pub(crate) fn postgres_of(cluster: &PostgresCluster) -> Self {
        Self::sqlite().with("DATABASE_URL", cluster.database())
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.insert(name, value.into());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    /// Runs the program, and does not wait for anything.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Program {
        let child = Command::new(env!("CARGO_BIN_EXE_tertulia"))
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.settings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Program::new(child.unwrap())
    }

    /// Runs the program until it ends by itself.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.spawn(arguments).ended(PATIENCE)
    }

    /// Starts a server, and returns when it listens.
    pub(crate) fn start(&self) -> Server {
        let mut program = self.spawn(&[]);
        let line = program.out.until("http://");
        let address = line.split_once("http://").unwrap().1.trim();
        let base = format!("http://{}", address.replace("0.0.0.0", "127.0.0.1"));
        Server { program, base }
    }
}

/// Whether stories on PostgreSQL are to be told here.
pub(crate) fn has_postgres() -> bool {
    !std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("postgres"))
}

/// A running program. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) out: Lines,
    pub(crate) err: Lines,
}

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit status; `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) err: Vec<String>,
}

/// A server that listens.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) base: String,
}

impl Program {
    fn new(mut child: Child) -> Self {
        let out = Lines::of(child.stdout.take().unwrap());
        let err = Lines::of(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has ended.
    #[track_caller]
    pub(crate) fn ended(mut self, within: Duration) -> Ended {
        let deadline = Instant::now() + within;
        let (out, err) = (self.out.rest(deadline), self.err.rest(deadline));
        // Its pipes are closed: it has ended, or is about to.
        let code = self.child.wait().unwrap().code();
        Ended { code, out, err }
    }
}

impl Server {
    /// Stops it in an orderly way, and gives all that it has written.
    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.program.signal(Signal::TERM);
        let ended = self.program.ended(PATIENCE);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already needs no more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program writes, line by line.
pub(crate) struct Lines {
    coming: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, coming) = channel();
        // Ends with the pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { coming, seen: Vec::new() }
    }

    /// The next line that holds this text.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.coming.recv_timeout(left) else {
                panic!("no line with {text:?} but {:?}", self.seen)
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// All lines, those that were waited for too, once there are no more.
    #[track_caller]
    fn rest(&mut self, deadline: Instant) -> Vec<String> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.coming.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => return std::mem::take(&mut self.seen),
                Err(RecvTimeoutError::Timeout) => panic!("it still runs: {:?}", self.seen),
            }
        }
    }
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
