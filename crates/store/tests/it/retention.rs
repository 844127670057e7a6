//! What is dead leaves the database in pieces, and what lives stays.

use tertulia_domain::{
    Body, Change, ChannelId, ChannelKind, Feed, SessionId, SessionScope, Timestamp, UserId,
};
use tertulia_store::{HistoryPart, Rotation, Store};
use time::Duration;

use crate::on_both;
use crate::sessions::{rotate, session};
use crate::world::World;

/// A public channel in which this much was said.
async fn talk(world: &World, people: &[UserId], messages: usize) -> ChannelId {
    let owner = people[0];
    let channel = world.channel(owner, ChannelKind::Public, "talk").await.id;
    for user in &people[1..] {
        world.one(Change::Join { channel, user: *user }).await.unwrap();
    }
    let sends = (0..messages).map(|_| Change::Send(world.saying(owner, channel, "x")));
    world.commit(sends.collect()).await;
    channel
}

async fn delete(world: &World, channel: ChannelId, by: UserId) {
    world.one(Change::DeleteChannel { channel, by }).await.unwrap();
}

async fn said(world: &World, channel: ChannelId, user: UserId) -> usize {
    let found = world.store.history(channel, user, HistoryPart::Newest, 1000).await.unwrap();
    found.unwrap().1.items.len()
}

async fn is_member(world: &World, channel: ChannelId, user: UserId) -> bool {
    world.store.place(channel, user).await.unwrap().unwrap().member.is_some()
}

fn later(world: &World) -> Timestamp {
    world.now().plus(Duration::milliseconds(1))
}

on_both! {
    async fn a_deleted_channel_goes_piece_by_piece_and_its_tombstone_stays(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let lives = talk(&world, &[ann, bob], 10).await;
        let dead = talk(&world, &[ann, bob], 60).await;
        let purge = || world.store.purge_messages(world.now(), 25);
        assert_eq!(purge().await.unwrap(), None, "nothing is dead yet");
        delete(&world, dead, ann).await;
        let head = world.store.feed(Feed::Channel(dead)).await.unwrap().head;
        for piece in [Some(25), Some(25), Some(10), Some(0), None] {
            assert_eq!(purge().await.unwrap(), piece);
        }
        assert_eq!((said(&world, dead, ann).await, said(&world, lives, ann).await), (0, 10));

        let before = |before| world.store.purge_members(before, world.now(), 1);
        assert_eq!(before(world.now()).await.unwrap(), None, "it is not as old");
        for piece in [Some(1), Some(1), Some(0), None] {
            assert_eq!(before(later(&world)).await.unwrap(), piece);
        }
        assert!(!is_member(&world, dead, bob).await);
        assert!(is_member(&world, lives, bob).await);
        let place = world.store.place(dead, ann).await.unwrap().unwrap();
        assert_eq!((place.channel.deleted_at, place.feed.head), (Some(world.now()), head));
        let missed = world.store.gap(Feed::Channel(dead), 5, vec![], world.now()).await.unwrap().changes;
        assert!(matches!(&missed.items[..], [only] if (only.prev, only.rev) == (5, head)));
    }
}

on_both! {
    async fn of_a_deleted_channel_only_its_tombstone_is_told_however_much_was_missed(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "long").await.id;
        let long = "x".repeat(4000);
        let sends = (0..200).map(|_| Change::Send(world.saying(ann, channel, &long)));
        world.commit(sends.collect()).await;
        delete(&world, channel, ann).await;
        let gap = world.store.gap(Feed::Channel(channel), 2, vec![ann], world.now()).await.unwrap();
        let [only] = &gap.changes.items[..] else { panic!("more than the tombstone") };
        assert!(matches!(&only.body, Body::Channel(channel) if channel.deleted_at.is_some()));
        assert_eq!((only.prev, only.rev, gap.changes.more), (2, gap.changes.head, false));
    }
}

on_both! {
    async fn who_has_not_seen_what_was_purged_of_their_own_feed_begins_anew(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let one = talk(&world, &[ann, bob], 0).await;
        let two = talk(&world, &[ann, bob], 0).await;
        let lives = talk(&world, &[ann, bob], 0).await;
        // The later one goes first: what is behind it stays behind it.
        for channel in [two, one] {
            delete(&world, channel, ann).await;
            while world.store.purge_members(later(&world), world.now(), 1).await.unwrap().is_some() {}
        }
        let own = async |since| world.store.changes(Feed::Me(bob), since, 10).await.unwrap();
        for since in [0, 1] {
            assert_eq!(own(since).await.reset, Some("limited"));
        }
        let seen = own(2).await;
        assert_eq!((seen.reset, seen.items.len(), seen.head), (None, 1, 3));
        assert!(matches!(&seen.items[0].body,
            Body::Membership { channel_id, .. } if *channel_id == lives));
    }
}

on_both! {
    async fn a_dead_session_goes_after_its_tokens_and_a_live_one_keeps_all(world: World) {
        let ann = world.user("ann").await;
        let lives = session(&world, ann, 1).await;
        let ended = session(&world, ann, 100).await;
        let expired = session(&world, ann, 200).await;
        for used in 0..5 {
            for family in [1, 100, 200] {
                let rotated = rotate(&world, family + used, family + used + 1).await;
                assert!(matches!(rotated, Rotation::Rotated { .. }));
            }
        }
        let scope = SessionScope::One(ended);
        world.one(Change::EndSessions { user: ann, scope }).await.unwrap();
        world.clock.advance(Duration::days(29));
        assert!(matches!(rotate(&world, 6, 7).await, Rotation::Rotated { .. }));
        let (long_ago, now) = (world.now().plus(-Duration::days(29)), world.now());
        let purge = |ended, expired| world.store.purge_sessions(ended, expired, 4);
        assert_eq!(purge(long_ago, now).await.unwrap(), None, "not long enough");
        let ended_since = async || world.store.sessions_ended_since(long_ago).await.unwrap();
        assert_eq!(ended_since().await, [ended], "nodes that start still learn it");
        for piece in [Some(4), Some(2 + 1), None] {
            assert_eq!(rotate(&world, 105, 106).await, Rotation::Unknown);
            assert_eq!(purge(later(&world), now).await.unwrap(), piece);
        }
        assert_eq!(ended_since().await, []);

        world.clock.advance(Duration::days(2));
        for piece in [Some(4), Some(2 + 1), None] {
            assert_eq!(rotate(&world, 205, 206).await, Rotation::Unknown);
            assert_eq!(purge(long_ago, world.now()).await.unwrap(), piece);
        }
        let all = world.store.sessions(ann, Timestamp::from_unix_millis(0)).await.unwrap();
        let all: Vec<SessionId> = all.iter().map(|session| session.id).collect();
        assert_eq!(all, [lives], "{expired} is gone");
        for used in 1..7 {
            let reused = Rotation::Reused { user: ann, session: lives };
            assert_eq!(rotate(&world, used, 50).await, reused, "however old it is");
        }
    }
}

on_both! {
    async fn expired_tickets_go_and_others_stay(world: World) {
        let ann = world.user("ann").await;
        let session = session(&world, ann, 1).await;
        let until = world.now().plus(Duration::seconds(30));
        for ticket in 0..5 {
            world.store.insert_ticket([ticket; 32], session, until).await.unwrap();
        }
        world.store.insert_ticket([9; 32], session, until.plus(Duration::seconds(1))).await.unwrap();
        let purge = |before| world.store.purge_tickets(before, 3);
        assert_eq!(purge(until).await.unwrap(), None);
        for piece in [Some(3), Some(2), None] {
            assert_eq!(purge(until.plus(Duration::milliseconds(1))).await.unwrap(), piece);
        }
        let kept = world.store.redeem_ticket([9; 32], world.now()).await.unwrap();
        assert_eq!(kept, Some((ann, session)));
    }
}

/// Removes all that is dead by now, and says how many messages and memberships that was.
async fn purge_all(store: Store, before: Timestamp) -> usize {
    let mut removed = 0;
    while let Some(piece) = store.purge_messages(before, 10).await.unwrap() {
        removed += piece;
    }
    while let Some(piece) = store.purge_members(before, before, 1).await.unwrap() {
        removed += piece;
    }
    removed
}

/// Two nodes purge at once, while others talk: each row goes once, and nobody waits for a deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_purge_one_postgres() {
    let Some(world) = World::postgres().await else { return };
    let other = Store::open(world.location.clone()).await.unwrap();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let lives = talk(&world, &[ann, bob], 0).await;
    for _ in 0..10 {
        let dead = talk(&world, &[ann, bob], 200).await;
        delete(&world, dead, ann).await;
    }
    let before = later(&world);
    let one = tokio::spawn(purge_all(world.store.clone(), before));
    let two = tokio::spawn(purge_all(other.clone(), before));
    for _ in 0..50 {
        world.say(bob, lives, "undisturbed").await;
    }
    let mut removed = one.await.unwrap() + two.await.unwrap();
    // Either may have passed over the last channel, which the other one was at.
    removed += purge_all(other, before).await;
    assert_eq!(removed, 10 * (200 + 2));
    assert_eq!(said(&world, lives, ann).await, 50);
}
