//! The data directory: made at the first start, with the server's secret in it.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tertulia_auth::{Keys, WeakSecret};

/// A data directory that exists.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It, or a file in it, cannot be made or read.
    #[error("DATA_DIR: {} cannot be {done}: {error}", .path.display())]
    Io {
        /// Of the folder or the file.
        path: PathBuf,
        /// What was tried, as a participle.
        done: &'static str,
        /// Why it failed.
        error: io::Error,
    },
    /// Something that is no folder stands there.
    #[error("DATA_DIR: {} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// Its secret file was damaged or written by hand.
    #[error("DATA_DIR: {}: {reason} (restore the file, or delete it, which ends all access tokens)", .path.display())]
    Secret {
        /// Of the file.
        path: PathBuf,
        /// What is wrong with it.
        reason: WeakSecret,
    },
    /// The machine has no randomness to make a secret of.
    #[error("DATA_DIR: no secret can be made: {0}")]
    Random(tertulia_auth::Error),
}

impl DataDir {
    /// Opens the folder; makes it, and what is missing above it, for its owner only (mode 0700).
    /// One that exists keeps its mode.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        match fs::metadata(path) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(DataDirError::NotAFolder(path.to_owned()));
            }
            _ => {}
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| failed(path, "made", error))?;
        Ok(Self { path: path.to_owned() })
    }

    /// The keys of the secret in the file `secret`. The first call makes the file, whole or not at
    /// all, readable by its owner only; of two servers that start at once, both get the same.
    pub fn keys(&self) -> Result<Keys, DataDirError> {
        let path = self.path.join("secret");
        let secret = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_secret(&path)?,
            other => other.map_err(|error| failed(&path, "read", error))?,
        };
        warn_if_open(&path);
        Keys::from_secret(secret.trim()).map_err(|reason| DataDirError::Secret { path, reason })
    }

    fn make_secret(&self, path: &Path) -> Result<String, DataDirError> {
        let secret = Keys::generate_secret().map_err(DataDirError::Random)?;
        match self.write_new(path, &format!("{secret}\n")) {
            Ok(()) => Ok(secret),
            // Another server was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::read_to_string(path).map_err(|error| failed(path, "read", error))
            }
            Err(error) => Err(failed(path, "made", error)),
        }
    }

    /// Writes a file that does not exist yet, so that it never exists in part: a temporary file
    /// (`O_EXCL`), then its name.
    fn write_new(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".secret-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.path)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        fs::File::open(&self.path)?.sync_all()
    }
}

fn warn_if_open(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(
            path = %path.display(),
            mode = %format_args!("{:04o}", mode & 0o7777),
            "other users of this machine can read the secret: chmod 600"
        );
    }
}

fn failed(path: &Path, done: &'static str, error: io::Error) -> DataDirError {
    DataDirError::Io { path: path.to_owned(), done, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn same(one: &Keys, two: &Keys) -> bool {
        one.request_digest(&[b"same"]) == two.request_digest(&[b"same"])
    }

    #[test]
    fn the_first_start_makes_everything_for_its_owner_only_and_the_next_reuses_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/data");
        let first = DataDir::open(&path).unwrap().keys().unwrap();
        assert_eq!((mode(&path), mode(&path.join("secret"))), (0o700, 0o600));
        let second = DataDir::open(&path).unwrap().keys().unwrap();
        assert!(same(&first, &second));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn two_servers_that_start_at_once_have_one_secret() {
        let root = tempfile::tempdir().unwrap();
        let barrier = std::sync::Barrier::new(8);
        let all: Vec<Keys> = std::thread::scope(|scope| {
            let start = || {
                barrier.wait();
                DataDir::open(&root.path().join("data")).unwrap().keys().unwrap()
            };
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(all.iter().all(|keys| same(keys, &all[0])));
    }

    #[test]
    fn a_folder_that_exists_keeps_its_mode() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o750)).unwrap();
        DataDir::open(root.path()).unwrap();
        assert_eq!(mode(root.path()), 0o750);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        let error = DataDir::open(&file).unwrap_err().to_string();
        assert_eq!(error, format!("DATA_DIR: {} is not a folder", file.display()));
        let error = DataDir::open(&file.join("below")).unwrap_err().to_string();
        assert!(error.starts_with("DATA_DIR: ") && error.contains("cannot be made"), "{error}");

        let dir = DataDir::open(root.path()).unwrap();
        fs::write(root.path().join("secret"), "").unwrap();
        let error = dir.keys().unwrap_err().to_string();
        assert!(
            error.contains("the secret has 0 bytes") && error.contains("restore the file"),
            "{error}"
        );
    }
}
