//! Throwaway Redis servers.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

use crate::ports::free_port;
use crate::random_hex;

const SCRIPT: &str = include_str!("redis/supervisor.sh");

/// Far longer than a start takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Redis server of its own in a temporary folder, which keeps nothing, reachable on one loopback port
/// with a generated password.
///
/// It is never left behind: a small supervising process kills it and removes its folder when it is
/// dropped, and as well when this process ends in any way, be it by SIGKILL.
#[derive(Debug)]
pub struct RedisServer {
    /// Held while the server is started or stopped.
    supervisor: Mutex<Supervisor>,
    port: u16,
    password: String,
    tls: bool,
}

#[derive(Debug)]
struct Supervisor {
    child: Child,
    /// Taken when dropped: the end of this pipe is what ends the server.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    server: Option<Pid>,
}

impl RedisServer {
    /// Why Redis cannot run on this machine, if so. Takes some milliseconds.
    pub fn available() -> Result<(), String> {
        let version = Command::new("redis-server").arg("--version").output();
        match version {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(format!("redis-server --version ended with {}", output.status)),
            Err(error) => Err(format!("redis-server: {error}")),
        }
    }

    /// The server that all tests of this process share, started by the first who asks, in some tens of
    /// milliseconds. It must not be stopped, paused or flushed.
    ///
    /// # Panics
    ///
    /// When [`RedisServer::available`] says why not, or the server does not start.
    pub fn shared() -> &'static Self {
        // A static is never dropped; the supervisor sees the end of the process.
        static SHARED: OnceLock<RedisServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server of one's own.
    ///
    /// # Panics
    ///
    /// As [`RedisServer::shared`].
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// A server of one's own that speaks TLS, and nothing else, with this certificate and key (PEM).
    ///
    /// # Panics
    ///
    /// As [`RedisServer::shared`].
    pub fn start_tls(certificate: &str, key: &str) -> Self {
        Self::start_with(Some((certificate, key)))
    }

    fn start_with(tls: Option<(&str, &str)>) -> Self {
        let password = random_hex();
        let folder = tempfile::Builder::new()
            .prefix("tertulia-redis-")
            .tempdir()
            .expect("a temporary folder can be made");
        let mut settings = format!(
            "bind 127.0.0.1\nrequirepass {password}\nsave \"\"\nappendonly no\nmaxmemory 64mb\n\
             loglevel warning\n"
        );
        if let Some((certificate, key)) = tls {
            for (file, text) in [("server.crt", certificate), ("server.key", key)] {
                fs::write(folder.path().join(file), text).expect("the folder can be written to");
            }
            settings.push_str(
                "port 0\ntls-cert-file server.crt\ntls-key-file server.key\ntls-auth-clients no\n",
            );
        }
        fs::write(folder.path().join("redis.conf"), settings).expect("it can be written to");
        let supervisor = Mutex::new(Supervisor::spawn(folder.path()));
        // From here on, removing it is the supervisor's task.
        let folder = folder.keep();
        let mut server = Self { supervisor, port: 0, password, tls: tls.is_some() };
        // Between being found free and being used, a port can be taken by somebody else.
        for _ in 0..5 {
            server.port = free_port();
            if server.launch() {
                return server;
            }
            server.kill();
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        panic!("Redis did not start:\n{log}")
    }

    /// How to reach it, with its password.
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// The same for a server with TLS, by the name that its certificate is for.
    pub fn tls_url(&self, host: &str) -> String {
        format!("rediss://:{}@{host}:{}", self.password, self.port)
    }

    /// Ends the server by SIGKILL, with all connections.
    pub fn kill(&self) {
        self.supervisor.lock().stop();
    }

    /// Starts the server again after [`RedisServer::kill`], with the same URL. Returns when it answers.
    ///
    /// # Panics
    ///
    /// When the server does not start, or another program has taken its port meanwhile.
    pub fn start_again(&self) {
        assert!(self.launch(), "Redis does not start again");
    }

    /// Hangs the server: connections stay open and nothing is answered, until [`RedisServer::resume`].
    ///
    /// # Panics
    ///
    /// When the server is not running.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets the server go on after [`RedisServer::pause`].
    ///
    /// # Panics
    ///
    /// As [`RedisServer::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Runs a command of words with a space between, and gives the beginning of its answer as it comes.
    ///
    /// # Panics
    ///
    /// When the server cannot be reached.
    pub fn command(&self, command: &str) -> String {
        self.ask(command).expect("Redis answers")
    }

    fn signal(&self, signal: Signal) {
        let server = self.supervisor.lock().server.expect("the server is running");
        kill_process(server, signal).expect("the server can be signalled");
    }

    fn launch(&self) -> bool {
        self.supervisor.lock().start(if self.tls { "--tls-port" } else { "--port" }, self.port);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let there = if self.tls {
                TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            } else {
                self.ask("PING").is_some_and(|answer| answer.starts_with("+PONG"))
            };
            if there {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn ask(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let words: Vec<&str> = command.split(' ').collect();
        let words: Vec<_> =
            words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
        let command = format!("*{}\r\n{}", words.len(), words.concat());
        write!(stream, "AUTH {}\r\n{command}", self.password).ok()?;
        let mut answer = Vec::new();
        let mut some = [0; 4096];
        while !answer.starts_with(b"+OK\r\n") || answer.len() <= b"+OK\r\n".len() {
            match stream.read(&mut some).ok()? {
                0 => return None,
                count => answer.extend_from_slice(&some[..count]),
            }
        }
        Some(String::from_utf8_lossy(&answer[b"+OK\r\n".len()..]).into_owned())
    }
}

impl Supervisor {
    fn spawn(folder: &Path) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT, "supervisor", "redis-server"])
            .arg(folder)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own: what the terminal sends to the tests (Ctrl-C) is not for it.
            .process_group(0)
            .spawn()
            .expect("the supervisor of Redis can be run");
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output is piped"));
        Self { child, commands, answers, server: None }
    }

    fn start(&mut self, setting: &str, port: u16) {
        let server =
            self.order(&format!("start {setting} {port}")).parse().ok().and_then(Pid::from_raw);
        self.server = Some(server.expect("the supervisor says which process it is"));
    }

    fn stop(&mut self) {
        self.order("stop");
        self.server = None;
    }

    fn order(&mut self, command: &str) -> String {
        let pipe = self.commands.as_mut().expect("the pipe is there until the drop");
        writeln!(pipe, "{command}").expect("the supervisor is alive");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the supervisor answers");
        line.trim_end().to_owned()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.take());
        // It cannot fail in a way that could be mended here.
        self.child.wait().ok();
    }
}
