//! Everybody is told of what mentions everybody, however often the server dies at it.

use tertulia_chat::{Location, Store};
use tertulia_domain::{
    AccountKind, AccountRole, Change, ChannelId, Clock, DisplayName, PageRequest, UserId, Username,
};
use tertulia_store::NewUser;

use crate::on_both;
use crate::process::Home;

/// Four pieces, the last one not full.
const PEOPLE: usize = 170;

/// Messages that mention all of them.
const SAID: usize = 12;

/// The database of a server that is not running.
async fn open(home: &Home) -> Store {
    let location = match home.setting("DATABASE_URL") {
        "" => Location::Sqlite(home.path("data").join("tertulia.db")),
        url => Location::Postgres { url: url.to_owned(), connections: 1 },
    };
    Store::open(location).await.unwrap()
}

async fn crowd(home: &Home, channel: ChannelId) -> Vec<UserId> {
    let (store, now) = (open(home).await, Clock::system().now());
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        let id = UserId::new(now);
        let new = NewUser {
            id,
            username: Username::parse(&format!("user{n}")).unwrap(),
            email: None,
            display_name: DisplayName::parse("somebody").unwrap(),
            password_hash: None,
            kind: AccountKind::Person,
            role: AccountRole::Member,
            created_at: now,
        };
        store.insert_user(new).await.unwrap();
        people.push(id);
    }
    let joins = people.iter().map(|user| Change::Join { channel, user: *user });
    store.commit(joins.collect::<Vec<_>>().into(), now).await.unwrap();
    store.close().await;
    people
}

on_both! {
    async fn who_was_to_be_told_is_told_after_kill_9(home: Home) {
        let server = home.start();
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        server.program.kill();
        let people = crowd(&home, channel.parse().unwrap()).await;

        let server = home.start();
        let ann = ann.at(&server);
        for n in 0..SAID {
            ann.say(&channel, &format!("@channel {n}")).await;
        }
        server.program.kill();
        let mut interrupted = 0;
        loop {
            let store = open(&home).await;
            let due = store.due_notifications(100).await.unwrap().len();
            store.close().await;
            if due == 0 {
                break;
            }
            interrupted += 1;
            // It looks for work as it starts.
            let server = home.start();
            tokio::time::sleep(std::time::Duration::from_millis(40 * interrupted)).await;
            server.program.kill();
        }
        assert!(interrupted > 0, "it was killed in the middle");
        let store = open(&home).await;
        for user in people {
            let page = PageRequest { after: None, limit: 100 };
            let told = store.notifications(user, false, page).await.unwrap();
            let mut messages: Vec<_> =
                told.page.items.iter().map(|it| it.notification.message_id).collect();
            messages.sort();
            messages.dedup();
            assert_eq!((told.page.items.len(), messages.len()), (SAID, SAID), "once each");
        }
        store.close().await;
    }
}
