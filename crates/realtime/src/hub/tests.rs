use std::time::Duration;

use bytes::Bytes;
use tertulia_domain::{ChannelId, Timestamp};

use super::*;
use crate::Signal;

const THEN: Timestamp = Timestamp::from_unix_millis(0);

/// A hub with two workers, whose inboxes are read as texts.
struct Node {
    hub: Hub,
    inboxes: Vec<UnboundedReceiver<Arc<Vec<Step>>>>,
    channel: Feed,
}

impl Node {
    fn new() -> Self {
        let hub = Hub::new(Clock::manual(THEN));
        let inboxes = (0..2).map(|_| hub.add_worker().1).collect();
        Self { hub, inboxes, channel: Feed::Channel(ChannelId::new(THEN)) }
    }

    /// Somebody who is connected to a worker.
    fn person(&self, worker: WorkerId) -> UserId {
        let user = UserId::new(THEN);
        self.hub.subscribe(Feed::Me(user), user, worker);
        self.hub.learn([(Feed::Me(user).id(), 0)]);
        user
    }

    /// Somebody who is connected to a worker, and listens to the channel.
    fn listener(&self, worker: WorkerId) -> UserId {
        let user = self.person(worker);
        self.hub.subscribe(self.channel, user, worker);
        user
    }

    fn learn(&self, head: i64) -> Vec<i64> {
        let further = self.hub.learn([(self.channel.id(), head)]);
        further.into_iter().map(|(_, head)| head).collect()
    }

    /// A step of the channel, from the rev before.
    fn step(&self, rev: i64) -> Event {
        self.steps(rev - 1, rev, None)
    }

    fn steps(&self, prev: i64, rev: i64, effect: Option<Effect>) -> Event {
        Event { feed: self.channel, prev, rev, effect, frame: format!("{rev} ").into() }
    }

    fn with(&self, rev: i64, effect: Effect) -> Event {
        self.steps(rev - 1, rev, Some(effect))
    }

    fn own(&self, user: UserId, rev: i64, joined: bool) -> Event {
        let Feed::Channel(channel) = self.channel else { unreachable!() };
        let effect = Some(Effect::Belongs { channel, joined });
        Event { feed: Feed::Me(user), prev: rev - 1, rev, effect, frame: Bytes::from("me ") }
    }

    fn publish(&self, revs: impl IntoIterator<Item = i64>) {
        self.hub.publish(revs.into_iter().map(|rev| self.step(rev)).collect());
    }

    fn fill(&self, events: Vec<Event>, head: i64) {
        self.fill_barring(events, head, Vec::new());
    }

    fn fill_barring(&self, events: Vec<Event>, head: i64, barred: Vec<UserId>) {
        let fill = Fill { events, reached: head, head, limited: false, barred };
        self.hub.fill(self.channel, fill);
    }

    /// What a worker was told, in order: frames as their texts.
    fn told(&mut self, worker: WorkerId) -> String {
        let mut told = Vec::new();
        while let Ok(steps) = self.inboxes[worker].try_recv() {
            self.hub.took(worker);
            let own = steps.iter().filter(|step| step.to & (1 << worker) != 0);
            told.extend(own.map(|step| text(&step.delivery)));
        }
        told.concat().trim_end().to_owned()
    }

    fn released(&self) -> Option<i64> {
        let released = self.hub.released().into_iter();
        released.filter(|(id, _)| *id == self.channel.id()).map(|(_, head)| head).next()
    }
}

fn text(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Frames { chunk, .. } => String::from_utf8_lossy(chunk).into_owned(),
        Delivery::Glimpse { .. } => "glimpse ".into(),
        Delivery::Admit { .. } => "admit ".into(),
        Delivery::Cut { .. } => "cut ".into(),
        Delivery::Close { frame, .. } => format!("close {}", String::from_utf8_lossy(frame)),
        Delivery::Stale { head, .. } => format!("stale@{head} "),
        Delivery::Belongs { head, .. } => format!("belongs@{head} "),
        Delivery::EndSession { .. } => "end ".into(),
        Delivery::Drain(_) => "drain ".into(),
    }
}

/// All orders of these.
fn orders(of: &[i64]) -> Vec<Vec<i64>> {
    let Some((first, rest)) = of.split_first() else { return vec![Vec::new()] };
    let shorter = orders(rest).into_iter();
    shorter
        .flat_map(|order| {
            (0..=order.len()).map(move |at| {
                let mut order = order.clone();
                order.insert(at, *first);
                order
            })
        })
        .collect()
}

#[test]
fn steps_are_released_once_and_in_order_whatever_order_they_come_in() {
    for order in orders(&[1, 2, 3, 4, 5]) {
        let mut node = Node::new();
        node.listener(0);
        node.learn(0);
        for rev in &order {
            node.publish([*rev]);
            node.publish([*rev]);
        }
        node.publish(order);
        assert_eq!(node.told(0), "1 2 3 4 5");
        assert!(node.hub.gaps().is_empty());
    }
}

#[test]
fn a_step_may_span_what_was_released_before() {
    let mut node = Node::new();
    node.listener(0);
    node.learn(3);
    node.hub.publish(vec![node.steps(0, 3, None), node.steps(1, 5, None), node.steps(4, 5, None)]);
    node.hub.publish(vec![node.steps(2, 6, None)]);
    assert_eq!(node.told(0), "5 6");
}

#[tokio::test]
async fn a_gap_waits_and_is_noticed() {
    let mut node = Node::new();
    let user = node.listener(0);
    node.learn(3);
    node.publish([4]);
    node.publish([6, 7]);
    node.hub.gap_noticed().await;
    assert_eq!(node.told(0), "4");
    let gaps = node.hub.gaps();
    assert_eq!((gaps.len(), gaps[0].since, &gaps[0].listeners), (1, Some(4), &vec![user]));
    // The database may be further than the bus, and 5 may have been overwritten by 6.
    node.fill(vec![node.steps(4, 6, None), node.steps(6, 8, None)], 8);
    node.publish([5, 7, 8, 9]);
    assert_eq!(node.told(0), "6 8 9");
}

#[test]
fn who_may_no_longer_hear_a_feed_is_cut_before_its_gap_is_filled() {
    let mut node = Node::new();
    let (_stays, gone) = (node.listener(0), node.listener(1));
    node.learn(9);
    node.publish([12, 21]);
    let events = vec![node.steps(9, 11, None), node.steps(11, 19, None), node.step(20)];
    node.fill_barring(events, 20, vec![gone]);
    assert_eq!(node.told(1), "cut");
    assert_eq!(node.told(0), "11 19 20 21");
}

#[test]
fn who_has_come_back_since_a_gap_was_read_stays() {
    let mut node = Node::new();
    let user = node.listener(0);
    node.learn(9);
    node.publish([11]);
    // 10 was only late; meanwhile the database has been asked, and said that they are out at 11.
    node.hub.publish(vec![node.with(10, Effect::Cut(user))]);
    node.publish([11]);
    node.hub.publish(vec![node.with(12, Effect::Admit(user))]);
    node.fill_barring(vec![node.step(10), node.step(11)], 11, vec![user]);
    node.publish([13]);
    assert_eq!(node.told(0), "cut admit 12 13");
}

#[test]
fn who_is_out_at_the_head_hears_no_part_of_a_gap() {
    let mut node = Node::new();
    let (_stays, gone) = (node.listener(0), node.listener(1));
    node.learn(9);
    // One reading goes to 10; the head, at which he is out, is 20.
    let events = vec![node.step(10)];
    let fill = Fill { events, reached: 10, head: 20, limited: false, barred: vec![gone] };
    node.hub.fill(node.channel, fill);
    assert_eq!((node.told(0).as_str(), node.told(1).as_str()), ("10", "cut"));
}

#[test]
fn too_wide_a_gap_is_for_clients_to_sync() {
    let mut node = Node::new();
    let (_stays, gone) = (node.listener(0), node.listener(1));
    node.learn(1);
    node.publish([2001]);
    let barred = vec![gone];
    let fill = Fill { events: Vec::new(), reached: 2000, head: 2000, limited: true, barred };
    node.hub.fill(node.channel, fill);
    assert_eq!((node.told(0).as_str(), node.told(1).as_str()), ("stale@2000 2001", "cut"));
}

#[test]
fn a_gap_holds_a_bounded_number_of_steps() {
    let mut node = Node::new();
    node.listener(0);
    node.learn(0);
    node.publish(2..5000);
    assert_eq!(node.told(0), "");
    node.fill(vec![node.step(1)], 1);
    let told = node.told(0);
    assert!(told.starts_with("1 2 3 4 ") && told.ends_with(" 1025"), "{told}");
}

#[test]
fn a_feed_begins_at_the_head_that_its_first_listener_read() {
    let mut node = Node::new();
    node.listener(0);
    node.publish([4, 5, 6]);
    assert_eq!((node.told(0).as_str(), node.released()), ("", None));
    assert!(node.hub.gaps().is_empty(), "whoever came is about to say where it stands");
    assert_eq!(node.learn(5), [0; 0]);
    assert_eq!(node.told(0), "6");
    assert_eq!(node.learn(9), [0; 0]);
    assert_eq!(node.released(), Some(6), "what was released stays so");
}

#[test]
fn who_read_an_earlier_head_than_another_is_told() {
    let mut node = Node::new();
    node.listener(0);
    node.publish([6]);
    node.learn(6);
    assert_eq!(node.learn(5), [6], "6 was never released to anybody");
    assert_eq!(node.told(0), "");
}

#[test]
fn a_feed_that_nobody_places_is_asked_for_and_its_listeners_sync() {
    let mut node = Node::new();
    node.listener(0);
    node.publish([5]);
    node.fill(Vec::new(), 5);
    node.publish([6]);
    assert_eq!(node.told(0), "stale@5 6");
}

#[test]
fn a_head_alone_does_not_say_what_lies_before_it() {
    let mut node = Node::new();
    node.listener(0);
    // Asked for while nothing was known; meanwhile somebody has learned 5, and 6 came.
    node.learn(5);
    node.publish([6]);
    node.fill(Vec::new(), 8);
    node.publish([9]);
    assert_eq!(node.told(0), "6 stale@8 9");
}

#[test]
fn who_is_let_in_by_their_own_feed_syncs_when_it_is_known_where_the_feed_stands() {
    let mut node = Node::new();
    let user = node.person(0);
    node.hub.publish(vec![node.own(user, 1, true)]);
    assert_eq!(node.told(0), "belongs@0 me");
    assert_eq!(node.hub.gaps().len(), 1, "nobody is about to place it");
    node.publish([6]);
    // Somebody else comes, who has read that it is at 6.
    node.listener(1);
    node.learn(6);
    node.publish([7]);
    assert_eq!(node.told(0), "stale@6 7");
}

#[test]
fn people_come_and_go_in_the_middle_of_a_batch() {
    let mut node = Node::new();
    node.listener(0);
    let user = node.person(1);
    node.learn(1);
    node.hub.publish(vec![
        node.step(2),
        node.with(3, Effect::Admit(user)),
        node.own(user, 1, true),
        node.step(4),
        node.with(5, Effect::Cut(user)),
        node.own(user, 2, false),
        node.step(6),
        node.with(7, Effect::Admit(user)),
        node.own(user, 3, true),
        node.step(8),
    ]);
    assert_eq!(node.told(0), "2 3 4 5 6 7 8");
    // Each feed in its own order: a person's own frames go in one chunk.
    assert_eq!(node.told(1), "admit 3 belongs@3 me me me 4 cut admit 7 belongs@7 8");
}

#[test]
fn who_is_let_in_opens_a_feed_that_nobody_heard() {
    let mut node = Node::new();
    let user = node.person(1);
    node.publish([1, 2]);
    node.hub.publish(vec![node.with(3, Effect::Admit(user)), node.step(4)]);
    assert_eq!(node.told(1), "admit 3 4");
    node.hub.publish(vec![node.with(5, Effect::Cut(user)), node.step(6)]);
    assert_eq!((node.told(1).as_str(), node.released()), ("cut", None));
    let stranger = UserId::new(THEN);
    node.hub.publish(vec![node.with(7, Effect::Admit(stranger)), node.step(8)]);
    assert_eq!(node.released(), None, "nobody of this node is in it");
}

#[test]
fn nothing_follows_the_end_of_a_channel() {
    let mut node = Node::new();
    node.listener(0);
    node.learn(1);
    node.hub.publish(vec![node.step(2), node.with(3, Effect::Close), node.step(4)]);
    node.publish([5]);
    assert_eq!((node.told(0).as_str(), node.released()), ("2 close 3", None));
}

#[test]
fn sessions_end_in_the_order_of_the_system_feed() {
    let mut node = Node::new();
    let user = node.person(1);
    let ended: Vec<SessionId> = (0..3).map(|_| SessionId::new(THEN)).collect();
    node.hub.follow_system(7, [ended[0]]);
    let end = |rev, session| {
        let effect = Some(Effect::End { session, user });
        Event { feed: Feed::System, prev: rev - 1, rev, effect, frame: Bytes::new() }
    };
    node.hub.publish(vec![end(9, ended[2])]);
    assert!(node.hub.has_ended(ended[0]) && !node.hub.has_ended(ended[2]));
    node.hub.publish(vec![end(8, ended[1])]);
    assert!(ended.iter().all(|session| node.hub.has_ended(*session)));
    assert_eq!((node.told(0).as_str(), node.told(1).as_str()), ("", "end end"));
    node.hub.forget_ended(Timestamp::from_unix_millis(1));
    assert!(!node.hub.has_ended(ended[1]));
}

#[test]
fn a_worker_that_goes_away_takes_its_listeners_along() {
    let mut node = Node::new();
    let (stays, gone) = (node.listener(0), node.listener(1));
    node.learn(1);
    node.hub.remove_worker(1);
    node.publish([2]);
    assert_eq!((node.told(0).as_str(), node.told(1).as_str()), ("2", ""));
    assert!(!node.hub.is_subscribed(node.channel.id(), gone, 1));
    node.hub.publish(vec![node.with(3, Effect::Admit(gone)), node.with(4, Effect::Cut(stays))]);
    assert_eq!(node.told(0), "3 cut");
    node.hub.remove_worker(0);
    assert!(!node.hub.has_listeners());
    let (again, _inbox) = node.hub.add_worker();
    assert_eq!(again, 0, "its place is taken by the next");
}

#[test]
fn frames_of_a_feed_are_one_chunk_until_something_happens_to_its_listeners() {
    let mut node = Node::new();
    let (_stays, goes) = (node.listener(0), node.listener(0));
    node.learn(0);
    let other = Feed::Channel(ChannelId::new(THEN));
    node.hub.subscribe(other, goes, 0);
    node.hub.learn([(other.id(), 0)]);
    let aside = Event { feed: other, ..node.step(1) };
    node.hub.publish(vec![
        node.step(1),
        aside,
        node.step(2),
        node.step(3),
        node.with(4, Effect::Cut(goes)),
        node.step(5),
    ]);
    let steps = node.inboxes[0].try_recv().unwrap();
    let chunks: Vec<_> = steps
        .iter()
        .filter_map(|step| match &step.delivery {
            Delivery::Frames { feed, chunk, last } if *feed == node.channel.id() => {
                Some((&chunk[..], *last))
            }
            _ => None,
        })
        .collect();
    assert_eq!(chunks, [(&b"1 2 3 "[..], 3), (&b"4 5 "[..], 5)]);
}

#[tokio::test]
async fn the_log_waits_for_a_worker_that_lags() {
    let mut node = Node::new();
    node.listener(0);
    node.learn(0);
    for rev in 1..=65 {
        node.publish([rev]);
    }
    let waits = tokio::time::timeout(Duration::from_millis(20), node.hub.room()).await;
    assert!(waits.is_err(), "65 batches wait");
    let hub = node.hub.clone();
    let room = tokio::spawn(async move { hub.room().await });
    tokio::task::yield_now().await;
    node.told(0);
    room.await.unwrap();
    for rev in 66..=200 {
        node.publish([rev]);
    }
    node.hub.remove_worker(0);
    node.hub.room().await;
}

#[test]
fn draining_reaches_all_workers() {
    let mut node = Node::new();
    node.hub.drain(Duration::from_secs(1));
    assert_eq!((node.told(0).as_str(), node.told(1).as_str()), ("drain", "drain"));
}

#[test]
fn what_those_who_look_are_shown_waits_for_what_was_before_it() {
    let mut node = Node::new();
    let (ann, bob) = (node.listener(0), node.listener(0));
    node.learn(5);
    let Feed::Channel(channel) = node.channel else { unreachable!() };
    let typing = |head| [Signal::Typing { channel, head, user: ann, active: true }];
    node.hub.signal(&typing(5));
    assert_eq!(node.told(0), "", "nobody looks");
    node.hub.look(node.channel.id(), 0, true);
    node.hub.signal(&typing(5));
    assert_eq!(node.told(0), "glimpse");
    // Bob may be among those who were sent out at 7.
    node.hub.signal(&typing(7));
    node.publish([6]);
    assert_eq!(node.told(0), "6");
    node.hub.publish(vec![node.with(7, Effect::Cut(bob))]);
    assert_eq!(node.told(0), "cut 7 glimpse");
    node.hub.look(node.channel.id(), 0, false);
    node.hub.signal(&typing(7));
    assert_eq!(node.told(0), "");
}
