use hmac::KeyInit;
use proptest::prelude::*;
use tertulia_domain::{Availability, Emoji, OwnStatus, Presence, Shown, Status, Timestamp, UserId};
use uuid::Uuid;

use super::*;
use crate::{Effect, text_frame};

fn sealer(secret: u8, epoch: &str, node: u64) -> Sealer {
    let mac = Hmac::<Sha256>::new((&[secret; 64]).into());
    Sealer::new(mac, epoch, NodeId::from_number(node))
}

fn id<T: From<Uuid> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    any::<u128>().prop_map(|bits| Uuid::from_u128(bits).into())
}

fn own() -> impl Strategy<Value = OwnStatus> {
    let status = (".{0,20}", any::<bool>(), proptest::option::of(0_i64..4_000_000_000_000));
    (status, any::<bool>(), any::<bool>()).prop_map(|((text, emoji, over), receipts, last_seen)| {
        let emoji = emoji.then(|| Emoji::parse("👍").unwrap());
        let expires_at = over.map(Timestamp::from_unix_millis);
        let status = Status { status: Availability::Dnd, text, emoji, expires_at };
        OwnStatus { status, receipts, last_seen }
    })
}

fn effect() -> impl Strategy<Value = Option<Effect>> {
    proptest::option::of(prop_oneof![
        id().prop_map(Effect::Admit),
        id().prop_map(Effect::Cut),
        Just(Effect::Close),
        (id(), any::<bool>()).prop_map(|(channel, joined)| Effect::Belongs { channel, joined }),
        own().prop_map(|own| Effect::Status(Box::new(own))),
        (id(), id()).prop_map(|(session, user)| Effect::End { session, user }),
    ])
}

fn some_event() -> impl Strategy<Value = Event> {
    let feed =
        prop_oneof![id().prop_map(Feed::Channel), id().prop_map(Feed::Me), Just(Feed::System)];
    (feed, 0_i64..1_000_000, 1_i64..1000, effect(), ".{0,300}").prop_map(
        |(feed, prev, step, effect, text)| {
            let frame = text_frame(text.as_bytes());
            Event { feed, prev, rev: prev + step, effect, frame }
        },
    )
}

proptest! {
    #[test]
    fn what_was_said_is_what_is_heard(events in proptest::collection::vec(some_event(), 0..20)) {
        let (from, to) = (sealer(1, "epoch", 7), sealer(1, "epoch", 8));
        let mut number = 3;
        let messages = from.events(&mut number, &events);
        prop_assert_eq!(messages.len(), usize::from(!events.is_empty()));
        for message in messages {
            let heard = to.open(&message).unwrap();
            let wanted = Message {
                node: NodeId::from_number(7), number: 4, said: Said::Events(events.clone())
            };
            prop_assert_eq!(heard, wanted);
        }
    }

    #[test]
    fn what_was_changed_on_the_way_is_not_heard(
        events in proptest::collection::vec(some_event(), 1..5), at: prop::sample::Index, bit in 0..8_u8
    ) {
        let from = sealer(1, "epoch", 7);
        let mut message = from.events(&mut 0, &events)[0].to_vec();
        let at = at.index(message.len());
        message[at] ^= 1 << bit;
        prop_assert_eq!(from.open(&message.into()), Err(Foreign::Seal));
    }

    #[test]
    fn nonsense_is_refused_even_with_a_seal(kind in 0..6_u8, body: Vec<u8>, cut in 0..200_usize) {
        // As if a node that knows the secret had a fault.
        let from = sealer(1, "epoch", 7);
        let mut message = from.begin(kind, &mut 0);
        message.put_slice(&body);
        message.truncate(message.len() - cut.min(body.len()));
        let _ = from.open(&from.seal(message));
    }

    #[test]
    fn half_an_event_is_refused(event in some_event(), cut: prop::sample::Index) {
        let from = sealer(1, "epoch", 7);
        let mut message = from.begin(1, &mut 0);
        let begun = message.len();
        put_event(&mut message, &event);
        let cut = 1 + cut.index(message.len() - begun - 1);
        message.truncate(begun + cut);
        prop_assert_eq!(from.open(&from.seal(message)), Err(Foreign::Content));
    }

    #[test]
    fn random_bytes_are_refused(bytes: Vec<u8>) {
        prop_assert!(sealer(1, "epoch", 7).open(&bytes.into()).is_err());
    }
}

fn event_of(length: usize) -> Event {
    let feed = Feed::Me(Uuid::from_u128(1).into());
    Event { feed, prev: 1, rev: 2, effect: None, frame: text_frame(&vec![b'a'; length]) }
}

#[test]
fn signals_are_heard_as_they_were_said() {
    let user: UserId = Uuid::from_u128(1).into();
    let channel = Uuid::from_u128(2).into();
    let presence = Presence { status: Shown::Dnd, text: "at lunch".into(), ..Presence::default() };
    let node = NodeId::from_number(7);
    let said = Said::Signals(vec![
        Signal::Typing { channel, head: 3, user, active: true },
        Signal::Read { channel, head: 3, user, seq: 2 },
        Signal::Delivered { channel, head: 3, user, seq: 2 },
        Signal::Profile { user },
        Signal::Present { node, among: None, people: vec![(user, presence)] },
        Signal::Present { node, among: Some((user, None)), people: vec![] },
        Signal::Present { node, among: Some((user, Some(user))), people: vec![] },
    ]);
    let from = sealer(1, "epoch", 7);
    for said in [said, Said::Beat, Said::Hello] {
        let message = from.say(&mut 0, &said).remove(0);
        assert_eq!(from.open(&message).unwrap().said, said);
    }
}

#[test]
fn another_secret_another_database_and_another_version_are_foreign() {
    let from = sealer(1, "epoch", 7);
    let message = from.say(&mut 0, &Said::Beat).remove(0);
    assert_eq!(sealer(2, "epoch", 7).open(&message), Err(Foreign::Seal));
    assert_eq!(sealer(1, "another", 7).open(&message), Err(Foreign::Seal));
    let mut newer = from.begin(3, &mut 0);
    newer[TAG + 2] = VERSION + 1;
    assert_eq!(from.open(&from.seal(newer)), Err(Foreign::Version));
    let mut long = from.begin(2, &mut 0);
    long.put_bytes(b' ', MAX_MESSAGE);
    assert_eq!(from.open(&from.seal(long)), Err(Foreign::Length));
}

#[test]
fn what_would_break_a_socket_is_refused() {
    let from = sealer(1, "epoch", 7);
    for frame in [&b""[..], b"hello", b"\x81\x03hi", b"\x81\x01\xFF", b"\x88\x00"] {
        let event = Event { frame: Bytes::copy_from_slice(frame), ..event_of(1) };
        let message = from.events(&mut 0, &[event]).remove(0);
        assert_eq!(from.open(&message), Err(Foreign::Content), "{frame:?}");
    }
    let back = Event { prev: 3, ..event_of(1) };
    assert_eq!(from.open(&from.events(&mut 0, &[back])[0]), Err(Foreign::Content));
}

#[test]
fn much_is_said_in_several_messages_and_a_small_frame_keeps_none_of_them() {
    let from = sealer(1, "epoch", 7);
    let mut number = 0;
    let events: Vec<Event> = (0..30).map(|_| event_of(20_000)).collect();
    let messages = from.events(&mut number, &events);
    assert_eq!((messages.len(), number), (3, 3));
    let mut heard = Vec::new();
    for message in &messages {
        let Said::Events(events) = from.open(message).unwrap().said else { panic!("events") };
        let shared = |event: &Event| message.as_ptr_range().contains(&event.frame.as_ptr());
        assert_eq!(events.iter().any(shared), events.len() == 1);
        heard.extend(events);
    }
    assert_eq!(heard, events);
    let message = from.events(&mut number, &[event_of(20_000)]).remove(0);
    let Said::Events(events) = from.open(&message).unwrap().said else { panic!("events") };
    assert!(message.as_ptr_range().contains(&events[0].frame.as_ptr()), "one alone is not copied");
}
