use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Instant;

use argon2::password_hash::PasswordHasher;

use super::*;

const CORRECT: &str = "correct horse battery staple";

fn password(text: &str) -> NewPassword {
    NewPassword::parse(text.to_owned()).unwrap()
}

fn bounded(running: usize, waiting: usize) -> Passwords {
    Passwords::bounded(NonZeroUsize::new(running).unwrap(), waiting).unwrap()
}

/// A rightly computed hash with other parameters.
fn hash_with(algorithm: Algorithm, m: u32, t: u32, p: u32) -> String {
    let params = Params::new(m, t, p, Some(32)).unwrap();
    Argon2::new(algorithm, Version::V0x13, params)
        .hash_password_with_salt(CORRECT.as_bytes(), b"sixteen bytes ok")
        .unwrap()
        .to_string()
}

#[tokio::test]
async fn a_password_verifies_against_its_hash_and_no_other_does() {
    let passwords = Passwords::new().unwrap();
    let hash = passwords.hash(&password(CORRECT)).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(!hash.contains("horse"));
    assert_eq!(passwords.verify(Some(&hash), CORRECT).await, Ok(true));
    for wrong in
        ["", "correct horse", "Correct horse battery staple", "correct horse battery staple\0"]
    {
        assert_eq!(passwords.verify(Some(&hash), wrong).await, Ok(false), "{wrong:?}");
    }
    assert_ne!(passwords.hash(&password(CORRECT)).await.unwrap(), hash, "salted");
}

#[tokio::test]
async fn every_password_that_can_be_set_can_be_used() {
    let passwords = Passwords::new().unwrap();
    let longest = "\u{1F511}".repeat(256);
    let hash = passwords.hash(&password(&longest)).await.unwrap();
    assert_eq!(passwords.verify(Some(&hash), &longest).await, Ok(true));
    assert_eq!(passwords.verify(Some(&hash), &"x".repeat(1_000_000)).await, Ok(false));
}

#[tokio::test]
async fn nothing_verifies_without_a_stored_hash_and_the_work_is_the_same() {
    let passwords = Passwords::new().unwrap();
    let hash = passwords.hash(&password(CORRECT)).await.unwrap();
    let (mut known, mut unknown) = (vec![], vec![]);
    for _ in 0..7 {
        let start = Instant::now();
        assert_eq!(passwords.verify(Some(&hash), "wrong password").await, Ok(false));
        known.push(start.elapsed());
        let start = Instant::now();
        assert_eq!(passwords.verify(None, "wrong password").await, Ok(false));
        unknown.push(start.elapsed());
    }
    // The quickest of several, since other work on the machine only ever adds time.
    let (known, unknown) = (known.iter().min().unwrap(), unknown.iter().min().unwrap());
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "known {known:?}, unknown {unknown:?}");
}

#[test]
fn the_dummy_is_such_a_hash_as_all_others() {
    let dummy = dummy().unwrap();
    assert_eq!(usable(&dummy.to_string()), Ok(dummy.clone()));
    assert!(dummy.to_string().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[tokio::test]
async fn stored_hashes_that_are_damaged_or_ask_too_much_are_refused_without_work() {
    let passwords = Passwords::new().unwrap();
    let good = hash_with(Algorithm::Argon2id, 64, 1, 1);
    for bad in [
        String::new(),
        "x".to_owned(),
        "$2b$12$KIXvZ4v0o0tqgQ0m1Jm8ZuW7wF5rJqv0a4lqk0Yd9k0Yc5o5w1o5W".to_owned(),
        "$argon2id$v=19$m=19456,t=2,p=1$c2l4dGVlbiBieXRlcw".to_owned(),
        good.replace("m=64", "m=4294967295"),
        good.replace("m=64", "m=77825"),
        good.replace("t=1", "t=9"),
        good.replace("p=1", "p=5"),
        good.replace("v=19", "v=16"),
        good.replace("$v=19", ""),
        good.replace("m=64", "m=0"),
        good.replace("m=64", "q=64"),
        good.replace("m=64", "m=99999999999999999999"),
        hash_with(Algorithm::Argon2d, 64, 1, 1),
        hash_with(Algorithm::Argon2i, 64, 1, 1),
    ] {
        let verified = passwords.verify(Some(&bad), CORRECT).await;
        assert_eq!(verified, Err(Error::UnusableHash), "{bad}");
    }
}

#[tokio::test]
async fn hashes_with_other_parameters_within_the_bounds_verify() {
    let passwords = Passwords::new().unwrap();
    let weaker = hash_with(Algorithm::Argon2id, 64, 1, 1);
    let stronger = hash_with(Algorithm::Argon2id, 4 * 19_456, 3, 2);
    for hash in [weaker, stronger] {
        assert_eq!(passwords.verify(Some(&hash), CORRECT).await, Ok(true), "{hash}");
        assert_eq!(passwords.verify(Some(&hash), "wrong").await, Ok(false), "{hash}");
    }
}

#[tokio::test]
async fn more_than_may_wait_are_refused_at_once_and_places_come_back() {
    let passwords = bounded(1, 2);
    let mut waiting = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..3 {
        let mut attempt = Box::pin(passwords.verify(None, "some password"));
        assert!(attempt.as_mut().poll(&mut context).is_pending());
        waiting.push(attempt);
    }
    assert_eq!(passwords.verify(None, "some password").await, Err(Error::Busy));
    assert_eq!(passwords.hash(&password(CORRECT)).await, Err(Error::Busy));
    // The last gives up before its turn: its place is free again, and everyone gets an answer.
    drop(waiting.pop());
    let late = passwords.verify(None, "some password");
    for attempt in waiting {
        assert_eq!(attempt.await, Ok(false));
    }
    assert_eq!(late.await, Ok(false));
}

#[tokio::test]
async fn work_that_was_given_up_keeps_its_permit_until_it_ends() {
    let passwords = bounded(1, 0);
    {
        let mut begun = pin!(passwords.verify(None, "some password"));
        assert!(begun.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(passwords.verify(None, "some password").await, Err(Error::Busy));
    let ended = passwords.admitted.acquire().await.unwrap();
    drop(ended);
    assert_eq!(passwords.verify(None, "some password").await, Ok(false));
}

#[tokio::test]
async fn the_runtime_goes_on_while_passwords_are_checked() {
    let passwords = Arc::new(Passwords::new().unwrap());
    let mut ticks = 0;
    let mut attempt = pin!(passwords.verify(None, "some password"));
    loop {
        tokio::select! {
            biased;
            verified = &mut attempt => break assert_eq!(verified, Ok(false)),
            () = tokio::task::yield_now() => ticks += 1,
        }
    }
    assert!(ticks > 10, "only {ticks}");
}
