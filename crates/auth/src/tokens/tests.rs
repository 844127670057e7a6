use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp::from_unix_millis(1_795_253_400_700);
const TTL: Duration = Duration::minutes(15);

fn keys() -> Keys {
    Keys::from_secret("Zm9vYmFy-7Q2xKd9_wR4tLpVn8sJcYhGe1aUbMo3").unwrap()
}

fn ids() -> (UserId, SessionId) {
    (Uuid::from_u128(1).into(), Uuid::from_u128(2).into())
}

fn issue(tokens: &Tokens) -> String {
    let (user, session) = ids();
    tokens.issue(user, session, NOW, TTL).unwrap()
}

fn claims() -> Value {
    json!({"aud": "access", "sub": Uuid::from_u128(1), "sid": Uuid::from_u128(2),
        "iat": NOW.unix_seconds(), "exp": NOW.unix_seconds() + 900})
}

/// A token with any header and claims, rightly signed with HMAC-SHA256 and the server's own key.
fn sign(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let key = EncodingKey::from_secret(keys().access_tokens());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn hs256() -> Value {
    json!({"typ": "JWT", "alg": "HS256"})
}

#[test]
fn a_token_proves_who_signed_in_until_the_second_it_ends() {
    let tokens = Tokens::new(&keys());
    let token = issue(&tokens);
    let (user, session) = ids();
    let end = Timestamp::from_unix_millis(1_795_254_300_000);
    let expected = AccessClaims { user, session, expires_at: end };
    assert_eq!(tokens.verify(&token, NOW), Ok(expected));
    assert_eq!(tokens.verify(&token, end.plus(Duration::milliseconds(-1))), Ok(expected));
    assert_eq!(tokens.verify(&token, end), Err(Error::Expired));
    assert_eq!(tokens.verify(&token, end.plus(Duration::days(400))), Err(Error::Expired));
}

#[test]
fn a_node_whose_clock_is_behind_accepts_a_fresh_token() {
    let tokens = Tokens::new(&keys());
    assert!(tokens.verify(&issue(&tokens), NOW.plus(Duration::seconds(-5))).is_ok());
}

#[test]
fn another_server_s_token_is_invalid_even_when_expired() {
    let other = Keys::from_secret(&Keys::generate_secret().unwrap()).unwrap();
    let token = issue(&Tokens::new(&other));
    let tokens = Tokens::new(&keys());
    assert_eq!(tokens.verify(&token, NOW), Err(Error::Invalid));
    assert_eq!(tokens.verify(&token, NOW.plus(TTL)), Err(Error::Invalid));
}

#[test]
fn only_hs256_is_accepted() {
    let tokens = Tokens::new(&keys());
    assert!(tokens.verify(&sign(&hs256(), &claims()), NOW).is_ok());
    for algorithm in ["none", "None", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA", ""] {
        let token = sign(&json!({"typ": "JWT", "alg": algorithm}), &claims());
        assert_eq!(tokens.verify(&token, NOW), Err(Error::Invalid), "{algorithm}");
    }
    let unsigned = sign(&json!({"alg": "none"}), &claims());
    let unsigned = &unsigned[..=unsigned.rfind('.').unwrap()];
    assert_eq!(tokens.verify(unsigned, NOW), Err(Error::Invalid));
    let long = EncodingKey::from_secret(keys().access_tokens());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = jsonwebtoken::encode(&Header::new(algorithm), &claims(), &long).unwrap();
        assert_eq!(tokens.verify(&token, NOW), Err(Error::Invalid), "{algorithm:?}");
    }
}

#[test]
fn claims_that_are_missing_or_wrong_are_invalid() {
    let tokens = Tokens::new(&keys());
    for claim in ["aud", "sub", "sid", "iat", "exp"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(claim);
        assert_eq!(tokens.verify(&sign(&hs256(), &without), NOW), Err(Error::Invalid), "{claim}");
    }
    for (claim, value) in [
        ("aud", json!("refresh")),
        ("aud", json!("ACCESS")),
        ("aud", json!(["access"])),
        ("aud", json!(null)),
        ("sub", json!("ann")),
        ("sub", json!(1)),
        ("sid", json!("")),
        ("exp", json!("1795254300")),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(null)),
    ] {
        let mut wrong = claims();
        wrong[claim] = value.clone();
        assert_eq!(
            tokens.verify(&sign(&hs256(), &wrong), NOW),
            Err(Error::Invalid),
            "{claim} {value}"
        );
    }
    for exp in [i64::MIN, -1, 0] {
        let mut past = claims();
        past["exp"] = json!(exp);
        assert_eq!(tokens.verify(&sign(&hs256(), &past), NOW), Err(Error::Expired), "{exp}");
    }
    let mut never = claims();
    never["exp"] = json!(i64::MAX);
    assert!(tokens.verify(&sign(&hs256(), &never), NOW).is_ok());
}

#[test]
fn a_newer_version_may_add_claims() {
    let mut more = claims();
    more["scope"] = json!("all");
    assert!(Tokens::new(&keys()).verify(&sign(&hs256(), &more), NOW).is_ok());
}

#[test]
fn long_tokens_are_refused_unread() {
    let tokens = Tokens::new(&keys());
    let mut long = claims();
    long["padding"] = json!("x".repeat(2_000));
    assert!(tokens.verify(&sign(&hs256(), &long), NOW).is_ok());
    long["padding"] = json!("x".repeat(4_000));
    assert_eq!(tokens.verify(&sign(&hs256(), &long), NOW), Err(Error::Invalid));
    assert!(issue(&tokens).len() < 400);
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", Tokens::new(&keys())), "Tokens(…)");
}

proptest! {
    #[test]
    fn no_text_panics_or_passes(text in any::<String>()) {
        prop_assert_eq!(Tokens::new(&keys()).verify(&text, NOW), Err(Error::Invalid));
    }

    #[test]
    fn nothing_of_the_shape_of_a_token_panics_or_passes(
        header in prop_oneof![
            Just(hs256().to_string()),
            Just(r#"{"alg":"HS256","jwk":{"kty":"oct","k":"AA"},"crit":["x"]}"#.to_owned()),
            any::<String>(),
        ],
        payload in prop_oneof![Just(claims().to_string()), any::<String>()],
        signature in prop::collection::vec(any::<u8>(), 0..70),
    ) {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let token = format!(
            "{}.{}.{}", part(header.as_bytes()), part(payload.as_bytes()), part(&signature),
        );
        prop_assert_eq!(Tokens::new(&keys()).verify(&token, NOW), Err(Error::Invalid));
    }

    #[test]
    fn a_token_changed_anywhere_is_invalid(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9._=-]") {
        let tokens = Tokens::new(&keys());
        let mut token = issue(&tokens);
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != to);
        token.replace_range(at..=at, &to);
        prop_assert_eq!(tokens.verify(&token, NOW), Err(Error::Invalid));
    }

    #[test]
    fn a_token_cut_or_lengthened_is_invalid(cut in 1_usize..300, more in "[A-Za-z0-9._=-]{1,9}") {
        let tokens = Tokens::new(&keys());
        let token = issue(&tokens);
        let short = &token[..token.len().saturating_sub(cut)];
        prop_assert_eq!(tokens.verify(short, NOW), Err(Error::Invalid));
        prop_assert_eq!(tokens.verify(&format!("{token}{more}"), NOW), Err(Error::Invalid));
        prop_assert_eq!(tokens.verify(&format!("{more}{token}"), NOW), Err(Error::Invalid));
    }

    #[test]
    fn every_issued_token_comes_back(user in any::<u128>(), session in any::<u128>(), ttl in 1_i64..10_000_000) {
        let tokens = Tokens::new(&keys());
        let (user, session) = (Uuid::from_u128(user).into(), Uuid::from_u128(session).into());
        let token = tokens.issue(user, session, NOW, Duration::seconds(ttl)).unwrap();
        let read = tokens.verify(&token, NOW).unwrap();
        prop_assert_eq!((read.user, read.session), (user, session));
        prop_assert_eq!(read.expires_at.unix_seconds(), NOW.unix_seconds() + ttl);
    }
}
