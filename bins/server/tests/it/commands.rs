//! What the program does besides serving.

use crate::on_both;
use crate::process::Home;

const DOCUMENT: &str = include_str!("../../../../docs/openapi.json");

on_both! {
    async fn migrate_makes_the_database_and_a_second_time_changes_nothing(home: Home) {
        for _ in 0..2 {
            let ended = home.run(&["migrate"]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert_eq!(ended.out, ["the database is up to date"]);
        }
        let server = home.start();
        let ann = server.user("ann").await;
        server.stop();
        assert_eq!(home.run(&["migrate"]).code, Some(0));
        let server = home.start();
        ann.at(&server).get("/users/me").await.expect(200);
        // PostgreSQL is all there is of the database then.
        let in_folder = home.path("data/tertulia.db").exists();
        assert_eq!(in_folder, home.setting("DATABASE_URL").is_empty());
    }
}

#[test]
fn the_committed_document_is_what_the_program_prints() {
    let ended = Home::bare().with("PORT", "not even settings are needed").run(&["openapi"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.join("\n") == DOCUMENT.trim_end(), "docs/openapi.json is old: just openapi");
}

#[test]
fn health_tells_whether_a_server_is_alive() {
    let home = Home::sqlite();
    let server = home.start();
    let port = server.base.rsplit_once(':').unwrap().1.to_owned();
    let asking = Home::bare().with("PORT", port);
    let alive = asking.run(&["health"]);
    assert_eq!((alive.code, &*alive.err.concat()), (Some(0), ""));
    server.stop();
    let gone = asking.run(&["health"]);
    assert_eq!((gone.code, gone.err.len()), (Some(1), 1), "{gone:?}");
    assert!(!asking.path("data").exists());
}
