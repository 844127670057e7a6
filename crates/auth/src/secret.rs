//! Opaque random tokens: shown once, stored only as a hash.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::keys::random_bytes;
use crate::{Error, Keys};

/// What an opaque token is for. Its prefix says so, to people and to scanners for leaked secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `trt_…`: exchanged, once, for an access token and its successor.
    Refresh,
    /// `tt_…`: opens one socket.
    Ticket,
    /// `tat_…`: makes the first admin, once.
    Admin,
    /// `ti_…`: lets people into a channel.
    Invite,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "trt_",
            Self::Ticket => "tt_",
            Self::Admin => "tat_",
            Self::Invite => "ti_",
        }
    }
}

/// An opaque token: a prefix, and 256 bits as 43 characters of base64url. Wiped from memory when
/// dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct Secret {
    kind: Kind,
    text: Zeroizing<String>,
}

impl Secret {
    /// Makes a new token from the operating system's randomness.
    pub fn generate(kind: Kind) -> Result<Self, Error> {
        Ok(Self::from_bytes(kind, &*random_bytes()?))
    }

    /// Reads a token that somebody sent; [`Error::Invalid`] unless it has the shape of this kind.
    /// Whether it was ever issued, only its stored hash can say.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, Error> {
        let encoded = text.strip_prefix(kind.prefix()).ok_or(Error::Invalid)?;
        let mut bytes = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(encoded, bytes.as_mut_slice()) {
            Ok(32) => Ok(Self { kind, text: Zeroizing::new(text.to_owned()) }),
            _ => Err(Error::Invalid),
        }
    }

    /// The token as it is given to a client.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is stored of it: SHA-256 of its text. The token has 256 random bits, so that no salt
    /// and no slowness is needed.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    /// The token that replaces this one: a token of the same kind that only the holder of the
    /// server's key can compute. Everyone who exchanges the same token gets the same successor, so
    /// that two tabs that refresh at once do not sign each other out, and yet nothing but hashes
    /// is stored.
    #[must_use]
    pub fn successor(&self, keys: &Keys) -> Self {
        let mut mac = keys.successor_mac();
        mac.update(b"next");
        mac.update(self.text.as_bytes());
        let bytes = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        Self::from_bytes(self.kind, &bytes)
    }

    fn from_bytes(kind: Kind, bytes: &[u8; 32]) -> Self {
        let prefix = kind.prefix();
        // Its whole length at once: growing would leave a copy behind that nobody wipes.
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 43));
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        Self { kind, text }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys() -> Keys {
        Keys::from_secret("Zm9vYmFy-7Q2xKd9_wR4tLpVn8sJcYhGe1aUbMo3").unwrap()
    }

    #[test]
    fn tokens_come_back_from_their_text() {
        for kind in [Kind::Refresh, Kind::Ticket] {
            let token = Secret::generate(kind).unwrap();
            assert!(token.expose().starts_with(kind.prefix()));
            assert_eq!(token.expose().len(), kind.prefix().len() + 43);
            let again = Secret::parse(kind, token.expose()).unwrap();
            assert_eq!(again.hash(), token.hash());
            assert_ne!(Secret::generate(kind).unwrap().hash(), token.hash());
        }
    }

    #[test]
    fn a_token_of_one_kind_is_not_one_of_another() {
        let ticket = Secret::generate(Kind::Ticket).unwrap();
        assert_eq!(Secret::parse(Kind::Refresh, ticket.expose()).unwrap_err(), Error::Invalid);
    }

    #[test]
    fn other_shapes_are_refused() {
        let body = "A".repeat(43);
        for bad in [
            String::new(),
            "trt_".to_owned(),
            body.clone(),
            format!("TRT_{body}"),
            format!("trt_{body}A"),
            format!("trt_{}", &body[1..]),
            format!("trt_{body}="),
            format!(" trt_{body}"),
            format!("trt_{}+", &body[1..]),
            // The last character carries four bits that count and two that must be zero.
            format!("trt_{}B", &body[1..]),
            format!("trt_{}", "A".repeat(1_000_000)),
        ] {
            assert_eq!(Secret::parse(Kind::Refresh, &bad).unwrap_err(), Error::Invalid);
        }
        assert!(Secret::parse(Kind::Refresh, &format!("trt_{body}")).is_ok());
    }

    #[test]
    fn a_token_has_one_successor_and_a_chain_never_repeats() {
        let keys = keys();
        let mut token = Secret::generate(Kind::Refresh).unwrap();
        let mut seen = vec![token.hash()];
        for _ in 0..50 {
            let next = token.successor(&keys);
            assert_eq!(token.successor(&keys).hash(), next.hash());
            assert!(Secret::parse(Kind::Refresh, next.expose()).is_ok());
            assert!(!seen.contains(&next.hash()));
            seen.push(next.hash());
            token = next;
        }
    }

    #[test]
    fn successors_never_change_from_one_version_to_the_next() {
        // Computed with another implementation of HKDF and HMAC.
        let token = Secret::parse(Kind::Refresh, &format!("trt_{}", "A".repeat(43))).unwrap();
        let successor = token.successor(&keys());
        assert_eq!(successor.expose(), "trt_zUlHt1qFb_X7lX_PNlR8dE4VFoEixdsH5o57gZ3Z7SI");
    }

    #[test]
    fn without_the_key_the_successor_is_another() {
        let token = Secret::generate(Kind::Refresh).unwrap();
        let other = Keys::from_secret(&Keys::generate_secret().unwrap()).unwrap();
        assert_ne!(token.successor(&keys()).hash(), token.successor(&other).hash());
    }

    #[test]
    fn debug_shows_the_kind_only() {
        assert_eq!(format!("{:?}", Secret::generate(Kind::Ticket).unwrap()), "Secret(tt_…)");
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_accepts_only_what_it_would_write(
            text in prop_oneof![any::<String>(), "trt_[A-Za-z0-9_-]{40,46}"],
        ) {
            if let Ok(token) = Secret::parse(Kind::Refresh, &text) {
                let mut bytes = [0; 32];
                let length = URL_SAFE_NO_PAD.decode_slice(&text[4..], &mut bytes).unwrap();
                prop_assert_eq!(length, 32);
                let written = Secret::from_bytes(Kind::Refresh, &bytes);
                prop_assert_eq!(written.expose(), token.expose());
            }
        }
    }
}
