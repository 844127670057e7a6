//! Where PostgreSQL is installed, and as whom it can run.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Tertulia supports.
const OLDEST: u32 = 15;

/// A PostgreSQL that can run here.
pub(crate) struct Installation {
    /// The folder of `initdb`, `pg_ctl` and `postgres`.
    pub(crate) programs: PathBuf,
    /// As whom it runs, unless as oneself.
    pub(crate) run_as: Option<User>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Installation {
    /// The first that is new enough in `PATH`, or else the newest of Debian's; or why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let path = env::var_os("PATH").unwrap_or_default();
        let mut old = None;
        for programs in env::split_paths(&path).chain(debian()) {
            match version(&programs) {
                Some(version) if version >= OLDEST => {
                    return Ok(Self { programs, run_as: run_as()? });
                }
                version => old = old.or(version),
            }
        }
        Err(old.map_or_else(
            || {
                "found no folder with initdb, pg_ctl and postgres in PATH or as \
                 /usr/lib/postgresql/*/bin"
                    .to_owned()
            },
            |old| format!("found PostgreSQL {old}, but {OLDEST} or newer is needed"),
        ))
    }
}

/// Debian's folders of programs, newest first.
fn debian() -> Vec<PathBuf> {
    let entries = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    folders.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    folders.into_iter().map(|(_, programs)| programs).collect()
}

/// The major version, if all that is needed is there.
fn version(programs: &Path) -> Option<u32> {
    if !["initdb", "pg_ctl", "postgres"].iter().all(|name| programs.join(name).is_file()) {
        return None;
    }
    let output = Command::new(programs.join("postgres")).arg("--version").output().ok()?;
    major(std::str::from_utf8(&output.stdout).ok()?)
}

/// Of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split(") ").nth(1)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Somebody else when this process is root's.
fn run_as() -> Result<Option<User>, String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    user(&users, "postgres")
        .or_else(|| user(&users, "nobody"))
        .map(Some)
        .ok_or_else(|| "PostgreSQL does not run as root, and no other user was found".to_owned())
}

fn user(users: &str, name: &str) -> Option<User> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let mut number = || fields.next()?.parse().ok();
        let _password = number();
        Some(User { uid: number()?, gid: number()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_however_distributions_write_them() {
        for (text, expected) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta1\n", Some(18)),
            ("postgres (PostgreSQL) 9.6.24\n", Some(9)),
            ("sh: not found", None),
        ] {
            assert_eq!(major(text), expected, "{text}");
        }
    }

    #[test]
    fn users_are_found_by_name() {
        let users = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:,,,:/var:/bin/bash\n";
        assert_eq!(user(users, "postgres"), Some(User { uid: 101, gid: 104 }));
        assert_eq!(user(users, "nobody"), None);
    }
}
