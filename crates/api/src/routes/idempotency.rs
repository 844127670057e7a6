//! `Idempotency-Key`: what a client calls a request that it may send again, as in
//! draft-ietf-httpapi-idempotency-key-header.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use tertulia_domain::{Fault, Faults, IdempotencyKey};
use utoipa::IntoParams;

use crate::extract::Body;
use crate::fields::Input;
use crate::problem::Problem;

const NAME: &str = "Idempotency-Key";

/// The header, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header; `Repeatable` reads it")]
pub(super) struct IdempotencyHeader {
    /// Chosen by the client, for this request only, and sent with it each time: 1–64 visible ASCII
    /// characters but `"` and `\`, with or without quotes around them. The same request of the same
    /// account with the same key makes one thing, ever; another request with it is refused.
    // No example: the page at `/docs` would send it with every request.
    #[param(rename = "idempotency-key", value_type = Option<String>, required = false,
        min_length = 1, max_length = 66,
        pattern = r#"^("[!#-\[\]-~]{1,64}"|[!#-\[\]-~]{1,64})$"#)]
    idempotency_key: Option<IdempotencyKey>,
}

/// A JSON body, and the key by which it is known when it comes again.
pub(super) struct Repeatable<T> {
    pub(super) body: T,
    pub(super) key: Option<IdempotencyKey>,
}

impl<T: Input + 'static> FromRequest for Repeatable<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = key(request);
        let body = Body::<T>::from_request(request, payload);
        Box::pin(async move {
            match (key, body.await) {
                (Ok(key), Ok(Body(body))) => Ok(Self { body, key }),
                (Ok(_), Err(problem)) => Err(problem),
                (Err(fault), Ok(_)) => Err(Faults::one(NAME, fault).into()),
                (Err(fault), Err(problem)) => Err(problem.with(NAME, fault)),
            }
        })
    }
}

/// The draft makes the key a text in quotes (RFC 9651, section 3.3.3); many clients leave them out,
/// and mean the same.
fn key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Fault> {
    let mut values = request.headers().get_all(NAME);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Fault::new("not_allowed", "one key, not several"));
    }
    let text = String::from_utf8_lossy(value.as_bytes());
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    IdempotencyKey::parse(quoted.unwrap_or(&text)).map(Some)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn key_of(values: &[&[u8]]) -> Result<Option<String>, &'static str> {
        let request = values
            .iter()
            .fold(TestRequest::default(), |request, value| request.append_header((NAME, *value)));
        let key = key(&request.to_http_request());
        key.map(|key| key.map(IdempotencyKey::into_string)).map_err(|fault| fault.code)
    }

    #[test]
    fn a_key_is_the_same_with_quotes_and_without() {
        let longest = "~".repeat(64);
        for good in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "!#[]~;=,", longest.as_str()] {
            let quoted = format!("\"{good}\"");
            assert_eq!(key_of(&[good.as_bytes()]), Ok(Some(good.to_owned())));
            assert_eq!(key_of(&[quoted.as_bytes()]), Ok(Some(good.to_owned())));
        }
        assert_eq!(key_of(&[]), Ok(None));
    }

    #[test]
    fn what_is_no_key_is_a_fault() {
        let long = "a".repeat(65);
        for (bad, code) in [
            ("".as_bytes(), "bad_length"),
            (b"\"\"", "bad_length"),
            (long.as_bytes(), "bad_length"),
            (b"\"", "bad_character"),
            (b"\"a", "bad_character"),
            (b"a\"b", "bad_character"),
            (b"\"a\";b=1", "bad_character"),
            (b"a\\b", "bad_character"),
            (b"a b", "bad_character"),
            (b"a\tb", "bad_character"),
            ("ä".as_bytes(), "bad_character"),
            (b"\xff", "bad_character"),
        ] {
            assert_eq!(key_of(&[bad]), Err(code), "{bad:?}");
        }
        assert_eq!(key_of(&[b"a", b"a"]), Err("not_allowed"));
    }
}
