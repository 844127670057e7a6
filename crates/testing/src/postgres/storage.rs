//! Where a cluster's files are, and what it takes to be sure of them.

use std::env;
use std::path::{Path, PathBuf};

/// How safe a cluster's data is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Storage {
    /// Survives a crash of the server, not of the machine; in memory if there is room.
    Fast,
    /// On disk, as in production.
    Durable,
}

/// Linux's file system in memory. Making a database there was measured at 5–15 ms, and at 200–300
/// ms on a virtual machine's disk, because it makes 300 files.
const MEMORY: &str = "/dev/shm";

/// As much must be free in memory: some hundred databases, with what is free in the machine besides.
/// (Containers often have 64 MB there.)
const ROOM: u64 = 4 << 30;

impl Storage {
    pub(crate) const fn settings(self) -> &'static str {
        match self {
            Self::Fast => "-c fsync=off -c full_page_writes=off",
            Self::Durable => "-c fsync=on -c synchronous_commit=on",
        }
    }

    /// The folder in which to make a folder. `TMPDIR` has the first word.
    pub(crate) fn parent(self) -> PathBuf {
        match self {
            Self::Fast if env::var_os("TMPDIR").is_none() && free(Path::new(MEMORY)) >= ROOM => {
                MEMORY.into()
            }
            _ => env::temp_dir(),
        }
    }
}

/// Bytes that may still be written to a file system; none if it is not there.
fn free(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |status| status.f_bavail.saturating_mul(status.f_frsize))
}
