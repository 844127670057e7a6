use std::num::{NonZeroU32, NonZeroUsize};

use governor::clock::FakeRelativeClock;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn limit(burst: u32, seconds: u64) -> Limit {
    Limit { burst: NonZeroU32::new(burst).unwrap(), every: Duration::from_secs(seconds) }
}

fn throttle() -> (Throttle<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    let limits = Limits {
        log_ins: limit(10, 1),
        guesses: limit(3, 60),
        registrations: limit(2, 60),
        invitations: limit(2, 60),
        remembered: NonZeroUsize::new(1_000).unwrap(),
    };
    (Throttle::with_clock(limits, &clock), clock)
}

fn fail(
    throttle: &Throttle<FakeRelativeClock>,
    account: &str,
    from: &str,
) -> Result<(), RetryAfter> {
    throttle.log_in(account, address(from)).map(drop)
}

#[test]
fn wrong_passwords_stop_their_address_and_nobody_else() {
    let (throttle, clock) = throttle();
    for _ in 0..3 {
        fail(&throttle, "ann", "192.0.2.1").unwrap();
    }
    assert_eq!(fail(&throttle, "ann", "192.0.2.1").unwrap_err().seconds(), 60);
    fail(&throttle, "ann", "192.0.2.2").unwrap();
    fail(&throttle, "bob", "192.0.2.1").unwrap();
    clock.advance(Duration::from_mins(1));
    fail(&throttle, "ann", "192.0.2.1").unwrap();
}

#[test]
fn right_passwords_do_not_count_as_guesses() {
    let (throttle, clock) = throttle();
    for _ in 0..50 {
        throttle.log_in("ann", address("192.0.2.1")).unwrap().forgive();
        clock.advance(Duration::from_secs(1));
    }
    for _ in 0..3 {
        fail(&throttle, "ann", "192.0.2.1").unwrap();
        throttle.log_in("ann", address("192.0.2.1")).map(Attempt::forgive).ok();
    }
    assert!(fail(&throttle, "ann", "192.0.2.1").is_err(), "and do not wash wrong ones off");
}

#[test]
fn guesses_at_the_same_time_do_not_pass_together() {
    let (throttle, _) = throttle();
    let pending: Vec<_> =
        (0..9).filter_map(|_| throttle.log_in("ann", address("192.0.2.1")).ok()).collect();
    assert_eq!(pending.len(), 3);
    pending.into_iter().for_each(Attempt::forgive);
    assert!(fail(&throttle, "ann", "192.0.2.1").is_ok());
}

#[test]
fn many_accounts_from_one_address_are_stopped_by_the_address() {
    let (throttle, clock) = throttle();
    for i in 0..10 {
        fail(&throttle, &format!("user{i}"), "2001:db8::1").unwrap();
    }
    assert_eq!(fail(&throttle, "zoe", "2001:db8::2").unwrap_err().seconds(), 1);
    fail(&throttle, "zoe", "2001:db8:0:1::2").unwrap();
    clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        clock.advance(Duration::from_secs(1));
        fail(&throttle, "zoe", "2001:db8::3").unwrap();
    }
    clock.advance(Duration::from_secs(1));
    assert!(
        fail(&throttle, "zoe", "2001:db8::4").is_ok(),
        "an attempt that the address refused was no guess"
    );
}

#[test]
fn registrations_are_counted_by_address() {
    let (throttle, clock) = throttle();
    for _ in 0..2 {
        throttle.registration(address("192.0.2.1")).unwrap();
    }
    assert_eq!(throttle.registration(address("192.0.2.1")).unwrap_err().seconds(), 60);
    throttle.registration(address("192.0.2.2")).unwrap();
    fail(&throttle, "ann", "192.0.2.1").unwrap();
    clock.advance(Duration::from_mins(1));
    throttle.registration(address("192.0.2.1")).unwrap();
}

#[test]
fn switched_off_it_lets_everything_pass() {
    let throttle = Throttle::off();
    for _ in 0..10_000 {
        drop(throttle.log_in("ann", address("192.0.2.1")).unwrap());
        throttle.registration(address("192.0.2.1")).unwrap();
    }
}

#[test]
fn the_defaults_leave_people_alone() {
    let throttle = Throttle::default();
    let office = address("192.0.2.1");
    for person in 0..100 {
        throttle.log_in(&format!("user{person}"), office).unwrap().forgive();
    }
    for _ in 0..40 {
        throttle.registration(office).unwrap();
    }
    let home = address("192.0.2.2");
    for _ in 0..20 {
        drop(throttle.log_in("ann", home).unwrap());
    }
    assert!((59..=60).contains(&throttle.log_in("ann", home).unwrap_err().seconds()));
}

#[test]
fn absurd_limits_do_not_overflow() {
    for (burst, every) in
        [(u32::MAX, Duration::MAX), (1, Duration::ZERO), (u32::MAX, Duration::ZERO)]
    {
        let limit = Limit { burst: NonZeroU32::new(burst).unwrap(), every };
        let limits =
            Limits { log_ins: limit, guesses: limit, registrations: limit, ..Limits::default() };
        let throttle = Throttle::new(limits);
        for _ in 0..10 {
            throttle.registration(address("192.0.2.1")).ok();
            throttle.log_in("ann", address("192.0.2.1")).map(Attempt::forgive).ok();
        }
    }
}

#[test]
fn waits_are_rounded_up_to_whole_seconds() {
    for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
        assert_eq!(RetryAfter(Duration::from_millis(millis)).seconds(), seconds);
    }
    assert_eq!(RetryAfter(Duration::from_millis(1_500)).to_string(), "too many attempts; wait 2 s");
}

#[test]
fn invitations_are_counted_by_who_invites() {
    let (throttle, clock) = throttle();
    assert!(throttle.invitation("ann").is_ok() && throttle.invitation("ann").is_ok());
    assert!(throttle.invitation("ann").is_err());
    assert!(throttle.invitation("bob").is_ok());
    clock.advance(Duration::from_mins(1));
    assert!(throttle.invitation("ann").is_ok());
}
