//! Places in lists whose numbers tell something: sealed, so that a client can bring one back and not
//! read it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tertulia_domain::UserId;

use crate::{Error, Keys};

/// As AES-GCM has it (NIST SP 800-38D): 96 bits of nonce, drawn anew each time.
const NONCE: usize = 12;

/// Seals a place for one person: 48 characters. The same place never looks the same twice.
pub fn seal(place: i64, user: UserId, keys: &Keys) -> Result<String, Error> {
    let mut sealed = place.to_be_bytes().to_vec();
    let aad = Aad::from(*user.uuid().as_bytes());
    let nonce =
        key(keys)?.seal_in_place_append_tag(aad, &mut sealed).map_err(|_| Error::Invalid)?;
    let whole: Vec<u8> = nonce.as_ref().iter().chain(&sealed).copied().collect();
    Ok(URL_SAFE_NO_PAD.encode(whole))
}

/// Opens a place that was sealed here for this person; [`Error::Invalid`] when it was not.
pub fn open(text: &str, user: UserId, keys: &Keys) -> Result<i64, Error> {
    let mut whole = URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Invalid)?;
    let (nonce, sealed) = whole.split_at_mut_checked(NONCE).ok_or(Error::Invalid)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Invalid)?;
    let aad = Aad::from(*user.uuid().as_bytes());
    let place = key(keys)?.open_in_place(nonce, aad, sealed).map_err(|_| Error::Invalid)?;
    let place = <[u8; 8]>::try_from(&*place).map_err(|_| Error::Invalid)?;
    Ok(i64::from_be_bytes(place))
}

fn key(keys: &Keys) -> Result<RandomizedNonceKey, Error> {
    RandomizedNonceKey::new(&AES_256_GCM, keys.places()).map_err(|_| Error::Invalid)
}

#[cfg(test)]
mod tests {
    use tertulia_domain::Timestamp;

    use super::*;

    #[test]
    fn a_place_is_for_one_person_and_tells_nothing() {
        let now = Timestamp::from_unix_millis(1_795_000_000_000);
        let keys = Keys::from_secret("Zm9vYmFy-7Q2xKd9_wR4tLpVn8sJcYhGe1aUbMo3").unwrap();
        let (ann, bob) = (UserId::new(now), UserId::new(now));
        let (one, other) = (seal(42, ann, &keys).unwrap(), seal(42, ann, &keys).unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 48);
        assert_eq!((open(&one, ann, &keys), open(&other, ann, &keys)), (Ok(42), Ok(42)));
        assert_eq!(open(&one, bob, &keys), Err(Error::Invalid));
        for bad in ["", "42", "NDI5NDk2NzMxMQ", &one[1..], &format!("{one}A")] {
            assert_eq!(open(bad, ann, &keys), Err(Error::Invalid), "{bad}");
        }
    }
}
