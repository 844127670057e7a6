//! Reactions in one batch, and what is left of them.

use std::collections::BTreeSet;

use tertulia_domain::{
    Body, Change, ChannelKind, Emoji, Feed, Frame, MessageId, MessagePrecondition, Outcome,
    PageRequest, Reaction, Tallies, Tally, UserId,
};

use crate::on_both;
use crate::world::World;

fn react(message: MessageId, by: UserId, emoji: &str) -> Change {
    Change::React(Reaction { message, by, emoji: Emoji::parse(emoji).unwrap(), mine: true })
}

fn take_back(message: MessageId, by: UserId, emoji: &str) -> Change {
    Change::React(Reaction { message, by, emoji: Emoji::parse(emoji).unwrap(), mine: false })
}

/// What the frames say of reactions, each with its rev.
fn told(frames: &[Frame]) -> Vec<(i64, Tallies)> {
    let tallies = frames.iter().filter_map(|frame| match &frame.body {
        Body::Reactions(tallies) => Some((frame.rev, tallies.clone())),
        _ => None,
    });
    tallies.collect()
}

fn tallies(of: &[(&str, i64)]) -> Vec<Tally> {
    of.iter()
        .map(|(emoji, count)| Tally { emoji: Emoji::parse(emoji).unwrap(), count: *count })
        .collect()
}

on_both! {
    async fn several_reactions_in_one_batch_take_one_rev(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        world.one(Change::Join { channel, user: bob }).await.unwrap();
        let (one, other) = (world.say(ann, channel, "one").await.id, world.say(ann, channel, "other").await.id);
        let head = world.store.feed(Feed::Channel(channel)).await.unwrap().head;

        let batch = world.commit(vec![
            react(one, ann, "👍"),
            react(other, ann, "👍"),
            react(one, bob, "👍"),
            react(one, bob, "👍"),
            react(one, bob, "🎉"),
            take_back(one, bob, "🎉"),
            react(one, ann, "🚀"),
        ]).await;
        let counts: Vec<_> = batch.outcomes.iter().map(|outcome| match outcome {
            Ok(Outcome::Reaction { count, .. }) => *count,
            other => panic!("no reaction: {other:?}"),
        }).collect();
        assert_eq!(counts, [1, 1, 2, 2, 1, 0, 1]);
        let said = told(&batch.frames);
        assert_eq!(said.len(), 2);
        let (rev, first) = &said[0];
        assert_eq!((*rev, first.message_id, first.added), (head + 1, one, true));
        assert_eq!(first.reactions, tallies(&[("👍", 2), ("🎉", 0), ("🚀", 1)]));
        let by: Vec<_> = first.by.iter().map(|by| (by.user_id, by.emoji.as_str())).collect();
        assert_eq!(by, [(ann, "👍"), (bob, "👍"), (ann, "🚀")], "what was taken back is not told");
        assert_eq!((said[1].0, said[1].1.message_id), (head + 2, other));

        let missed = world.store.changes(Feed::Channel(channel), head, 1).await.unwrap();
        assert!(missed.more, "a step holds all of its rev, however many");
        let mut expected = tallies(&[("👍", 2), ("🎉", 0), ("🚀", 1)]);
        let mut found = told(&missed.items).remove(0).1.reactions;
        expected.sort_by(|a, b| a.emoji.cmp(&b.emoji));
        found.sort_by(|a, b| a.emoji.cmp(&b.emoji));
        assert_eq!(found, expected);
    }
}

on_both! {
    async fn a_reaction_is_not_told_before_its_author_came_in(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let message = world.say(ann, channel, "one").await.id;
        let batch = world.commit(vec![
            react(message, ann, "👍"),
            Change::Join { channel, user: bob },
            react(message, bob, "👍"),
        ]).await;
        let said = told(&batch.frames);
        assert_eq!(said.iter().map(|(_, tallies)| tallies.reactions[0].count).collect::<Vec<_>>(), [1, 2]);
        let joined = batch.frames.iter().find(|frame| matches!(frame.body, Body::Member(_))).unwrap();
        assert!(said[0].0 < joined.rev && joined.rev < said[1].0);
        let missed = world.store.changes(Feed::Channel(channel), 0, 100).await.unwrap();
        assert_eq!(told(&missed.items), [(said[1].0, Tallies { by: vec![], ..said[1].1.clone() })]);
    }
}

on_both! {
    async fn reactions_to_what_is_deleted_in_the_same_batch_leave_nothing(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let message = world.say(ann, channel, "one").await.id;
        let expect = MessagePrecondition::Any;
        let batch = world.commit(vec![
            react(message, ann, "👍"),
            Change::Delete { message, by: ann, expect, from: None },
            react(message, ann, "🎉"),
        ]).await;
        assert!(batch.outcomes[2].is_err());
        let missed = world.store.changes(Feed::Channel(channel), 0, 100).await.unwrap();
        assert_eq!(told(&missed.items), []);
        let own = world.store.changes(Feed::Me(ann), 0, 100).await.unwrap();
        assert!(own.items.iter().all(|frame| !matches!(frame.body, Body::OwnReaction { .. })));
    }
}

on_both! {
    async fn reactions_leave_with_a_deleted_channel(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let mut messages = BTreeSet::new();
        for n in 0..4 {
            let message = world.say(ann, channel, &n.to_string()).await.id;
            messages.insert(message);
            world.commit(vec![react(message, ann, "👍"), react(message, ann, "🎉")]).await;
        }
        world.one(Change::DeleteChannel { channel, by: ann }).await.unwrap();
        let mut pieces = Vec::new();
        while let Some(piece) = world.store.purge_messages(world.now(), 3).await.unwrap() {
            pieces.push(piece);
        }
        assert_eq!(pieces.iter().sum::<usize>(), 8 + 8 + 4, "reactions, counts, messages: {pieces:?}");
        assert_eq!(pieces.last(), Some(&0));
        let own = world.store.changes(Feed::Me(ann), 0, 100).await.unwrap();
        assert!(own.items.iter().all(|frame| !matches!(frame.body, Body::OwnReaction { .. })));
    }
}

on_both! {
    async fn a_delete_leaves_reactions_to_be_removed_in_pieces_and_nobody_sees_them(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let (message, bare) = (world.say(ann, channel, "one").await.id, world.say(ann, channel, "two").await.id);
        let mut fans = Vec::new();
        for n in 0..20 {
            let fan = world.user(&format!("fan{n}")).await;
            world.commit(vec![Change::Join { channel, user: fan }, react(message, fan, "👍")]).await;
            fans.push(fan);
        }
        let head = world.store.feed(Feed::Channel(channel)).await.unwrap().head;
        let expect = MessagePrecondition::Any;
        for message in [message, bare] {
            world.one(Change::Delete { message, by: ann, expect, from: None }).await.unwrap();
        }
        let sees_nothing = async || {
            let view = world.store.message(message, ann).await.unwrap().unwrap().1;
            assert!(view.reactions.is_empty());
            let page = PageRequest { after: None, limit: 100 };
            let thumb = Emoji::parse("👍").unwrap();
            let (_, who) = world.store.reactors(message, thumb, ann, page).await.unwrap().unwrap();
            assert!(who.items.is_empty());
            let missed = world.store.changes(Feed::Channel(channel), 0, 100).await.unwrap();
            assert_eq!(told(&missed.items), []);
            let own = world.store.changes(Feed::Me(fans[0]), 0, 100).await.unwrap();
            assert!(own.items.iter().all(|frame| !matches!(frame.body, Body::OwnReaction { .. })));
            assert_eq!(world.store.reacted_to(fans[0], 10).await.unwrap(), []);
        };
        sees_nothing().await;
        let back = Reaction { message, by: fans[0], emoji: Emoji::parse("👍").unwrap(), mine: false };
        let back = world.one(Change::React(back)).await.unwrap();
        assert!(matches!(back, Outcome::Reaction { count: 0, mine: false, .. }));
        let moved = world.store.feed(Feed::Channel(channel)).await.unwrap().head - head;
        assert_eq!(moved, 2, "two messages were deleted, and nothing else is said");
        let mut pieces = Vec::new();
        while let Some(piece) = world.store.purge_reactions(8).await.unwrap() {
            pieces.push(piece);
            sees_nothing().await;
        }
        assert_eq!(pieces, [8, 8, 4, 1], "people's reactions, and then the count");
    }
}
