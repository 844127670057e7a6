//! Access tokens: short-lived, signed, and checked without a database.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use tertulia_domain::{SessionId, Timestamp, UserId};
use time::Duration;

use crate::{Error, Keys};

/// What an access token proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// Who signed in.
    pub user: UserId,
    /// On which device. Whether that session has ended since, the token cannot say.
    pub session: SessionId,
    /// When the proof ends, to the second.
    pub expires_at: Timestamp,
}

/// Issues and verifies access tokens: JWTs (RFC 7519) signed with HMAC-SHA256 and for no other
/// purpose than access. The time is passed in; nothing here reads a clock.
pub struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: Audience,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    exp: i64,
}

/// What the token is for; a token for anything else does not parse.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Audience {
    Access,
}

impl Tokens {
    /// The longest token that is looked at, in bytes. Those issued here have about 280.
    pub const MAX_BYTES: usize = 4096;

    /// Tokens signed with the server's keys.
    pub fn new(keys: &Keys) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is checked here, against the time passed in, and the purpose by the type of the
        // claims, which serde also requires to be there.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self {
            signing: EncodingKey::from_secret(keys.access_tokens()),
            verifying: DecodingKey::from_secret(keys.access_tokens()),
            validation,
        }
    }

    /// Issues a token that is good from `now`, inclusive, to `now + ttl`, exclusive. The end is cut
    /// to the whole second before it, as JWTs have it.
    pub fn issue(
        &self,
        user: UserId,
        session: SessionId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<String, Error> {
        let claims = Claims {
            aud: Audience::Access,
            sub: user,
            sid: session,
            iat: now.unix_seconds(),
            exp: now.plus(ttl).unix_seconds(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map_err(|_| Error::Internal("sign a token"))
    }

    /// Verifies a token at the time `now`, without leeway: [`Error::Expired`] from the second of
    /// its end on, and [`Error::Invalid`] for everything that was not issued by [`Tokens::issue`]
    /// with the same key, whatever else is wrong with it. When it was issued is not compared with
    /// `now`: the clocks of two nodes may differ.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, Error> {
        if token.len() > Self::MAX_BYTES {
            return Err(Error::Invalid);
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation)
            .map_err(|_| Error::Invalid)?
            .claims;
        if claims.exp <= now.unix_seconds() {
            return Err(Error::Expired);
        }
        Ok(AccessClaims {
            user: claims.sub,
            session: claims.sid,
            expires_at: Timestamp::from_unix_millis(claims.exp.saturating_mul(1000)),
        })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

#[cfg(test)]
mod tests;
