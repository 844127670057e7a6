//! The process between a test and its PostgreSQL, which outlives the test by a moment.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::Pid;

use super::install::Installation;
use super::storage::Storage;
use crate::ports::free_port;

/// The superuser of a cluster.
pub(crate) const ROLE: &str = "tertulia";

const SCRIPT: &str = include_str!("supervisor.sh");

/// What every cluster has: one loopback port and no socket, and little of everything.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=200 -c shared_buffers=16MB -c jit=off";

/// Runs a server for as long as it is itself alive. Dropped, it waits until the server is gone.
#[derive(Debug)]
pub(crate) struct Supervisor {
    child: Child,
    /// Taken when dropped: the end of this pipe is what ends the server.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
    settings: String,
}

impl Supervisor {
    /// Makes a new cluster, which does not run yet.
    pub(crate) fn spawn(installation: &Installation, storage: Storage, password: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tertulia-postgres-")
            .tempdir_in(storage.parent())
            .expect("a temporary folder can be made");
        fs::write(folder.path().join("password"), password).expect("the folder can be written to");
        let mut child =
            run(installation, folder.path()).expect("the supervisor of PostgreSQL can be run");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output is piped"));
        // From here on, removing it is the supervisor's task.
        let folder = folder.keep();
        let settings = format!("{SETTINGS} {}", storage.settings());
        let mut supervisor = Self { child, commands, answers, folder, settings };
        supervisor.expect_ok("initdb");
        supervisor
    }

    /// Starts the server on a port that it chooses.
    pub(crate) fn start_on_a_free_port(&mut self) -> u16 {
        // Between being found free and being used, a port can be taken by somebody else.
        for _ in 0..5 {
            let port = free_port();
            if self.start(port) {
                return port;
            }
        }
        self.fail("start")
    }

    /// Starts the server on this port.
    pub(crate) fn start_on(&mut self, port: u16) {
        if !self.start(port) {
            self.fail("start");
        }
    }

    fn start(&mut self, port: u16) -> bool {
        let command = format!("start -p {port} {}", self.settings);
        self.order(&command)
    }

    /// Stops the server, as a crash would.
    pub(crate) fn stop(&mut self) {
        if !self.order("stop") {
            self.fail("stop");
        }
    }

    /// The server's first process.
    pub(crate) fn server(&self) -> Pid {
        fs::read_to_string(self.folder.join("data/postmaster.pid"))
            .ok()
            .and_then(|file| file.lines().next()?.parse().ok())
            .and_then(Pid::from_raw)
            .expect("the server is running")
    }

    fn order(&mut self, command: &str) -> bool {
        let pipe = self.commands.as_mut().expect("the pipe is there until the drop");
        writeln!(pipe, "{command}").expect("the supervisor is alive");
        self.answer()
    }

    fn answer(&mut self) -> bool {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the supervisor answers");
        line.trim_end() == "ok"
    }

    fn expect_ok(&mut self, what: &str) {
        if !self.answer() {
            self.fail(what);
        }
    }

    fn fail(&self, what: &str) -> ! {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(20)..].join("\n");
        panic!("PostgreSQL: {what} failed; the end of its log:\n{end}")
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.take());
        // It cannot fail in a way that could be mended here.
        self.child.wait().ok();
    }
}

fn run(installation: &Installation, folder: &Path) -> io::Result<Child> {
    let mut command = Command::new("sh");
    command
        .args(["-c", SCRIPT, "supervisor"])
        .args([installation.programs.as_os_str(), folder.as_os_str(), ROLE.as_ref()])
        .current_dir(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A group of its own: what the terminal sends to the tests (Ctrl-C) is not for it.
        .process_group(0);
    for (name, _) in std::env::vars_os() {
        // PGPORT and the like would have their say in the server's configuration.
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    if let Some(user) = installation.run_as {
        for path in [folder, &folder.join("password")] {
            chown(path, Some(user.uid), Some(user.gid))?;
        }
        command.uid(user.uid).gid(user.gid);
    }
    command.spawn()
}
