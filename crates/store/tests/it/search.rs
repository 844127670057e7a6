//! The search index, step by step.

use std::sync::Arc;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use tertulia_domain::{Change, ChannelKind, MessageBody, MessagePrecondition, SearchQuery, UserId};
use tertulia_store::{Location, Search};

use crate::on_both;
use crate::world::World;

/// Makes the database as the version before leaves it, and brings it up to date.
async fn migrate_again(world: &World) {
    match &world.location {
        Location::Sqlite(path) => {
            let mut connection =
                diesel::SqliteConnection::establish(&path.to_string_lossy()).unwrap();
            for sql in [
                include_str!("../../../../migrations/sqlite/2026-11-28-093000_search/down.sql"),
                include_str!("../../../../migrations/sqlite/2026-11-28-093000_search/up.sql"),
            ] {
                connection.batch_execute(sql).unwrap();
            }
        }
        Location::Postgres { url, .. } => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            for sql in [
                include_str!("../../../../migrations/postgres/2026-11-28-093000_search/down.sql"),
                include_str!("../../../../migrations/postgres/2026-11-28-093000_search/up.sql"),
            ] {
                client.batch_execute(sql).await.unwrap();
            }
            drop(client);
            connection.await.unwrap().unwrap();
        }
    }
}

/// All that is found, the newest first.
async fn find(world: &World, user: UserId, query: &str) -> Vec<String> {
    let query = Arc::new(SearchQuery::parse(query).unwrap());
    let mut below = Some(i64::MAX);
    let mut found = Vec::new();
    while let Some(from) = below {
        let search =
            Search { query: Arc::clone(&query), user, now: world.now(), below: from, want: 30 };
        let piece = world.store.search(search).await.unwrap();
        found.extend(piece.hits.into_iter().map(|(_, hit)| hit.message.message.content));
        below = piece.below;
    }
    found
}

async fn index(world: &World) {
    loop {
        let behind = world.store.unindexed_channels(10).await.unwrap();
        if behind.is_empty() {
            return;
        }
        let shares = world.store.unindexed(behind, 7).await.unwrap();
        world.store.index(shares).await.unwrap();
    }
}

on_both! {
    async fn messages_from_before_the_index_are_found(world: World) {
        let ann = world.user("ann").await;
        let mut channels = Vec::new();
        for n in 0..3 {
            channels.push(world.channel(ann, ChannelKind::Public, &format!("channel {n}")).await.id);
        }
        let mut expected = Vec::new();
        for n in 0..50 {
            world.clock.advance(time::Duration::seconds(1));
            let content = format!("old {n}");
            world.say(ann, channels[n % 3], &content).await;
            expected.insert(0, content);
        }
        let gone = world.say(ann, channels[0], "old and gone").await;
        let changed = world.say(ann, channels[0], "old and changed").await;
        migrate_again(&world).await;

        // What comes now comes first, whatever comes of what is older.
        let expect = MessagePrecondition::Any;
        world.one(Change::Delete { message: gone.id, by: ann, expect, from: None }).await.unwrap();
        let body = MessageBody::parse("new once more".to_owned()).unwrap();
        world.one(Change::Edit { message: changed.id, by: ann, body, expect: MessagePrecondition::Any }).await.unwrap();
        world.clock.advance(time::Duration::seconds(1));
        world.say(ann, channels[1], "new").await;
        index(&world).await;
        assert_eq!(find(&world, ann, "new").await, ["new", "new once more"]);
        assert_eq!(find(&world, ann, "old").await, [""; 0]);

        let world = world.reopened().await;
        while let Some(older) = world.store.unindexed_older(7).await.unwrap() {
            world.store.index_older(older.clone()).await.unwrap();
            // Twice is once.
            world.store.index_older(older).await.unwrap();
        }
        assert_eq!(find(&world, ann, "old").await, expected);
        assert_eq!(find(&world, ann, "new").await, ["new", "new once more"]);
        assert_eq!(find(&world, ann, "in:\"channel 1\"").await.len(), 18);
    }
}

on_both! {
    async fn what_is_not_true_any_more_is_not_indexed(world: World) {
        let ann = world.user("ann").await;
        let channel = world.channel(ann, ChannelKind::Private, "general").await.id;
        world.say(ann, channel, "to stay").await;
        let gone = world.say(ann, channel, "gooseberry").await;
        let read = world.store.unindexed(vec![channel], 100).await.unwrap();
        world.one(Change::Delete { message: gone.id, by: ann, expect: MessagePrecondition::Any, from: None }).await.unwrap();
        world.store.index(read.clone()).await.unwrap();
        world.store.index(read).await.unwrap();
        assert_eq!(find(&world, ann, "from:ann").await, ["to stay"]);
        // And what another node has indexed meanwhile stays as it is.
        let read = world.store.unindexed(vec![channel], 100).await.unwrap();
        world.say(ann, channel, "later").await;
        index(&world).await;
        world.store.index(read).await.unwrap();
        assert!(world.store.unindexed_channels(1).await.unwrap().is_empty());
        assert_eq!(find(&world, ann, "from:ann").await, ["later", "to stay"]);
    }
}

on_both! {
    async fn the_index_only_proposes(world: World) {
        let (ann, eve) = (world.user("ann").await, world.user("eve").await);
        let private = world.channel(ann, ChannelKind::Private, "private").await.id;
        let gone = world.say(ann, private, "gooseberry gone").await;
        let changed = world.say(ann, private, "gooseberry changed").await;
        world.say(ann, private, "gooseberry kept").await;
        // Somebody with many channels, and somebody with none.
        for n in 0..20 {
            world.channel(eve, ChannelKind::Private, &format!("own {n}")).await;
        }
        let poor = world.user("poor").await;
        index(&world).await;
        assert_eq!(find(&world, ann, "gooseberry").await.len(), 3);
        for stranger in [eve, poor] {
            assert_eq!(find(&world, stranger, "gooseberry").await, [""; 0]);
            assert_eq!(find(&world, stranger, &format!("in:{private}")).await, [""; 0]);
        }
        world.one(Change::Delete { message: gone.id, by: ann, expect: MessagePrecondition::Any, from: None }).await.unwrap();
        let body = MessageBody::parse("elderberry".to_owned()).unwrap();
        world.one(Change::Edit { message: changed.id, by: ann, body, expect: MessagePrecondition::Any }).await.unwrap();
        assert_eq!(find(&world, ann, "gooseberry").await, ["gooseberry kept"]);
        world.one(Change::DeleteChannel { channel: private, by: ann }).await.unwrap();
        assert_eq!(find(&world, ann, "gooseberry").await, [""; 0]);
    }
}
