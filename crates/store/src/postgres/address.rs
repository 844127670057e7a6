//! A `postgres://` address: what PostgreSQL's own clients understand of it, TLS as well.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// The address of a PostgreSQL server, and whom to take for it. May hold a password, which `Debug`
/// does not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresAddress {
    pub(super) config: Config,
    pub(super) proof: Proof,
}

/// What a server must show, once the way to it is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing: nobody can listen, but anybody who can stand between can be the server.
    Nothing,
    /// A certificate by the authority in this file.
    Signed(PathBuf),
    /// A certificate for its name, by the authority in this file, or by one that this machine trusts.
    Named(Option<PathBuf>),
}

/// What is not acknowledged for so long is lost with its connection (Linux): without this, a
/// connection that some firewall has forgotten hangs for a quarter of an hour.
const UNACKNOWLEDGED: Duration = Duration::from_secs(10);
/// A connection that is not used is looked after this often.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// A server that does not even answer the first packet: the next one of the address is tried.
const CONNECT: Duration = Duration::from_secs(10);

const MODES: &str = "sslmode is one of disable, prefer, require, verify-ca and verify-full";

impl PostgresAddress {
    /// Parses an address. Nothing of it is repeated in what is said to be wrong with it: it may hold
    /// a password.
    pub fn parse(url: &str) -> Result<Self, &'static str> {
        let (url, ssl) = Ssl::split(url)?;
        let mut config = Config::from_str(&url)
            .map_err(|_| "this is not an address that PostgreSQL's clients understand")?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err("the address names no host");
        }
        let (mode, proof) = ssl.meaning()?;
        config.ssl_mode(mode);
        let untouched = Config::new();
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNACKNOWLEDGED);
        }
        if config.get_keepalives_idle() == untouched.get_keepalives_idle() {
            config.keepalives_idle(KEEPALIVE);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        Ok(Self { config, proof })
    }
}

/// The parameters of an address that speak of TLS.
#[derive(Default)]
struct Ssl {
    mode: Option<String>,
    root: Option<String>,
}

impl Ssl {
    /// Takes them out of the address: `tokio-postgres` knows the encryption, not the proof.
    fn split(url: &str) -> Result<(String, Self), &'static str> {
        let mut ssl = Self::default();
        // Of what comes before the first `@`, it makes a name and a password.
        let host = url.find('@').unwrap_or_default();
        let Some(query) = url[host..].find('?').map(|at| host + at) else {
            return Ok((url.to_owned(), ssl));
        };
        let mut others = Vec::new();
        for pair in url[query + 1..].split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = || percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => ssl.mode = Some(value()),
                "sslrootcert" => ssl.root = Some(value()),
                "sslnegotiation" => others.push(pair),
                name if name.starts_with("ssl") => {
                    return Err("of TLS, sslmode, sslrootcert and sslnegotiation are understood");
                }
                _ => others.push(pair),
            }
        }
        let mark = if others.is_empty() { "" } else { "?" };
        Ok((format!("{}{mark}{}", &url[..query], others.join("&")), ssl))
    }

    /// As in PostgreSQL's own clients, but that nothing is ever left unproven silently: an authority
    /// that would not be asked is a mistake.
    fn meaning(self) -> Result<(SslMode, Proof), &'static str> {
        let root = match self.root.as_deref() {
            Some("") => return Err("sslrootcert is the file of a certificate, or system"),
            None | Some("system") => None,
            Some(path) => Some(PathBuf::from(path)),
        };
        let named = self.root.is_some();
        match (self.mode.as_deref().unwrap_or("prefer"), root) {
            ("verify-full", root) => Ok((SslMode::Require, Proof::Named(root))),
            ("require" | "verify-ca", Some(root)) => Ok((SslMode::Require, Proof::Signed(root))),
            ("require" | "disable" | "prefer" | "verify-ca", None) if named => {
                Err("sslrootcert=system needs sslmode=verify-full")
            }
            ("verify-ca", None) => Err("sslmode=verify-ca needs sslrootcert, the authority's file"),
            ("require", None) => Ok((SslMode::Require, Proof::Nothing)),
            ("disable" | "prefer", Some(_)) => {
                Err("sslrootcert needs sslmode=require, verify-ca or verify-full")
            }
            ("prefer", None) => Ok((SslMode::Prefer, Proof::Nothing)),
            ("disable", None) => Ok((SslMode::Disable, Proof::Nothing)),
            _ => Err(MODES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<(SslMode, Proof), &'static str> {
        let address = PostgresAddress::parse(&format!("postgres://ann:pa?55@db/chat{query}"))?;
        assert_eq!(address.config.get_password(), Some(&b"pa?55"[..]));
        assert_eq!(address.config.get_dbname(), Some("chat"));
        Ok((address.config.get_ssl_mode(), address.proof))
    }

    #[test]
    fn every_sslmode_means_what_it_means_to_postgresqls_own_clients() {
        use Proof::{Named, Nothing, Signed};
        let root = || PathBuf::from("/etc/my ca.pem");
        for (query, expected) in [
            ("", (SslMode::Prefer, Nothing)),
            ("?application_name=x", (SslMode::Prefer, Nothing)),
            ("?sslmode=disable", (SslMode::Disable, Nothing)),
            ("?sslmode=prefer&connect_timeout=3", (SslMode::Prefer, Nothing)),
            ("?connect_timeout=3&sslmode=require", (SslMode::Require, Nothing)),
            ("?sslmode=require&sslrootcert=/etc/my%20ca.pem", (SslMode::Require, Signed(root()))),
            ("?sslmode=verify-ca&sslrootcert=/etc/my%20ca.pem", (SslMode::Require, Signed(root()))),
            ("?sslmode=verify-full", (SslMode::Require, Named(None))),
            ("?sslmode=verify-full&sslrootcert=system", (SslMode::Require, Named(None))),
            (
                "?sslrootcert=/etc/my%20ca.pem&sslmode=verify-full",
                (SslMode::Require, Named(Some(root()))),
            ),
        ] {
            assert_eq!(parsed(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn what_would_leave_a_server_unproven_is_refused() {
        for (query, why) in [
            ("?sslmode=verify-ca", "sslrootcert"),
            ("?sslmode=verify-ca&sslrootcert=system", "verify-full"),
            ("?sslmode=require&sslrootcert=system", "verify-full"),
            ("?sslrootcert=system", "verify-full"),
            ("?sslrootcert=/ca.pem", "verify-ca"),
            ("?sslmode=disable&sslrootcert=/ca.pem", "verify-ca"),
            ("?sslmode=verify-full&sslrootcert=", "file"),
            ("?sslmode=allow", "one of"),
            ("?sslmode=VERIFY-FULL", "one of"),
            ("?sslmode=", "one of"),
            ("?sslmode", "one of"),
            ("?sslcert=/client.pem&sslmode=require", "understood"),
            ("?ssl=true", "understood"),
        ] {
            let refused = parsed(query).unwrap_err();
            assert!(refused.contains(why), "{query}: {refused}");
        }
    }

    #[test]
    fn timeouts_are_those_of_the_address_or_short() {
        let config = |query: &str| {
            PostgresAddress::parse(&format!("postgres://db/chat{query}")).unwrap().config
        };
        let own = config("");
        assert_eq!(own.get_tcp_user_timeout(), Some(&UNACKNOWLEDGED));
        assert_eq!(own.get_keepalives_idle(), KEEPALIVE);
        assert_eq!(own.get_connect_timeout(), Some(&CONNECT));
        let theirs = config("?tcp_user_timeout=3&keepalives_idle=60&connect_timeout=4");
        assert_eq!(theirs.get_tcp_user_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(theirs.get_keepalives_idle(), Duration::from_mins(1));
        assert_eq!(theirs.get_connect_timeout(), Some(&Duration::from_secs(4)));
    }
}
