//! Pins, what channels say of themselves, and what messages said before.

use tertulia_domain::{
    Change, ChannelEdit, ChannelKind, ChannelName, Message, MessageBody, MessagePrecondition,
    Outcome, PageRequest, Pin, Rejection, SystemEvent,
};
use tertulia_store::HistoryPart;

use crate::on_both;
use crate::world::World;

const ALL: PageRequest = PageRequest { after: None, limit: 100 };

fn edit(message: &Message, content: &str) -> Change {
    let body = MessageBody::parse(content.to_owned()).unwrap();
    Change::Edit {
        message: message.id,
        by: message.author_id,
        body,
        expect: MessagePrecondition::Any,
    }
}

on_both! {
    async fn what_a_channel_says_has_a_place_and_counts_in_no_unread(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        world.one(Change::Join { channel, user: bob }).await.unwrap();
        let first = world.say(ann, channel, "one").await;
        let rename = ChannelEdit { name: Some(ChannelName::parse("town").unwrap()), ..ChannelEdit::default() };
        world.one(Change::UpdateChannel { channel, by: ann, edit: Box::new(rename.clone()) }).await.unwrap();
        let pin = |by, pinned| Change::Pin(Pin { channel, message: first.id, by, pinned });
        assert!(matches!(world.one(pin(bob, true)).await, Err(Rejection::Forbidden(_))));
        world.one(pin(ann, true)).await.unwrap();
        let head = world.store.place(channel, ann).await.unwrap().unwrap().feed.head;
        // What is so already takes no number.
        world.one(pin(ann, true)).await.unwrap();
        world.one(Change::UpdateChannel { channel, by: ann, edit: Box::new(rename) }).await.unwrap();
        assert_eq!(world.store.place(channel, ann).await.unwrap().unwrap().feed.head, head);

        let last = world.say(ann, channel, "two").await;
        assert_eq!(last.seq, 4);
        let (_, history) = world.store.history(channel, bob, HistoryPart::Newest, 10).await.unwrap().unwrap();
        let said: Vec<_> = history.items.iter().rev().map(|view| (view.message.event, view.message.content.as_str())).collect();
        assert_eq!(said, [
            (None, "one"), (Some(SystemEvent::Renamed), "town"), (Some(SystemEvent::Pinned), ""), (None, "two"),
        ]);
        assert_eq!(history.items[1].quote.as_ref().map(|quote| quote.id), Some(first.id));
        let own = world.store.channels_of(bob, ALL).await.unwrap().items.remove(0);
        assert_eq!((own.feed.last_seq, own.unread), (4, 2), "of four places, two were taken by people");
        let expect = MessagePrecondition::Any;
        world.one(Change::Delete { message: first.id, by: ann, expect, from: None }).await.unwrap();
        let own = world.store.channels_of(bob, ALL).await.unwrap().items.remove(0);
        assert_eq!(own.unread, 1);
        let system = history.items[1].message.clone();
        assert!(matches!(world.one(edit(&system, "mine")).await, Err(Rejection::Forbidden(_))));
    }
}

on_both! {
    async fn fifty_messages_are_pinned_at_most(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let mut said = Vec::new();
        for n in 0..51 {
            said.push(world.say(ann, channel, &n.to_string()).await.id);
        }
        let pin = |n: usize, pinned| Change::Pin(Pin { channel, message: said[n], by: ann, pinned });
        let outcomes = world.commit((0..51).map(|n| pin(n, true)).collect()).await.outcomes;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 50);
        assert!(matches!(outcomes[50], Err(Rejection::Conflict("too_many_pins", _))));
        let expect = MessagePrecondition::Any;
        // What is deleted is pinned no longer.
        let batch = vec![Change::Delete { message: said[0], by: ann, expect, from: None }, pin(50, true), pin(1, false)];
        assert!(world.commit(batch).await.outcomes.iter().all(Result::is_ok));
        let (_, pins) = world.store.pins(channel, ann).await.unwrap().unwrap();
        assert_eq!(pins.len(), 49);
        assert!(pins.iter().all(|view| view.message.pinned_by == Some(ann)));
        assert!(!pins.iter().any(|view| [said[0], said[1]].contains(&view.message.id)));
    }
}

on_both! {
    async fn what_was_said_before_is_kept_until_the_message_is_deleted(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let message = world.say(ann, channel, "helo").await;
        world.commit(vec![edit(&message, "hello"), edit(&message, "hello!")]).await;
        let pin = Pin { channel, message: message.id, by: ann, pinned: true };
        let pinned = world.one(Change::Pin(pin)).await.unwrap();
        assert!(matches!(pinned, Outcome::Message { message, .. } if message.version == 2), "no edition");
        world.one(edit(&message, "hello!")).await.unwrap();
        let editions = async |page| {
            let (_, editions) = world.store.editions(message.id, ann, page).await.unwrap().unwrap();
            editions.items.into_iter().map(|old| (old.version, old.content)).collect::<Vec<_>>()
        };
        assert_eq!(editions(ALL).await, [(1, "hello".to_owned()), (0, "helo".to_owned())]);
        let rest = PageRequest { after: Some("1".to_owned()), limit: 1 };
        assert_eq!(editions(rest).await, [(0, "helo".to_owned())]);
        let expect = MessagePrecondition::Any;
        let delete = Change::Delete { message: message.id, by: ann, expect, from: None };
        world.commit(vec![edit(&message, "secret"), edit(&message, "hello"), delete]).await;
        assert_eq!(editions(ALL).await, []);
    }
}

on_both! {
    async fn of_what_was_said_before_the_first_and_the_newest_hundred_are_kept(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let message = world.say(ann, channel, "0").await;
        for n in 1..=130 {
            world.one(edit(&message, &n.to_string())).await.unwrap();
        }
        // Many in one batch as well.
        world.commit((131..=150).map(|n| edit(&message, &n.to_string())).collect()).await;
        let page = PageRequest { after: None, limit: 1000 };
        let (_, editions) = world.store.editions(message.id, ann, page).await.unwrap().unwrap();
        let kept: Vec<(i32, String)> = editions.items.into_iter().map(|old| (old.version, old.content)).collect();
        let expected = (50..150).rev().chain([0]).map(|n| (n, n.to_string()));
        assert_eq!(kept, expected.collect::<Vec<_>>());
    }
}
