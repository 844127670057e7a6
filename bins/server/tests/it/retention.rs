//! What is dead leaves the database, however often the server dies at it.

use futures_util::future::join_all;
use tertulia_chat::{HistoryPart, Location, Store};

use crate::client::Person;
use crate::on_both;
use crate::process::Home;

/// Eight pieces.
const MANY: usize = 2000;

/// How many messages of a channel are in the database of a server that is not running.
async fn messages_of(home: &Home, channel: &str, person: &Person) -> usize {
    let location = match home.setting("DATABASE_URL") {
        "" => Location::Sqlite(home.path("data").join("tertulia.db")),
        url => Location::Postgres { url: url.to_owned(), connections: 1 },
    };
    let store = Store::open(location).await.unwrap();
    let (channel, person) = (channel.parse().unwrap(), person.id.parse().unwrap());
    let found = store.history(channel, person, HistoryPart::Newest, 10_000).await.unwrap();
    store.close().await;
    found.unwrap().1.items.len()
}

on_both! {
    async fn a_purge_goes_on_after_kill_9(home: Home) {
        let home = home.with("LOG_LEVEL", "debug");
        let server = home.start();
        let ann = server.user("ann").await;
        let (lives, dead) = (ann.create_channel("lives").await, ann.create_channel("dead").await);
        ann.say(&lives, "here to stay").await;
        for _ in 0..MANY / 100 {
            join_all((0..100).map(|_| ann.say(&dead, "not for long"))).await;
        }
        let request = ann.request(reqwest::Method::DELETE, &format!("/channels/{dead}"));
        crate::client::Answer::to(request).await.expect(204);
        server.program.kill();

        let mut left = vec![messages_of(&home, &dead, &ann).await];
        assert_eq!(left, [MANY], "it looks for work at its start, and once a minute");
        while left.last() != Some(&0) {
            let mut server = home.start();
            server.program.err.until("dead=Messages");
            server.program.kill();
            left.push(messages_of(&home, &dead, &ann).await);
        }
        // What finds them goes first, 50 entries at a time, and then they themselves, 250 at a time.
        assert!(left.is_sorted_by(|before, after| before >= after), "none comes back: {left:?}");
        assert!(left.chunk_by(|one, next| one == next).all(|same| same.len() <= 6), "each goes on: {left:?}");
        assert!(left.len() > 2, "it was killed in the middle: {left:?}");

        let server = home.start();
        let ann = ann.at(&server);
        assert_eq!(ann.history(&lives, 0).await.len(), 1);
        assert_eq!(ann.get(&format!("/channels/{dead}")).await.problem(404), "not_found");
    }
}
