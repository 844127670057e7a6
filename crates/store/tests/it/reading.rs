//! History, deltas and lists.

use tertulia_domain::{
    Body, Change, ChannelKind, Feed, Mark, MarkTo, MessagePrecondition, PageRequest,
};
use tertulia_store::HistoryPart;

use crate::on_both;
use crate::world::World;

fn page(limit: i64) -> PageRequest {
    PageRequest { after: None, limit }
}

on_both! {
    async fn history_pages_join_to_the_whole(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let sends = (1..=25).map(|n| Change::Send(world.saying(ann, channel, &n.to_string())));
        world.commit(sends.collect()).await;
        let mut seqs = Vec::new();
        let mut part = HistoryPart::Newest;
        loop {
            let (_, page) = world.store.history(channel, ann, part, 10).await.unwrap().unwrap();
            seqs.extend(page.items.iter().map(|view| view.message.seq));
            match page.next {
                Some(seq) => part = HistoryPart::Before(seq),
                None => break,
            }
        }
        assert_eq!(seqs, (1..=25).rev().collect::<Vec<_>>());
        let seqs_of = async |part| {
            let (_, page) = world.store.history(channel, ann, part, 4).await.unwrap().unwrap();
            page.items.iter().map(|view| view.message.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs_of(HistoryPart::After(20)).await, [24, 23, 22, 21]);
        assert_eq!(seqs_of(HistoryPart::Around(10)).await, [11, 10, 9, 8]);
        assert_eq!(seqs_of(HistoryPart::Before(3)).await, [2, 1]);
    }
}

on_both! {
    async fn a_delta_is_state_chained_over_vanished_revs(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        let first = world.say(ann, channel, "first").await;
        let second = world.say(ann, channel, "second").await;
        let expect = MessagePrecondition::Any;
        world.one(Change::Delete { message: first.id, by: ann, expect, from: None }).await.unwrap();
        let delta = world.store.changes(Feed::Channel(channel), 2, 10).await.unwrap();
        let steps: Vec<_> = delta.items.iter().map(|frame| (frame.prev, frame.rev)).collect();
        assert_eq!(steps, [(2, 4), (4, 5)], "rev 3 was the first message, which is at 5 now");
        assert!(matches!(&delta.items[0].body, Body::Message(message) if message.id == second.id));
        assert_eq!((delta.head, delta.more), (5, false));
        let part = world.store.changes(Feed::Channel(channel), 0, 2).await.unwrap();
        assert_eq!((part.items.len(), part.more, part.head), (2, true, 5));
        let ahead = world.store.changes(Feed::Channel(channel), 6, 10).await.unwrap();
        assert_eq!(ahead.reset, Some("ahead"));
    }
}

on_both! {
    async fn who_is_too_far_behind_begins_anew(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        for _ in 0..2 {
            let sends = (0..500).map(|_| Change::Send(world.saying(ann, channel, "x")));
            world.commit(sends.collect()).await;
        }
        let feed = Feed::Channel(channel);
        assert_eq!(world.store.changes(feed, 1, 10).await.unwrap().reset, Some("limited"));
        assert_eq!(world.store.changes(feed, 2, 10).await.unwrap().reset, None);
    }
}

on_both! {
    async fn unread_is_exact_after_deletes_and_own_messages(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        world.say(ann, channel, "before bob").await;
        world.one(Change::Join { channel, user: bob }).await.unwrap();
        let unread = async |user| {
            let own = world.store.channels_of(user, page(10)).await.unwrap();
            own.items[0].unread
        };
        assert_eq!(unread(bob).await, 0, "counting starts at joining");
        let two = world.say(ann, channel, "two").await;
        world.say(ann, channel, "three").await;
        assert_eq!(unread(bob).await, 2);
        let expect = MessagePrecondition::Any;
        world.one(Change::Delete { message: two.id, by: ann, expect, from: None }).await.unwrap();
        assert_eq!(unread(bob).await, 1);
        world.say(bob, channel, "who speaks has read").await;
        assert_eq!((unread(bob).await, unread(ann).await), (0, 1));
    }
}

on_both! {
    async fn lists_page_without_loss_and_search_by_prefix(world: World) {
        let ann = world.user("ann").await;
        for name in ["Zoe", "anna", "annika", "bob"] {
            world.user(name).await;
        }
        let names = async |prefix: &str, limit| {
            let mut names = Vec::new();
            let mut request = page(limit);
            loop {
                let found = world.store.users(prefix.to_owned(), request.clone()).await.unwrap();
                names.extend(found.items.into_iter().map(|profile| profile.username));
                match found.next {
                    Some(next) => request.after = Some(next.0),
                    None => return names,
                }
            }
        };
        assert_eq!(names("", 2).await, ["ann", "anna", "annika", "bob", "Zoe"]);
        assert_eq!(names("ann", 1).await, ["ann", "anna", "annika"]);

        for name in ["Beta", "alpha", "alpha", "alps"] {
            world.channel(ann, ChannelKind::Public, name).await;
        }
        world.channel(ann, ChannelKind::Private, "alpha secret").await;
        let mut found = Vec::new();
        let mut request = page(1);
        loop {
            let some = world.store.public_channels(ann, world.now(), "al".to_owned(), request.clone()).await.unwrap();
            found.extend(some.items.into_iter().map(|(channel, _)| channel.name.unwrap()));
            match some.next {
                Some(next) => request.after = Some(next.0),
                None => break,
            }
        }
        assert_eq!(found, ["alpha", "alpha", "alps"]);
    }
}

on_both! {
    async fn a_gap_bars_who_may_no_longer_hear(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let channel = world.channel(ann, ChannelKind::Private, "secret").await.id;
        world.one(Change::AddMember { channel, by: ann, user: bob }).await.unwrap();
        world.one(Change::RemoveMember { channel, by: ann, user: bob, from: None }).await.unwrap();
        world.say(ann, channel, "not for bob").await;
        let gap = world.store.gap(Feed::Channel(channel), 2, vec![ann, bob], world.now()).await.unwrap();
        assert_eq!(gap.barred, [bob]);
        assert_eq!(gap.changes.items.len(), 2);
        let open = world.channel(ann, ChannelKind::Public, "open").await.id;
        let gap = world.store.gap(Feed::Channel(open), 0, vec![ann, bob], world.now()).await.unwrap();
        assert_eq!(gap.barred, [], "who visits what is public may go on");
        world.one(Change::DeleteChannel { channel, by: ann }).await.unwrap();
        let gap = world.store.gap(Feed::Channel(channel), 2, vec![ann], world.now()).await.unwrap();
        assert_eq!(gap.changes.items.len(), 1, "of a deleted channel only its tombstone is left");
        assert_eq!((gap.changes.items[0].prev, gap.changes.items[0].rev), (2, 6));
    }
}

on_both! {
    async fn unread_is_what_counting_again_gives_whatever_is_said_deleted_and_read(world: World) {
        let people = [world.user("ann").await, world.user("bob").await, world.user("carol").await];
        let channel = world.channel(people[0], ChannelKind::Public, "general").await.id;
        for user in &people[1..] {
            world.one(Change::Join { channel, user: *user }).await.unwrap();
        }
        let mut dice = 7_u64;
        let mut roll = |sides: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (dice >> 33) % sides
        };
        let mut said = Vec::new();
        for step in 0..150 {
            let user = people[usize::try_from(roll(3)).unwrap()];
            let seq = i64::try_from(roll(said.len() as u64 + 1)).unwrap().max(1);
            match roll(6) {
                0..=2 => said.push((world.say(user, channel, "something").await.id, user)),
                3 if !said.is_empty() => {
                    let (message, by) = said[usize::try_from(roll(said.len() as u64)).unwrap()];
                    let expect = MessagePrecondition::Any;
                    world.one(Change::Delete { message, by, expect, from: None }).await.unwrap();
                }
                4 => drop(world.one(mark(channel, user, MarkTo::Read { seq })).await),
                5 => drop(world.one(mark(channel, user, MarkTo::Unread { seq })).await),
                _ => {}
            }
            for user in people {
                let own = world.store.channels_of(user, page(10)).await.unwrap().items.remove(0);
                let (read, unread) = (own.member.read_seq, own.unread);
                let history =
                    world.store.history(channel, user, HistoryPart::Newest, 500).await.unwrap();
                let items = history.unwrap().1.items;
                let counted = items
                    .iter()
                    .map(|view| &view.message)
                    .filter(|message| message.seq > read && message.deleted_at.is_none())
                    .count();
                assert_eq!(unread, i64::try_from(counted).unwrap(), "step {step}, read up to {read}");
            }
        }
    }
}

fn mark(channel: tertulia_domain::ChannelId, user: tertulia_domain::UserId, to: MarkTo) -> Change {
    Change::Mark(Mark { channel, user, to })
}

on_both! {
    async fn ones_channels_fill_their_pages_however_many_are_deleted(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let mut left = Vec::new();
        // Of each hundred that are looked at in one go next to none is left.
        for place in 0..240 {
            let channel = world.channel(ann, ChannelKind::Public, "room").await.id;
            world.one(Change::Join { channel, user: bob }).await.unwrap();
            if (20..230).contains(&place) {
                world.one(Change::DeleteChannel { channel, by: ann }).await.unwrap();
            } else {
                left.push(channel);
            }
        }
        left.sort_unstable_by(|a, b| b.cmp(a));
        for limit in [7, 100] {
            let (mut found, mut request) = (Vec::new(), page(limit));
            loop {
                let some = world.store.channels_of(bob, request.clone()).await.unwrap();
                let whole = i64::try_from(some.items.len()).unwrap() == limit;
                found.extend(some.items.into_iter().map(|own| own.channel.id));
                let Some(next) = some.next else { break };
                assert!(whole, "a page that others follow is full");
                request.after = Some(next.0);
            }
            assert_eq!(found, left);
        }
        world.one(Change::Leave { channel: left[0], user: bob, heir: None }).await.unwrap();
        let some = world.store.channels_of(bob, page(1)).await.unwrap();
        assert_eq!(some.items[0].channel.id, left[1], "where one was is not where one is");
    }
}
