//! Where the server is, and who is asking.

use anyhow::{Context, Result, bail};
use std::{net::SocketAddr, net::ToSocketAddrs, rc::Rc};

/// The server's address.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// What goes into `Host`.
    pub(crate) authority: String,
}

impl Target {
    /// Reads `http://host[:port]`.
    pub(crate) fn parse(url: &str) -> Result<Rc<Self>> {
        let Some(rest) = url.strip_prefix("http://") else {
            bail!("{url}: only http:// addresses are spoken to");
        };
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains('/') {
            bail!("{url}: an address without a path is wanted");
        }
        let with_port = if authority.rsplit(']').next().unwrap_or("").contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let address = with_port
            .to_socket_addrs()
            .with_context(|| url.to_owned())?
            .next()
            .with_context(|| format!("{url}: no such host"))?;
        Ok(Rc::new(Self { address, authority: authority.to_owned() }))
    }
}

/// A registered user.
#[derive(Debug)]
pub(crate) struct User {
    /// Their name, unique to this run.
    pub(crate) username: String,
    /// Their password.
    pub(crate) password: String,
    /// An access token.
    pub(crate) token: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_leave_out_the_port_but_not_the_scheme() {
        let target = Target::parse("http://127.0.0.1:8000/").unwrap();
        assert_eq!(target.address.to_string(), "127.0.0.1:8000");
        assert_eq!(target.authority, "127.0.0.1:8000");
        assert_eq!(Target::parse("http://[::1]").unwrap().address.port(), 80);
        for wrong in ["127.0.0.1:8000", "https://x", "http://", "http://x/y"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
