//! Addresses of files that are good by themselves for a moment, where no header can be sent.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use tertulia_domain::{FileId, SessionId, Timestamp, UserId};
use uuid::Uuid;

use crate::{Error, Keys};

const PREFIX: &str = "tfl_";
const CLAIMS: usize = 40;
const MAC: usize = 32;

/// Who may fetch a file by a link, and until when. What they may read is not in it: that is asked
/// when they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLink {
    /// The account.
    pub user: UserId,
    /// The device that asked for it: the link ends with its session.
    pub session: SessionId,
    /// The last moment at which it is good.
    pub expires_at: Timestamp,
}

impl FileLink {
    /// The link as text: `tfl_…`, 100 characters. It is good for this file only.
    pub fn sign(&self, file: FileId, keys: &Keys) -> String {
        let mut signed = [0; CLAIMS + MAC];
        signed[..16].copy_from_slice(self.user.uuid().as_bytes());
        signed[16..32].copy_from_slice(self.session.uuid().as_bytes());
        signed[32..CLAIMS].copy_from_slice(&self.expires_at.unix_millis().to_be_bytes());
        let mut mac = keys.file_link_mac();
        mac.update(file.uuid().as_bytes());
        mac.update(&signed[..CLAIMS]);
        signed[CLAIMS..].copy_from_slice(&mac.finalize().into_bytes());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(signed))
    }

    /// Reads a link to this file; [`Error::Invalid`] when it was not signed here, is for another file
    /// or is over.
    pub fn verify(text: &str, file: FileId, keys: &Keys, now: Timestamp) -> Result<Self, Error> {
        let encoded = text.strip_prefix(PREFIX).ok_or(Error::Invalid)?;
        let mut signed = [0; CLAIMS + MAC];
        if URL_SAFE_NO_PAD.decode_slice(encoded, &mut signed) != Ok(CLAIMS + MAC) {
            return Err(Error::Invalid);
        }
        let mut mac = keys.file_link_mac();
        mac.update(file.uuid().as_bytes());
        mac.update(&signed[..CLAIMS]);
        mac.verify_slice(&signed[CLAIMS..]).map_err(|_| Error::Invalid)?;
        let uuid = |at: usize| Uuid::from_slice(&signed[at..at + 16]).unwrap_or_default();
        let mut millis = [0; 8];
        millis.copy_from_slice(&signed[32..CLAIMS]);
        let link = Self {
            user: uuid(0).into(),
            session: uuid(16).into(),
            expires_at: Timestamp::from_unix_millis(i64::from_be_bytes(millis)),
        };
        if now > link.expires_at { Err(Error::Invalid) } else { Ok(link) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_millis(1_795_000_000_000);

    fn keys(secret: &str) -> Keys {
        Keys::from_secret(&format!("Zm9vYmFy-7Q2xKd9_wR4tLpVn8sJcYhGe1{secret}")).unwrap()
    }

    #[test]
    fn a_link_is_for_one_file_one_server_and_a_moment() {
        let link =
            FileLink { user: UserId::new(NOW), session: SessionId::new(NOW), expires_at: NOW };
        let (file, keys, others) = (FileId::new(NOW), keys("aUbMo3"), keys("bUbMo4"));
        let text = link.sign(file, &keys);
        assert_eq!(text.len(), 100);
        assert_eq!(FileLink::verify(&text, file, &keys, NOW), Ok(link));

        let later = NOW.plus(time::Duration::milliseconds(1));
        let is_bad = |text: &str, file, keys, now| FileLink::verify(text, file, keys, now).is_err();
        assert!(is_bad(&text, file, &keys, later));
        assert!(is_bad(&text, FileId::new(NOW), &keys, NOW));
        assert!(is_bad(&text, file, &others, NOW));
        for position in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bytes).unwrap();
            assert!(is_bad(&bent, file, &keys, NOW), "{bent}");
        }
        for junk in ["", "tfl_", "tfl_AAAA", &text[4..], &text[..99], &format!("{text}A")] {
            assert!(is_bad(junk, file, &keys, NOW), "{junk}");
        }
    }
}
