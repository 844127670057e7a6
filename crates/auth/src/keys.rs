//! The keys of a server, all derived from its one secret.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, WeakSecret, server_secret};

/// Independent keys, one for each purpose, derived from the server's secret by HKDF-SHA256 (RFC
/// 5869). Knowing one tells nothing about the others. Nodes with the same secret have the same keys.
///
/// Another secret ends all access tokens, and makes refreshing and idempotent retries that were
/// under way during the change fail; refresh tokens and passwords go on working.
///
/// Wiped from memory when dropped; never shown by `Debug`.
#[derive(Clone)]
pub struct Keys {
    access_tokens: Key,
    successors: Key,
    request_digests: Key,
    file_links: Key,
    bus: Key,
    places: Key,
}

impl Keys {
    /// Derives the keys from the server's secret, the bytes of `secret` as they are. A secret that
    /// could be guessed is refused; [`WeakSecret`] says why.
    pub fn from_secret(secret: &str) -> Result<Self, WeakSecret> {
        server_secret::check(secret)?;
        let root = Key::extract(secret.as_bytes());
        Ok(Self {
            access_tokens: root.expand("access tokens"),
            successors: root.expand("refresh successors"),
            request_digests: root.expand("request digests"),
            file_links: root.expand("file links"),
            bus: root.expand("bus"),
            places: root.expand("places"),
        })
    }

    /// Makes a secret for [`Keys::from_secret`]: 256 random bits as 43 characters of base64url.
    pub fn generate_secret() -> Result<String, Error> {
        let bytes = random_bytes::<32>()?;
        Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
    }

    /// A short digest by which a repeated request is recognised as the same, without keeping what
    /// it said. It is keyed, so that whoever reads the database cannot test guesses at the content.
    /// Parts are length-prefixed: `["ab", "c"]` and `["a", "bc"]` differ.
    pub fn request_digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = self.request_digests.mac();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut digest = [0; 16];
        digest.copy_from_slice(&full[..16]);
        digest
    }

    /// A MAC by which nodes know each other's messages, and nothing else.
    pub fn bus_mac(&self) -> Hmac<Sha256> {
        self.bus.mac()
    }

    pub(crate) fn access_tokens(&self) -> &[u8] {
        self.access_tokens.0.as_slice()
    }

    /// A MAC with which nothing but the successors of refresh tokens is made.
    pub(crate) fn successor_mac(&self) -> Hmac<Sha256> {
        self.successors.mac()
    }

    /// What seals places in lists, and nothing else.
    pub(crate) fn places(&self) -> &[u8] {
        self.places.0.as_slice()
    }

    /// A MAC with which nothing but links to files is signed.
    pub(crate) fn file_link_mac(&self) -> Hmac<Sha256> {
        self.file_links.mac()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// Bytes from the operating system's generator.
pub(crate) fn random_bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| Error::Internal("read randomness"))?;
    Ok(bytes)
}

#[derive(Clone)]
struct Key(Zeroizing<[u8; 32]>);

impl Key {
    /// HKDF-Extract; the salt is the product's name, so that the same secret used by another
    /// program gives other keys.
    fn extract(secret: &[u8]) -> Self {
        let mut salt = Zeroizing::new([0; 32]);
        salt[..8].copy_from_slice(b"tertulia");
        let mut mac = Self(salt).mac();
        mac.update(secret);
        Self(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    /// HKDF-Expand to one block.
    fn expand(&self, label: &str) -> Self {
        let mut mac = self.mac();
        mac.update(label.as_bytes());
        mac.update(&[1]);
        Self(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    fn mac(&self) -> Hmac<Sha256> {
        // A key padded with zeros to the block is the key itself, by the definition of HMAC (RFC
        // 2104); given as a whole block there is no length that could be wrong.
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(self.0.as_slice());
        Hmac::new((&*block).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    const SECRET: &str = "Zm9vYmFy-7Q2xKd9_wR4tLpVn8sJcYhGe1aUbMo3";

    #[test]
    fn the_mac_is_hmac_sha256() {
        // RFC 4231, test case 1, whose 20-byte key is padded here as there.
        let mut key = Zeroizing::new([0; 32]);
        key[..20].copy_from_slice(&[0x0b; 20]);
        let mut mac = Key(key).mac();
        mac.update(b"Hi There");
        assert_eq!(
            HEXLOWER.encode(&mac.finalize().into_bytes()),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }

    #[test]
    fn keys_differ_by_purpose_and_by_secret_and_are_the_same_on_every_node() {
        let keys = Keys::from_secret(SECRET).unwrap();
        let all = [&keys.access_tokens, &keys.successors, &keys.request_digests];
        for (i, one) in all.iter().enumerate() {
            for other in &all[i + 1..] {
                assert_ne!(one.0, other.0);
            }
        }
        assert_eq!(Keys::from_secret(SECRET).unwrap().access_tokens(), keys.access_tokens());
        let other = Keys::from_secret(&SECRET.replace('Z', "z")).unwrap();
        assert_ne!(other.access_tokens(), keys.access_tokens());
    }

    #[test]
    fn keys_never_change_from_one_version_to_the_next() {
        // Nodes of two versions run side by side: a change here signs everybody out. The values
        // were computed with another implementation of HKDF.
        let keys = Keys::from_secret(SECRET).unwrap();
        assert_eq!(HEXLOWER.encode(&keys.access_tokens()[..8]), "31ea4a2d7c41eb48");
        let digest = keys.request_digest(&[b"a", b"bc"]);
        assert_eq!(HEXLOWER.encode(&digest), "db8febb8e2583b007bd9efbda18da167");
    }

    #[test]
    fn digests_depend_on_where_the_parts_end() {
        let keys = Keys::from_secret(SECRET).unwrap();
        let digests = [
            keys.request_digest(&[b"ab", b"c"]),
            keys.request_digest(&[b"a", b"bc"]),
            keys.request_digest(&[b"abc"]),
            keys.request_digest(&[b"abc", b""]),
            keys.request_digest(&[]),
        ];
        for (i, one) in digests.iter().enumerate() {
            assert!(!digests[i + 1..].contains(one), "{i}");
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", Keys::from_secret(SECRET).unwrap()), "Keys(…)");
    }

    #[test]
    fn generated_secrets_are_accepted_and_never_the_same() {
        let (one, two) = (Keys::generate_secret().unwrap(), Keys::generate_secret().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
        assert!(one.is_ascii());
        assert!(Keys::from_secret(&one).is_ok() && Keys::from_secret(&two).is_ok());
    }

    proptest! {
        #[test]
        fn equal_digests_mean_equal_parts(
            one in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
            two in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
        ) {
            let keys = Keys::from_secret(SECRET).unwrap();
            let digest = |parts: &[Vec<u8>]| {
                keys.request_digest(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())
            };
            prop_assert_eq!(digest(&one) == digest(&two), one == two);
        }
    }
}
