//! What the adapter must know of where it runs.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header;
use ipnet::IpNet;

/// How the API presents itself, and whom it believes.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What the API calls itself.
    pub app_name: String,
    /// Origins under which people reach this server, such as `https://chat.example.com`.
    pub public_origins: Vec<String>,
    /// Origins of other pages that may call.
    pub cors: Cors,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether only this machine can connect. Then only its own names, and those of
    /// `public_origins`, are good `Host`s: a page that rebinds its name to 127.0.0.1 gets nothing.
    pub loopback: bool,
}

/// Which pages of other origins may call.
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// Every origin.
    pub any: bool,
    /// These origins.
    pub origins: Vec<String>,
    /// Whether browsers may send credentials along.
    pub credentials: bool,
}

impl Config {
    /// Where a request comes from: the last address in front of all trusted proxies.
    pub(crate) fn client_address(&self, request: &HttpRequest) -> IpAddr {
        let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
        let forwarded = request.headers().get_all("x-forwarded-for");
        let mut hops: Vec<IpAddr> = forwarded
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map_while(|hop| hop.trim().parse().ok())
            .collect();
        let mut address = peer;
        while self.trusts(address) {
            let Some(hop) = hops.pop() else { break };
            address = hop;
        }
        address.to_canonical()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&address))
    }

    /// Whether people reach this server by TLS only, as far as its settings say.
    pub(crate) fn is_only_tls(&self) -> bool {
        let mut origins = self.public_origins.iter();
        !self.public_origins.is_empty() && origins.all(|origin| origin.starts_with("https://"))
    }

    /// Whether the name by which a request calls this server is one of its own.
    pub(crate) fn knows_host(&self, host: &str) -> bool {
        if !self.loopback {
            return true;
        }
        let Some(name) = name_of(host) else { return false };
        let own = name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let is_name = |origin: &String| {
            let authority = origin.split_once("://").map_or(origin.as_str(), |(_, it)| it);
            name_of(authority).is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        own || self.public_origins.iter().any(is_name)
    }

    /// Whether a page of this origin may open a socket: its own, a listed one, or none at all,
    /// which is what clients that are no browsers send.
    pub(crate) fn knows_origin(&self, request: &HttpRequest) -> bool {
        let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
        let Ok(origin) = origin.to_str() else { return false };
        let same = |other: &String| other.eq_ignore_ascii_case(origin);
        if self.cors.any || self.cors.origins.iter().chain(&self.public_origins).any(same) {
            return true;
        }
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some() && authority == host
    }
}

/// The name in `name:port` or `[address]:port` (RFC 3986 §3.2.2), whose port may be missing.
fn name_of(authority: &str) -> Option<&str> {
    let (name, port) = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let digits = if port.is_empty() { "" } else { port.strip_prefix(':')? };
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
}
