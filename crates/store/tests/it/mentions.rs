//! Counts of mentions.

use tertulia_domain::{
    Change, ChannelId, ChannelKind, Mark, MarkTo, MessageBody, MessageId, MessagePrecondition,
    PageRequest, UserId,
};
use tertulia_store::HistoryPart;

use crate::on_both;
use crate::world::World;

const WORDS: [&str; 7] =
    ["nothing", "@ann", "@bob and @carol", "@channel", "@channel @bob", "@ann @bob", "x@bob"];

fn edit(message: MessageId, by: UserId, text: String) -> Change {
    let body = MessageBody::parse(text).unwrap();
    Change::Edit { message, by, body, expect: MessagePrecondition::Any }
}

/// What counting again gives, from what somebody can read.
async fn counted(world: &World, channel: ChannelId, user: UserId, read_seq: i64) -> i64 {
    let part = HistoryPart::Newest;
    let (_, history) = world.store.history(channel, user, part, 500).await.unwrap().unwrap();
    let messages = history.items.iter().map(|view| &view.message);
    let mentioning = messages.filter(|message| {
        message.seq > read_seq
            && message.deleted_at.is_none()
            && message.author_id != user
            && message.mentions.includes(user)
    });
    i64::try_from(mentioning.count()).unwrap()
}

on_both! {
    async fn mentions_are_what_counting_again_gives_whatever_is_said_edited_deleted_and_read(world: World) {
        let people = [world.user("ann").await, world.user("bob").await, world.user("carol").await];
        let channel = world.channel(people[0], ChannelKind::Group, "general").await.id;
        for user in &people[1..] {
            world.one(Change::AddMember { channel, by: people[0], user: *user }).await.unwrap();
        }
        let mut dice = 11_u64;
        let mut roll = |sides: usize| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(dice >> 33).unwrap() % sides
        };
        let mut said: Vec<(MessageId, UserId)> = Vec::new();
        for step in 0..150 {
            // Several at once, as a log has them.
            let mut changes = Vec::new();
            for _ in 0..=roll(3) {
                let user = people[roll(3)];
                let some = said.get(roll(said.len().max(1))).copied();
                let seq = i64::try_from(roll(said.len() + 1)).unwrap().max(1);
                let expect = MessagePrecondition::Any;
                changes.push(match (roll(8), some) {
                    (0..=2, _) | (_, None) => {
                        let new = world.saying(user, channel, WORDS[roll(WORDS.len())]);
                        said.push((new.id, user));
                        Change::Send(new)
                    }
                    (3 | 4, Some((message, by))) => {
                        edit(message, by, format!("{} {step}", WORDS[roll(WORDS.len())]))
                    }
                    (5, Some((message, by))) => Change::Delete { message, by, expect, from: None },
                    (6, _) => Change::Mark(Mark { channel, user, to: MarkTo::Read { seq } }),
                    _ => Change::Mark(Mark { channel, user, to: MarkTo::Unread { seq } }),
                });
            }
            world.commit(changes).await;
            for user in people {
                let page = PageRequest { after: None, limit: 10 };
                let own = world.store.channels_of(user, page.clone()).await.unwrap().items.remove(0);
                let again = counted(&world, channel, user, own.member.read_seq).await;
                assert_eq!(own.mentions, again, "step {step}, read up to {}", own.member.read_seq);
                let all = PageRequest { after: None, limit: 500 };
                let told = world.store.notifications(user, false, all).await.unwrap();
                let unread = told.page.items.iter().filter(|it| !it.read).count();
                assert_eq!(told.unread, i64::try_from(unread).unwrap());
            }
        }
    }
}

on_both! {
    async fn the_last_notifications_are_kept_for_a_while(world: World) {
        let ann = world.user("ann").await;
        world.clock.advance(time::Duration::milliseconds(1));
        let bob = world.user("bob").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await.id;
        world.one(Change::Join { channel, user: bob }).await.unwrap();
        let mut said = Vec::new();
        for n in 0..30 {
            world.clock.advance(time::Duration::days(1));
            said.push(world.say(ann, channel, &format!("@bob {n}")).await.id);
        }
        let kept = async || {
            let page = PageRequest { after: None, limit: 100 };
            let told = world.store.notifications(bob, false, page).await.unwrap().page.items;
            told.into_iter().filter_map(|it| it.notification.message_id).rev().collect::<Vec<_>>()
        };
        let trim = async |most: i64, age: time::Duration| {
            let before = world.now().plus(-age);
            let (overfull, last) =
                world.store.overfull_inboxes(None, most, before, 10).await.unwrap();
            assert_eq!(last, None);
            for (user, up_to) in &overfull {
                assert_eq!(*user, bob);
                while world.store.trim_inbox(*user, *up_to, before, 4).await.unwrap() > 0 {}
            }
            overfull.len()
        };
        assert_eq!(trim(30, time::Duration::days(90)).await, 0);
        assert_eq!(kept().await, said);
        assert_eq!(trim(20, time::Duration::days(90)).await, 1);
        assert_eq!(kept().await, said[10..]);
        assert_eq!(trim(20, time::Duration::hours(5 * 24 - 1)).await, 1);
        assert_eq!(kept().await, said[25..]);
        assert_eq!(trim(20, time::Duration::hours(5 * 24 - 1)).await, 0);
        // People come round, a few at a time.
        let (_, next) = world.store.overfull_inboxes(None, 1, world.now(), 1).await.unwrap();
        let (rest, end) = world.store.overfull_inboxes(next, 1, world.now(), 2).await.unwrap();
        assert_eq!((next, rest.len()), (Some(ann), 1));
        assert_eq!(end, None);
    }
}
