//! A server of our own: on a free port, with a fresh folder, gone afterwards.

use crate::{supervisor::Supervised, target::Target};
use anyhow::{Context, Result};
use rustix::{
    fs::statfs,
    time::{ClockId, clock_gettime},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    rc::Rc,
    time::Duration,
};
use tokio::time::timeout;

/// How long a server may take until it says where it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// `f_type` of a file system in memory: see statfs(2).
const TMPFS: i64 = 0x0102_1994;

/// A folder that is removed when this is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

/// A running server.
pub(crate) struct Server {
    process: Supervised,
    /// Where it listens.
    pub(crate) target: Rc<Target>,
    _folder: Folder,
}

impl Folder {
    /// Makes a new folder under `parent`.
    pub(crate) fn new(parent: &Path, what: &str) -> Result<Self> {
        let now = clock_gettime(ClockId::Monotonic);
        let name = format!(
            "tertulia-bench-{what}-{}-{}{:09}",
            std::process::id(),
            now.tv_sec,
            now.tv_nsec
        );
        let path = std::path::absolute(parent)?.join(name);
        fs::create_dir(&path).with_context(|| path.display().to_string())?;
        Ok(Self(path))
    }

    /// Whether what is written here never reaches a disk: durability then costs nothing, and the
    /// figures are worth as much.
    pub(crate) fn is_in_memory(&self) -> bool {
        statfs(&self.0).is_ok_and(|found| found.f_type == TMPFS)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Server {
    /// Starts `binary` and waits until it says where it listens. Without `database_url` it keeps its
    /// data in its own folder, under `parent`.
    pub(crate) async fn start(
        binary: &Path,
        parent: &Path,
        database_url: Option<&str>,
    ) -> Result<Self> {
        let binary = fs::canonicalize(binary).with_context(|| binary.display().to_string())?;
        let folder = Folder::new(parent, "server")?;
        if folder.is_in_memory() {
            eprintln!("{} is in memory: commits are free there", parent.display());
        }
        let mut command = Command::new(binary);
        command
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("DATA_DIR", folder.0.join("data"))
            .env("RATE_LIMITS", "off")
            .env("LOG_LEVEL", "warn");
        match database_url {
            Some(url) => command.env("DATABASE_URL", url),
            None => command.env_remove("DATABASE_URL").env_remove("DATABASE_URL_FILE"),
        };
        let mut process =
            Supervised::start(&command, "TERM", &folder.0, None, Stdio::inherit()).await?;
        let target = timeout(PATIENCE, listening(&mut process))
            .await
            .with_context(|| format!("no address printed within {PATIENCE:?}"))??;
        process.show_lines();
        Ok(Self { process, target, _folder: folder })
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.pid
    }

    /// Whether the server still runs.
    pub(crate) fn is_running(&self) -> bool {
        self.process.is_running()
    }
}

async fn listening(process: &mut Supervised) -> Result<Rc<Target>> {
    let mut check = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            line = process.line() => {
                let line = line.context("the server's supervisor ended")?;
                if let Some(url) = address(&line) {
                    return Target::parse(url);
                }
            }
            _ = check.tick() => anyhow::ensure!(process.is_running(), "the server ended at once"),
        }
    }
}

/// The first `http://host:port` in a line.
fn address(line: &str) -> Option<&str> {
    let start = line.find("http://")?;
    let url = &line[start..];
    let end = url["http://".len()..]
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '[' | ']' | '-')))
        .map_or(url.len(), |end| end + "http://".len());
    Some(url[..end].trim_end_matches(['.', ':']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_whatever_is_printed() {
        let url = Some("http://127.0.0.1:4321");
        assert_eq!(address("Listening on http://127.0.0.1:4321"), url);
        assert_eq!(address("docs: http://127.0.0.1:4321/docs."), url);
        assert_eq!(address("see http://127.0.0.1:4321."), url);
        assert_eq!(address(r#"{"url":"http://127.0.0.1:4321"}"#), url);
        assert_eq!(address("nothing"), None);
    }

    #[test]
    fn a_folder_goes_with_its_guard() {
        let folder = Folder::new(&std::env::temp_dir(), "test").unwrap();
        let path = folder.0.clone();
        fs::write(path.join("file"), "x").unwrap();
        drop(folder);
        assert!(!path.exists());
    }
}
