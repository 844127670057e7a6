use std::collections::HashSet;
use std::num::NonZeroUsize;

use tertulia_domain::Timestamp;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn throttle() -> (Throttle, Clock) {
    let clock = Clock::manual(Timestamp::from_unix_millis(1_795_000_000_000));
    let limits = Limits::default()
        .with(Rule::LogIns, Limit::of(10, 10))
        .with(Rule::Guesses, Limit::of(3, 180))
        .with(Rule::Registrations, Limit::of(2, 120))
        .with(Rule::Messages, Limit::of(3, 30))
        .with(Rule::ChannelMessages, Limit::of(2, 2))
        .with(Rule::Frames, Limit::of(3, 3));
    (Throttle::new(limits, clock.clone()), clock)
}

fn advance(clock: &Clock, by: Duration) {
    clock.advance(by.try_into().unwrap());
}

fn fail(throttle: &Throttle, account: &str, from: &str) -> Result<(), Refused> {
    throttle.log_in(account, address(from)).map(drop)
}

fn take(throttle: &Throttle, rule: Rule, whom: &str) -> Result<Standing, Refused> {
    let mut standing = None;
    throttle.take(&[throttle.charge(rule, whom)], |it| standing = Some(it))?;
    Ok(standing.unwrap())
}

#[test]
fn one_has_the_burst_and_then_one_a_period_and_is_told_what_is_left() {
    let (throttle, clock) = throttle();
    for left in [2, 1, 0] {
        let standing = take(&throttle, Rule::Messages, "ann").unwrap();
        assert_eq!(standing.left, left);
        assert_eq!(standing.reset(), Duration::from_secs(u64::from(3 - left) * 10));
    }
    let refused = take(&throttle, Rule::Messages, "ann").unwrap_err();
    assert_eq!((refused.rule, refused.limit), (Rule::Messages, Limit::of(3, 30)));
    assert_eq!((refused.wait, refused.seconds()), (Duration::from_secs(10), 10));
    assert_eq!(take(&throttle, Rule::Messages, "bob").unwrap().left, 2, "others have their own");
    assert!(take(&throttle, Rule::Reactions, "ann").is_ok(), "and each rule its own");
    advance(&clock, Duration::from_millis(9_500));
    assert_eq!(take(&throttle, Rule::Messages, "ann").unwrap_err().seconds(), 1);
    advance(&clock, Duration::from_millis(500));
    take(&throttle, Rule::Messages, "ann").unwrap();
    assert!(take(&throttle, Rule::Messages, "ann").is_err());
    advance(&clock, Duration::from_hours(1));
    for _ in 0..3 {
        take(&throttle, Rule::Messages, "ann").unwrap();
    }
    assert!(take(&throttle, Rule::Messages, "ann").is_err(), "no more than the burst is saved up");
}

#[test]
fn what_is_given_back_can_be_taken_again_and_nothing_more() {
    let (throttle, clock) = throttle();
    let charge = throttle.charge(Rule::Messages, "ann");
    for _ in 0..1_000 {
        throttle.take(&[charge], |_| {}).unwrap();
        throttle.give_back(charge);
    }
    for _ in 0..3 {
        throttle.take(&[charge], |_| {}).unwrap();
    }
    assert!(throttle.take(&[charge], |_| {}).is_err());
    throttle.give_back(charge);
    throttle.take(&[charge], |_| {}).unwrap();
    assert!(throttle.take(&[charge], |_| {}).is_err());
    advance(&clock, Duration::from_hours(1));
    throttle.give_back(charge);
    for _ in 0..3 {
        throttle.take(&[charge], |_| {}).unwrap();
    }
    assert!(throttle.take(&[charge], |_| {}).is_err(), "giving back late saves nothing up");
    throttle.give_back(throttle.charge(Rule::Messages, "nobody"));
}

#[test]
fn what_is_refused_by_one_rule_is_taken_of_none() {
    let (throttle, clock) = throttle();
    let all = throttle.charge(Rule::Messages, "ann");
    let here = throttle.charge(Rule::ChannelMessages, ("ann", 1));
    let there = throttle.charge(Rule::ChannelMessages, ("ann", 2));
    for _ in 0..2 {
        throttle.take(&[all, here], |_| {}).unwrap();
    }
    for _ in 0..10 {
        let refused = throttle.take(&[all, here], |_| {}).unwrap_err();
        assert_eq!(refused.rule, Rule::ChannelMessages);
    }
    throttle.take(&[all, there], |_| {}).unwrap();
    assert_eq!(throttle.take(&[all, there], |_| {}).unwrap_err().rule, Rule::Messages);
    advance(&clock, Duration::from_secs(10));
    throttle.take(&[all, here], |_| {}).unwrap();
}

#[test]
fn a_gauge_is_its_owners_alone() {
    let (throttle, clock) = throttle();
    let (one, other) = (throttle.gauge(Rule::Frames), throttle.gauge(Rule::Frames));
    for _ in 0..3 {
        one.take().unwrap();
    }
    assert_eq!(one.take().unwrap_err().wait, Duration::from_secs(1));
    other.take().unwrap();
    advance(&clock, Duration::from_secs(1));
    one.take().unwrap();
    assert!(one.take().is_err());
}

#[test]
fn memory_is_bounded_and_who_is_at_the_limit_is_remembered() {
    let clock = Clock::manual(Timestamp::from_unix_millis(0));
    let remembered = NonZeroUsize::new(64).unwrap();
    let mut limits = Limits::default();
    limits.remembered = remembered;
    let throttle = Throttle::new(limits.with(Rule::Messages, Limit::of(5, 50)), clock.clone());
    for _ in 0..5 {
        take(&throttle, Rule::Messages, "ann").unwrap();
    }
    for other in 0..10_000 {
        advance(&clock, Duration::from_millis(1));
        take(&throttle, Rule::Messages, &format!("{other}")).unwrap();
    }
    let brakes = throttle.0.as_ref().unwrap();
    assert_eq!(brakes.cells.in_use(), 64);
    // One more came back meanwhile.
    take(&throttle, Rule::Messages, "ann").unwrap();
    assert!(take(&throttle, Rule::Messages, "ann").is_err());
}

#[test]
fn others_are_not_taken_for_somebody_who_is_at_the_limit() {
    let (throttle, _) = throttle();
    let at_the_limit: HashSet<_> = (0..1_000).map(|n| format!("guilty {n}")).collect();
    for guilty in &at_the_limit {
        while take(&throttle, Rule::Messages, guilty).is_ok() {}
    }
    let refused = |n: &u32| take(&throttle, Rule::Messages, &format!("innocent {n}")).is_err();
    // By chance, one in some ten million.
    assert!((0..20_000).filter(refused).count() <= 1);
}

#[test]
fn threads_that_take_at_once_get_no_more_than_there_is() {
    let clock = Clock::manual(Timestamp::from_unix_millis(0));
    let limits = Limits::default().with(Rule::Messages, Limit::of(1_000, 86_400));
    let throttle = Throttle::new(limits, clock);
    take(&throttle, Rule::Messages, "ann").unwrap();
    let taken: usize = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..1_000).filter(|_| take(&throttle, Rule::Messages, "ann").is_ok()).count()
                })
            })
            .collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(taken, 999);
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
    advance(&clock, Duration::from_mins(1));
    fail(&throttle, "ann", "192.0.2.1").unwrap();
}

#[test]
fn right_passwords_do_not_count_as_guesses() {
    let (throttle, clock) = throttle();
    for _ in 0..50 {
        throttle.log_in("ann", address("192.0.2.1")).unwrap().forgive();
        advance(&clock, Duration::from_secs(1));
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
    advance(&clock, Duration::from_secs(1));
    for _ in 0..2 {
        advance(&clock, Duration::from_secs(1));
        fail(&throttle, "zoe", "2001:db8::3").unwrap();
    }
    advance(&clock, Duration::from_secs(1));
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
    advance(&clock, Duration::from_mins(1));
    throttle.registration(address("192.0.2.1")).unwrap();
}

#[test]
fn switched_off_it_lets_everything_pass() {
    let throttle = Throttle::off();
    let gauge = throttle.gauge(Rule::Frames);
    for _ in 0..10_000 {
        drop(throttle.log_in("ann", address("192.0.2.1")).unwrap());
        throttle.registration(address("192.0.2.1")).unwrap();
        throttle.take(&[throttle.charge(Rule::Messages, 1)], |_| panic!("nothing stands")).unwrap();
        gauge.take().unwrap();
    }
    assert_eq!(throttle.limits(), None);
}

#[test]
fn the_defaults_leave_people_alone() {
    let throttle = Throttle::new(Limits::default(), Clock::system());
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
    for (burst, seconds) in [(u32::MAX, u32::MAX), (1, 0), (u32::MAX, 0), (1, u32::MAX)] {
        let mut limits = Limits::default();
        for rule in Rule::ALL {
            limits = limits.with(*rule, Limit::of(burst, seconds));
        }
        for remembered in [1, 9] {
            limits.remembered = NonZeroUsize::new(remembered).unwrap();
            let throttle = Throttle::new(limits.clone(), Clock::system());
            for n in 0..10 {
                throttle.registration(address("192.0.2.1")).ok();
                throttle.log_in("ann", address("192.0.2.1")).map(Attempt::forgive).ok();
                throttle.take(&[throttle.charge(Rule::Messages, n)], |_| {}).ok();
            }
        }
    }
}

#[test]
fn waits_are_rounded_up_to_whole_seconds() {
    let refused = |millis| Refused {
        rule: Rule::Guesses,
        limit: Rule::Guesses.default_limit(),
        wait: Duration::from_millis(millis),
    };
    for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
        assert_eq!(refused(millis).seconds(), seconds);
    }
    assert_eq!(refused(1_500).to_string(), "too many attempts; wait 2 s");
}

/// Also a measurement: `cargo test --release -p tertulia-auth -- --nocapture a_message_costs_little`.
#[test]
fn a_message_costs_little() {
    let limits = Limits::default()
        .with(Rule::Messages, Limit::of(100_000, 1))
        .with(Rule::ChannelMessages, Limit::of(100_000, 1))
        .with(Rule::Frames, Limit::of(100_000, 1));
    let throttle = Throttle::new(limits, Clock::system());
    let threads = 2_u32;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let throttle = &throttle;
            scope.spawn(move || {
                let gauge = throttle.gauge(Rule::Frames);
                let rounds = 100_000_u32;
                let begun = std::time::Instant::now();
                let mut passed = 0;
                for round in 0..rounds {
                    let user = (u128::from(thread), u128::from(round % 1_000));
                    passed += usize::from(gauge.take().is_ok());
                    let charges = [
                        throttle.charge(Rule::Messages, user),
                        throttle.charge(Rule::ChannelMessages, (user, 7_u128)),
                    ];
                    passed += usize::from(throttle.take(&charges, |_| {}).is_ok());
                }
                let each = begun.elapsed() / rounds;
                println!("{each:?} a message ({passed} of {} passed)", 2 * rounds);
                // In a build without optimisation, on a machine that does other things too.
                assert!(each < Duration::from_micros(100), "{each:?}");
            });
        }
    });
}
