//! Names that look the same, and those that were there before anybody looked.

use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use tertulia_domain::{AccountKind, AccountRole, DisplayName, UserId, Username};
use tertulia_store::{Error, Location, NewUser, Unique};

use crate::on_both;
use crate::world::World;

/// Makes the database as a version leaves it that knows nothing of skeletons.
async fn forget_skeletons(world: &World) {
    let forget = "UPDATE users SET skeleton = NULL";
    match &world.location {
        Location::Sqlite(path) => {
            let path = path.to_string_lossy();
            diesel::SqliteConnection::establish(&path).unwrap().batch_execute(forget).unwrap();
        }
        Location::Postgres { url, .. } => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            client.batch_execute(forget).await.unwrap();
            drop(client);
            connection.await.unwrap().unwrap();
        }
    }
}

async fn register(world: &World, name: &str) -> Result<(), Error> {
    let new = NewUser {
        id: UserId::new(world.now()),
        username: Username::parse(name).unwrap(),
        email: None,
        display_name: DisplayName::parse(name).unwrap(),
        password_hash: None,
        kind: AccountKind::Person,
        role: AccountRole::Member,
        created_at: world.now(),
    };
    world.store.insert_user(new).await
}

on_both! {
    async fn older_names_get_their_skeleton_at_the_next_start(world: World) {
        register(&world, "paypal").await.unwrap();
        for n in 0..600 {
            register(&world, &format!("person{n}x")).await.unwrap();
        }
        forget_skeletons(&world).await;
        // As it could be made by the version before.
        world.clock.advance(time::Duration::seconds(1));
        register(&world, "paypa1").await.unwrap();
        forget_skeletons(&world).await;

        let world = world.reopened().await;
        for taken in ["PaypaI", "person599X", "p\u{435}rson3x"] {
            let refused = register(&world, taken).await;
            assert!(matches!(refused, Err(Error::Taken(Unique::Username))), "{taken} {refused:?}");
        }
        // Both are still there, under their own names.
        for name in ["paypal", "paypa1"] {
            let found = world.store.profile_by_key(name.to_owned()).await.unwrap();
            assert_eq!(found.unwrap().username, name);
        }
        register(&world, "paypals").await.unwrap();
        world.reopened().await;
    }
}
