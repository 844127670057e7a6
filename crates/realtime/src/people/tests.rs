use tertulia_domain::{Availability, Status};

use super::*;

const THEN: Timestamp = Timestamp::from_unix_millis(1_000_000);

struct Node {
    people: People,
    clock: Clock,
}

impl Node {
    fn new() -> Self {
        let clock = Clock::manual(THEN);
        Self { people: People::new(clock.clone()), clock }
    }

    fn connect(&self, user: UserId) -> Arc<Person> {
        let person = self.people.enter(user);
        self.people.know(user, 0, OwnStatus::default());
        person
    }

    fn says(&self, user: UserId, rev: i64, status: Availability) {
        let status = Status { status, ..Status::default() };
        self.people.know(user, rev, OwnStatus { status, ..OwnStatus::default() });
    }

    /// Passes some time, and tells itself and others what it finds. Who is last seen when.
    fn round(&self, seconds: i64, others: &[&Self]) -> Vec<(UserId, Timestamp)> {
        self.clock.advance(time::Duration::seconds(seconds));
        let round = self.people.round();
        for node in others.iter().copied().chain([self]) {
            for signal in &round.signals {
                if let Signal::Present { node: from, among, people } = signal {
                    node.people.hear(*from, *among, people);
                }
            }
        }
        round.gone
    }

    fn shown(&self, user: UserId) -> Shown {
        self.people.shown(user).map_or(Shown::Offline, |presence| presence.status)
    }
}

#[test]
fn who_comes_back_at_once_was_never_gone() {
    let (node, ann) = (Node::new(), UserId::new(THEN));
    node.connect(ann).leave();
    let second = node.connect(ann);
    node.round(1, &[]);
    assert_eq!(node.shown(ann), Shown::Online);
    assert_eq!(node.people.take_changed().len(), 1);
    second.leave();
    node.round(1, &[]);
    node.round(9, &[]);
    assert_eq!(node.shown(ann), Shown::Online);
    let third = node.connect(ann);
    node.round(1, &[]);
    node.round(20, &[]);
    assert!(node.people.take_changed().is_empty(), "nobody was told anything");
    third.leave();
    node.round(1, &[]);
    let left = node.clock.now();
    assert_eq!(node.round(10, &[]), [(ann, left)]);
    let told = node.people.take_changed();
    assert_eq!((told[&ann].status, told[&ann].last_seen_at), (Shown::Offline, Some(left)));
    assert!(node.people.state.lock().here.is_empty());
}

#[test]
fn who_is_invisible_goes_and_stays_away_as_if_they_had_left() {
    let (node, ann, bob) = (Node::new(), UserId::new(THEN), UserId::new(THEN));
    let (_ann, leaving) = (node.connect(ann), node.connect(bob));
    node.round(1, &[]);
    node.people.take_changed();
    node.says(ann, 1, Availability::Invisible);
    leaving.leave();
    let mut told = Vec::new();
    for _ in 0..12 {
        node.round(1, &[]);
        let changed = node.people.take_changed();
        assert_eq!(changed.get(&ann), changed.get(&bob), "one looks like the other");
        told.extend(changed.into_values());
    }
    assert_eq!(told.len(), 2);
    assert!(node.people.is_invisible(ann));
    let _second = node.connect(ann);
    node.says(ann, 1, Availability::Invisible);
    assert_eq!(node.round(30, &[]), []);
    assert!(node.people.take_changed().is_empty());
    node.says(ann, 0, Availability::Online);
    node.round(1, &[]);
    assert_eq!(node.shown(ann), Shown::Offline, "what is older than what is known counts nothing");
    node.says(ann, 2, Availability::Dnd);
    node.round(1, &[]);
    assert_eq!(node.shown(ann), Shown::Dnd);
}

#[test]
fn who_does_nothing_for_ten_minutes_is_away_until_they_do_something() {
    let (node, ann) = (Node::new(), UserId::new(THEN));
    let person = node.connect(ann);
    node.round(599, &[]);
    assert_eq!(node.shown(ann), Shown::Online);
    node.round(1, &[]);
    assert_eq!(node.shown(ann), Shown::Away);
    person.act(node.clock.now());
    node.round(1, &[]);
    assert_eq!(node.shown(ann), Shown::Online);
}

#[test]
fn what_is_said_for_a_time_is_over_by_itself() {
    let (node, ann) = (Node::new(), UserId::new(THEN));
    let _here = node.connect(ann);
    let over = node.clock.now().plus(time::Duration::seconds(60));
    let text = "at lunch".to_owned();
    let status = Status { status: Availability::Dnd, text, emoji: None, expires_at: Some(over) };
    node.people.know(ann, 1, OwnStatus { status, ..OwnStatus::default() });
    node.round(1, &[]);
    assert_eq!(node.people.shown(ann).unwrap().text, "at lunch");
    node.round(60, &[]);
    let shown = node.people.shown(ann).unwrap();
    assert_eq!((shown.status, &*shown.text), (Shown::Online, ""));
}

#[test]
fn somebody_is_as_the_best_of_their_devices_on_whichever_node() {
    let (one, two, ann) = (Node::new(), Node::new(), UserId::new(THEN));
    let (here, there) = (one.connect(ann), two.connect(ann));
    one.round(1, &[&two]);
    two.round(1, &[&one]);
    for node in [&one, &two] {
        assert_eq!(node.shown(ann), Shown::Online);
        node.people.take_changed();
    }
    here.leave();
    one.round(1, &[&two]);
    one.round(10, &[&two]);
    assert_eq!((one.shown(ann), two.shown(ann)), (Shown::Online, Shown::Online));
    assert!(two.people.take_changed().is_empty());
    there.leave();
    two.round(1, &[&one]);
    two.round(10, &[&one]);
    assert_eq!((one.shown(ann), two.shown(ann)), (Shown::Offline, Shown::Offline));
}

#[test]
fn what_was_lost_on_the_way_is_said_again_and_a_lost_node_takes_its_people_along() {
    let (one, two, ann) = (Node::new(), Node::new(), UserId::new(THEN));
    let person = one.connect(ann);
    one.round(1, &[]);
    assert_eq!(two.shown(ann), Shown::Offline);
    for _ in 0..10 {
        one.round(1, &[&two]);
    }
    assert_eq!(two.shown(ann), Shown::Online);
    person.leave();
    one.round(1, &[]);
    one.round(10, &[]);
    for _ in 0..10 {
        one.round(1, &[&two]);
    }
    assert_eq!(two.shown(ann), Shown::Offline);

    let _back = one.connect(ann);
    one.round(1, &[&two]);
    assert_eq!(two.shown(ann), Shown::Online);
    two.round(29, &[]);
    assert_eq!(two.shown(ann), Shown::Online);
    two.round(1, &[]);
    assert_eq!(two.shown(ann), Shown::Offline);
}

#[test]
fn however_many_are_connected_all_are_told_of_in_parts_and_who_has_gone_is_missed_in_any_of_them() {
    let (one, two) = (Node::new(), Node::new());
    let users: Vec<UserId> = (0..1201).map(|_| UserId::new(THEN)).collect();
    let here: Vec<_> = users.iter().map(|user| one.connect(*user)).collect();
    one.round(1, &[&two]);
    assert_eq!(two.people.online().len(), 1201);
    for gone in here.iter().step_by(100) {
        gone.leave();
    }
    // That they have gone is lost on the way.
    one.round(1, &[]);
    one.round(10, &[]);
    assert_eq!(two.people.online().len(), 1201);
    one.people.introduce();
    let round = one.people.round();
    assert_eq!(round.signals.len(), 3);
    for signal in round.signals {
        let Signal::Present { node, among, people } = signal else { panic!("{signal:?}") };
        assert!(people.len() <= MAX_TOLD);
        two.people.hear(node, among, &people);
    }
    assert_eq!(two.people.online().len(), 1201 - 13);
}

#[test]
fn when_all_have_gone_that_is_said_too() {
    let (one, two, ann) = (Node::new(), Node::new(), UserId::new(THEN));
    let person = one.connect(ann);
    one.round(1, &[&two]);
    person.leave();
    one.round(1, &[]);
    one.round(10, &[]);
    one.people.introduce();
    one.round(1, &[&two]);
    assert_eq!(two.shown(ann), Shown::Offline);
}
