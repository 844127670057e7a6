//! A database that another program holds.

use std::sync::Arc;

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use tertulia_domain::{Change, ChannelKind, Feed};
use tertulia_store::{Error, Location};

use crate::world::World;

#[tokio::test]
async fn nothing_is_written_while_another_program_holds_the_database() {
    let world = World::sqlite().await;
    let ann = world.user("ann").await;
    let channel = world.channel(ann, ChannelKind::Public, "general").await;
    let before = world.store.feed(Feed::Channel(channel.id)).await.unwrap();
    let Location::Sqlite(path) = &world.location else { unreachable!("a world on SQLite") };
    let mut other = diesel::SqliteConnection::establish(&path.to_string_lossy()).unwrap();

    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let said = world.saying(ann, channel.id, "while it is held");
    let send: Arc<[Change]> = Arc::from(vec![Change::Send(said.clone())]);
    let refused = world.store.commit(Arc::clone(&send), world.now()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{:?}", refused.err());
    let late = world.store.insert_user(world.person("bob")).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
    other.batch_execute("COMMIT").unwrap();

    let after = world.store.feed(Feed::Channel(channel.id)).await.unwrap();
    assert_eq!(after, before);
    assert!(world.store.message(said.id, ann).await.unwrap().is_none());
    world.user("bob").await;
    let batch = world.store.commit(send, world.now()).await.unwrap();
    assert_eq!(batch.frames.len(), 1, "the same again does it");
}
