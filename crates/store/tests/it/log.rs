//! The one transaction through which feeds move.

use std::sync::Arc;

use tertulia_domain::{
    Body, Change, ChannelKind, Feed, MessageBody, MessagePrecondition, Outcome, Rejection,
};
use tertulia_store::{Error, Location, Store};

use crate::on_both;
use crate::world::World;

on_both! {
    async fn revs_and_seqs_are_dense_and_rejected_changes_take_none(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let channel = world.channel(ann, ChannelKind::Public, "general").await;
        let batch = world
            .commit(vec![
                Change::Send(world.saying(ann, channel.id, "one")),
                Change::Send(world.saying(bob, channel.id, "not a member")),
                Change::Send(world.saying(ann, channel.id, "two")),
            ])
            .await;
        assert!(matches!(batch.outcomes[1], Err(Rejection::Forbidden(_))));
        let steps: Vec<_> = batch.frames.iter().map(|frame| (frame.prev, frame.rev)).collect();
        assert_eq!(steps, [(2, 3), (3, 4)], "channel and owner took 1 and 2");
        let feed = world.store.feed(Feed::Channel(channel.id)).await.unwrap();
        assert_eq!((feed.head, feed.last_seq), (4, 2));
    }
}

on_both! {
    async fn the_same_message_twice_is_one_and_another_with_its_id_is_a_conflict(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await;
        let new = world.saying(ann, channel.id, "once");
        let first = world.one(Change::Send(new.clone())).await.unwrap();
        assert!(matches!(first, Outcome::Message { created: true, .. }));
        let edit = Change::Edit {
            message: new.id,
            by: ann,
            body: MessageBody::parse("changed".to_owned()).unwrap(),
            expect: MessagePrecondition::Any,
        };
        world.one(edit).await.unwrap();
        let Ok(Outcome::Message { message, created: false }) =
            world.one(Change::Send(new.clone())).await
        else {
            panic!("the same request finds its message");
        };
        assert_eq!((message.content.as_str(), message.seq), ("changed", 1));

        let mut other = new.clone();
        other.digest = [8; 16];
        assert!(matches!(
            world.one(Change::Send(other)).await,
            Err(Rejection::Conflict("id_taken", _))
        ));
        let both = world.commit(vec![Change::Send(new.clone()), Change::Send(new)]).await;
        assert!(both.frames.is_empty());
    }
}

on_both! {
    async fn a_message_can_be_sent_edited_and_deleted_in_one_batch(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Private, "notes").await;
        let new = world.saying(ann, channel.id, "draft");
        let id = new.id;
        let body = MessageBody::parse("final".to_owned()).unwrap();
        let expect = MessagePrecondition::Any;
        let batch = world
            .commit(vec![
                Change::Send(new),
                Change::Edit { message: id, by: ann, body, expect },
                Change::Delete { message: id, by: ann, expect, from: None },
            ])
            .await;
        let kinds: Vec<_> = batch.frames.iter().map(tertulia_domain::Frame::kind).collect();
        assert_eq!(kinds, ["message.created", "message.updated", "message.deleted"]);
        let (_, message) = world.store.message(id, ann).await.unwrap().unwrap();
        let message = message.message;
        assert_eq!(message.content, "");
        assert!(message.deleted_at.is_some());
    }
}

on_both! {
    async fn twenty_at_once_make_one_direct_conversation(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let mut tasks = tokio::task::JoinSet::new();
        for turn in 0..20 {
            let (from, to) = if turn % 2 == 0 { (ann, bob) } else { (bob, ann) };
            let change = Change::CreateChannel(world.draft(from, ChannelKind::Direct, None, vec![to]));
            let (store, now) = (world.store.clone(), world.now());
            tasks.spawn(async move { store.commit(Arc::from([change]), now).await });
        }
        let mut made = 0;
        let mut ids = std::collections::BTreeSet::new();
        while let Some(batch) = tasks.join_next().await {
            match batch.unwrap().unwrap().outcomes.remove(0) {
                Ok(Outcome::Channel { channel, created, .. }) => {
                    made += i32::from(created);
                    ids.insert(channel.id);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((made, ids.len()), (1, 1));
    }
}

on_both! {
    async fn one_bad_change_spoils_nothing(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Public, "general").await;
        let mut reply = world.saying(ann, channel.id, "to nothing");
        reply.reply_to = Some(world.saying(ann, channel.id, "never sent").id);
        let batch = world
            .commit(vec![Change::Send(reply), Change::Send(world.saying(ann, channel.id, "fine"))])
            .await;
        assert!(matches!(batch.outcomes[0], Err(Rejection::Invalid(_))));
        assert!(batch.outcomes[1].is_ok());
        assert_eq!(batch.frames.len(), 1);
    }
}

on_both! {
    async fn a_person_who_is_removed_hears_it_in_their_own_feed(world: World) {
        let (ann, bob) = (world.user("ann").await, world.user("bob").await);
        let channel = world.channel(ann, ChannelKind::Private, "secret").await.id;
        world.one(Change::AddMember { channel, by: ann, user: bob }).await.unwrap();
        world.one(Change::RemoveMember { channel, by: ann, user: bob, from: None }).await.unwrap();
        let own = world.store.changes(Feed::Me(bob), 0, 10).await.unwrap();
        assert_eq!(own.items.len(), 1, "two changes of one row are one step");
        assert_eq!((own.items[0].prev, own.items[0].rev, own.head), (0, 2, 2));
        let Body::Membership { channel: seen, .. } = &own.items[0].body else { panic!() };
        assert!(seen.is_none(), "nothing of the channel is said to who is out");
    }
}

/// Two nodes write into the same channels: order and density hold, nothing deadlocks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_share_one_postgres() {
    let Some(world) = World::postgres().await else { return };
    let other = Store::open(world.location.clone()).await.unwrap();
    let ann = world.user("ann").await;
    let a = world.channel(ann, ChannelKind::Public, "a").await.id;
    let b = world.channel(ann, ChannelKind::Public, "b").await.id;
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..40 {
        let store = if turn % 2 == 0 { world.store.clone() } else { other.clone() };
        let mut changes: Vec<Change> = (0..5)
            .flat_map(|_| [a, b].map(|channel| Change::Send(world.saying(ann, channel, "x"))))
            .collect();
        if turn % 2 == 1 {
            changes.reverse();
        }
        let now = world.now();
        tasks.spawn(async move { store.commit(changes.into(), now).await });
    }
    while let Some(batch) = tasks.join_next().await {
        assert!(batch.unwrap().unwrap().outcomes.iter().all(Result::is_ok));
    }
    for channel in [a, b] {
        let feed = world.store.feed(Feed::Channel(channel)).await.unwrap();
        assert_eq!(feed.last_seq, 200);
        let (_, page) = world
            .store
            .history(channel, ann, tertulia_store::HistoryPart::Newest, 100)
            .await
            .unwrap()
            .unwrap();
        let seqs: Vec<_> = page.items.iter().map(|view| view.message.seq).collect();
        assert_eq!(seqs, (101..=200).rev().collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_is_kept_out_of_sqlite() {
    let world = World::sqlite().await;
    assert!(matches!(world.location, Location::Sqlite(_)));
    let second = Store::open(world.location.clone()).await;
    assert!(matches!(second, Err(Error::Setup(why)) if why.contains("another server")));
}

/// Both bring the same empty database up to date: one waits for the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_may_start_at_once_on_postgres() {
    if std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("postgres")) {
        return;
    }
    let url = tertulia_testing::PostgresCluster::shared().database();
    let open = || Store::open(Location::Postgres { url: url.clone(), connections: 2 });
    let (one, two) = tokio::join!(open(), open());
    let epoch = one.unwrap().epoch("first".to_owned()).await.unwrap();
    assert_eq!(two.unwrap().epoch("second".to_owned()).await.unwrap(), epoch);
}
