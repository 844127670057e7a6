//! A throwaway PostgreSQL cluster: default settings, fsync on, gone afterwards.

use crate::{spawn::Folder, supervisor::Supervised};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long a cluster may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// The programs that are run.
const NEEDED: [&str; 3] = ["initdb", "postgres", "createdb"];

/// A running cluster.
pub(crate) struct Cluster {
    process: Supervised,
    programs: PathBuf,
    port: u16,
    _folder: Folder,
}

impl Cluster {
    /// Makes a cluster under `parent` and starts it. PostgreSQL does not run as root: as root it is
    /// run as `postgres` or, where there is no such user, as `nobody`.
    pub(crate) async fn start(parent: &Path) -> Result<Self> {
        let programs = programs()?;
        let user = unprivileged()?;
        let folder = Folder::new(parent, "postgres")?;
        if let Some((uid, gid)) = user {
            chown(&folder.0, Some(uid), Some(gid))?;
        }
        let data = folder.0.join("data");
        let mut init = Command::new(programs.join("initdb"));
        init.arg("-D").arg(&data).args([
            "-U",
            "tertulia",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]);
        if let Some((uid, gid)) = user {
            init.uid(uid).gid(gid);
        }
        finish(init.current_dir(&folder.0), "initdb")?;

        // Free now; that somebody takes it before PostgreSQL does is possible, and then said.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(programs.join("postgres"));
        command.arg("-D").arg(&data).arg("-k").arg(&folder.0);
        command.args(["-h", "127.0.0.1", "-p", &port.to_string()]);
        let log = folder.0.join("log");
        let errors = Stdio::from(File::create(&log)?);
        // SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients.
        let process = Supervised::start(&command, "INT", &folder.0, user, errors).await?;
        let cluster = Self { process, programs, port, _folder: folder };
        cluster.wait(&log).await?;
        Ok(cluster)
    }

    /// Makes an empty database and gives its address.
    pub(crate) fn database(&self, name: &str) -> Result<String> {
        let port = self.port.to_string();
        let mut create = Command::new(self.programs.join("createdb"));
        create.args(["-h", "127.0.0.1", "-p", &port, "-U", "tertulia", name]);
        finish(&mut create, "createdb")?;
        Ok(format!("postgres://tertulia@127.0.0.1:{port}/{name}"))
    }

    /// The postmaster, under which all of PostgreSQL's processes are.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid
    }

    async fn wait(&self, log: &Path) -> Result<()> {
        let begun = Instant::now();
        while let Err(error) = self.database("answers") {
            if !self.process.is_running() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(log).unwrap_or_default();
                return Err(error.context(format!("PostgreSQL does not answer: {log}")));
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// The folder of PostgreSQL's programs: the one in `PATH`, or the newest that Debian installed.
fn programs() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut installed: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    installed.sort_unstable();
    let newest_first = installed.into_iter().rev().map(|(_, folder)| folder);
    std::env::split_paths(&path)
        .chain(newest_first)
        .find(|folder| NEEDED.iter().all(|name| folder.join(name).is_file()))
        .with_context(|| format!("no {NEEDED:?} in PATH or /usr/lib/postgresql/*/bin"))
}

/// Whom to run PostgreSQL as, when we are root.
fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").context("/etc/passwd")?;
    let found = ["postgres", "nobody"].iter().find_map(|name| account(&passwd, name));
    found.map(Some).context("neither postgres nor nobody is in /etc/passwd")
}

fn account(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next() == Some(name);
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        is_it.then_some((uid, gid))
    })
}

fn finish(command: &mut Command, what: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| what.to_owned())?;
    if !output.status.success() {
        bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104:,,,:/x:/bin/sh\n";
        assert_eq!(account(passwd, "postgres"), Some((101, 104)));
        assert_eq!(account(passwd, "nobody"), None);
    }
}
