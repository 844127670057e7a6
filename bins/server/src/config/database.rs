//! `DATABASE_URL`, also as Python's `SQLAlchemy` writes it.

use std::path::{Path, PathBuf};

use tertulia_chat::PostgresAddress;

use super::Secret;

/// Where the truth is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by an address that has been parsed once already. It may hold a password.
    Postgres(Secret),
}

impl Database {
    /// The file that is used when no `DATABASE_URL` is set.
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join("tertulia.db"))
    }

    /// Reads an address; `+driver` after the scheme is allowed and means nothing, except that
    /// `SQLite` paths are then read as `SQLAlchemy` does (`sqlite+aiosqlite:///relative`,
    /// `sqlite+aiosqlite:////absolute`).
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "postgres://user:password@host/database or sqlite://path is wanted";
        let (scheme, rest) = url.split_once("://").ok_or(WANTED)?;
        let (scheme, driver) = match scheme.split_once('+') {
            Some((scheme, _)) => (scheme, true),
            None => (scheme, false),
        };
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => postgres(rest),
            "sqlite" => sqlite(rest, driver),
            _ => Err(WANTED),
        }
    }
}

fn postgres(rest: &str) -> Result<Database, &'static str> {
    let url = format!("postgres://{rest}");
    PostgresAddress::parse(&url)?;
    Ok(Database::Postgres(Secret::new(url)))
}

fn sqlite(rest: &str, driver: bool) -> Result<Database, &'static str> {
    let path = match rest.strip_prefix('/') {
        Some(python) if driver => python,
        // `sqlite:///./chat.db` can only have been meant as a relative path.
        Some(relative) if relative.starts_with("./") || relative.starts_with("../") => relative,
        _ => rest,
    };
    if path.contains('?') {
        return Err("an SQLite address takes no parameters");
    }
    if path.is_empty() || path.ends_with('/') {
        return Err("sqlite:// must be followed by the path of a file");
    }
    if path.contains(":memory:") {
        return Err("a database in memory would forget what it has acknowledged");
    }
    Ok(Database::Sqlite(PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_in_the_scheme_means_nothing_to_postgresql() {
        for url in [
            "postgresql+psycopg2://postgres:root@localhost:5432/chat_db",
            "postgresql+asyncpg://postgres:root@localhost:5432/chat_db",
            "postgresql://postgres:root@localhost:5432/chat_db",
            "postgres://postgres:root@localhost:5432/chat_db",
        ] {
            let database = Database::parse(url).unwrap();
            let Database::Postgres(address) = &database else { panic!("{database:?}") };
            assert_eq!(address.expose(), "postgres://postgres:root@localhost:5432/chat_db");
            assert!(!format!("{database:?}").contains("root"));
        }
        assert!(Database::parse("postgres:///chat?host=/run/postgresql&user=chat").is_ok());
        assert!(Database::parse("postgres://a@one:5432,two:5433/chat").is_ok());
    }

    #[test]
    fn sqlite_paths_are_what_follows_except_after_pythons_three_slashes() {
        for (url, path) in [
            ("sqlite://chat.db", "chat.db"),
            ("sqlite://./data/chat.db", "./data/chat.db"),
            ("sqlite:///var/lib/chat.db", "/var/lib/chat.db"),
            ("sqlite:///./chat.db", "./chat.db"),
            ("sqlite:///../chat.db", "../chat.db"),
            ("sqlite+aiosqlite:///chat.db", "chat.db"),
            ("sqlite+aiosqlite:////var/lib/chat.db", "/var/lib/chat.db"),
        ] {
            assert_eq!(Database::parse(url), Ok(Database::Sqlite(path.into())), "{url}");
        }
    }

    #[test]
    fn other_addresses_are_refused_without_repeating_them() {
        for url in [
            "mysql://root:pa55@localhost/chat",
            "localhost/pa55",
            "postgres://",
            "postgres:///pa55",
            "postgres://a:pa55@host:port/chat",
            "postgres://a:pa55@host/chat?pa55=1",
            "postgres://a:pa55@host/chat?sslmode=pa55",
            "postgres://a:pa55@host/chat?sslmode=verify-ca",
            "postgres://a:pa55@host/chat?sslpa55=1",
            "sqlite://",
            "sqlite:///",
            "sqlite://:memory:",
            "sqlite://chat.db?mode=ro",
        ] {
            let reason = Database::parse(url).unwrap_err();
            assert!(!reason.contains("pa55"), "{url}: {reason}");
        }
    }
}
