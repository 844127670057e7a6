//! Processes that end with the bench, however it ends.
//!
//! Each runs under a small shell in a process group of its own, whose standard input is a pipe from
//! the bench. When the pipe closes (the bench is done, failed, panicked or was killed), the shell
//! stops the process, waits for it and removes its folder.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::VecDeque,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// `$1`: the signal that stops the process; `$2`: what to remove afterwards; the rest: the command.
const SCRIPT: &str = r#"
signal=$1; folder=$2; shift 2
"$@" </dev/null & child=$!
echo "pid $child"
cat >/dev/null
kill -s "$signal" "$child" 2>/dev/null
wait "$child" 2>/dev/null
rm -rf -- "$folder"
"#;

/// How long a process may take to stop before it is killed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Lines of a process that are shown once nobody waits for them any more.
const SHOWN: usize = 20;

/// A running process and its supervisor.
pub(crate) struct Supervised {
    /// The process itself, not its supervisor.
    pub(crate) pid: u32,
    shell: Child,
    stop: Option<ChildStdin>,
    /// Lines that came before the pid.
    early: VecDeque<String>,
    lines: UnboundedReceiver<String>,
}

impl Supervised {
    /// Starts `command` as `user` (uid and gid; oneself without). `signal` stops it later; `folder`
    /// is removed then, which that user must be able to do. `errors` takes its standard error.
    pub(crate) async fn start(
        command: &Command,
        signal: &str,
        folder: &Path,
        user: Option<(u32, u32)>,
        errors: Stdio,
    ) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "supervisor", signal]).arg(folder);
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        if let Some((uid, gid)) = user {
            shell.uid(uid).gid(gid);
        }
        shell.current_dir(folder).process_group(0);
        let mut shell = shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .context("starting sh")?;
        let stop = shell.stdin.take();
        let output = shell.stdout.take().context("the supervisor's output")?;
        let (sender, lines) = unbounded_channel();
        // It ends with the pipe, when the supervisor does.
        std::thread::spawn(move || {
            let mut shown = 0;
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Err(unheard) = sender.send(line) else { continue };
                if shown < SHOWN {
                    eprintln!("  server: {}", unheard.0);
                }
                shown += 1;
            }
            if shown > SHOWN {
                eprintln!("  server: and {} more lines", shown - SHOWN);
            }
        });
        let mut supervised = Self { pid: 0, shell, stop, early: VecDeque::new(), lines };
        // The process may be faster with its first line than the shell with the pid.
        while supervised.pid == 0 {
            let line = supervised.lines.recv().await.context("the supervisor ended")?;
            match line.strip_prefix("pid ").and_then(|pid| pid.parse().ok()) {
                Some(pid) => supervised.pid = pid,
                None => supervised.early.push_back(line),
            }
        }
        Ok(supervised)
    }

    /// The next line that the process writes to its standard output.
    pub(crate) async fn line(&mut self) -> Option<String> {
        match self.early.pop_front() {
            Some(line) => Some(line),
            None => self.lines.recv().await,
        }
    }

    /// No more lines are waited for: the next ones, which are warnings, are shown.
    pub(crate) fn show_lines(&mut self) {
        self.lines.close();
        while self.lines.try_recv().is_ok() {}
    }

    /// Whether the process still runs.
    pub(crate) fn is_running(&self) -> bool {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).is_ok_and(|stat| {
            stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
        })
    }

    /// Stops the process, waits until it is gone and its folder too.
    pub(crate) fn stop(&mut self) -> Result<()> {
        if self.stop.take().is_none() {
            return Ok(());
        }
        let asked = Instant::now();
        while self.shell.try_wait()?.is_none() {
            if asked.elapsed() > PATIENCE {
                if let Some(pid) = i32::try_from(self.pid).ok().and_then(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
                self.shell.wait()?;
                bail!("process {} did not stop within {PATIENCE:?}", self.pid);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn start(script: &str) -> (Supervised, std::path::PathBuf) {
        let folder = std::env::temp_dir().join(format!("supervised-{}", rand()));
        std::fs::create_dir(&folder).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let supervised = Supervised::start(&command, "TERM", &folder, None, Stdio::inherit()).await;
        (supervised.unwrap(), folder)
    }

    fn rand() -> u128 {
        let nanos = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic).tv_nsec;
        u128::from(std::process::id()) << 64 | u128::try_from(nanos).unwrap()
    }

    #[tokio::test]
    async fn a_process_runs_until_it_is_dropped_and_its_folder_goes() {
        let (mut supervised, folder) = start("echo here; exec sleep 100").await;
        assert_eq!(supervised.line().await.as_deref(), Some("here"));
        assert!(supervised.is_running() && folder.exists());
        let pid = supervised.pid;
        drop(supervised);
        assert!(!std::fs::exists(format!("/proc/{pid}")).unwrap());
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_process_that_ended_by_itself_is_noticed() {
        let (mut supervised, folder) = start("exit 3").await;
        while supervised.is_running() {
            tokio::task::yield_now().await;
        }
        supervised.stop().unwrap();
        assert!(!folder.exists());
    }
}
