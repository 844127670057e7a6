//! Admins who are made on the command line.

use serde_json::json;

use crate::on_both;
use crate::process::{Ended, Home};

fn after(ended: &Ended, words: &str) -> String {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let line = ended.out.iter().find(|line| line.starts_with(words)).unwrap();
    line.rsplit_once(": ").unwrap().1.to_owned()
}

on_both! {
    async fn an_admin_is_made_on_the_command_line(home: Home) {
        let home = home.with("REGISTRATION", "closed");
        let made = home.run(&["admin", "create", "root", "--email", "root@example.com"]);
        let password = after(&made, "the password, shown once");
        let again = home.run(&["admin", "create", "ROOT"]);
        assert_eq!((again.code, again.err.len()), (Some(1), 1), "{again:?}");
        assert!(again.err[0].ends_with("this username is taken"), "{again:?}");
        let bad = home.run(&["admin", "create", "a b"]);
        assert!(bad.err[0].starts_with("tertulia: USERNAME: "), "{bad:?}");
        // Nothing comes on standard input here.
        let bad = home.run(&["admin", "create", "eve", "--password-stdin"]);
        assert!(bad.err[0].starts_with("tertulia: the password: "), "{bad:?}");

        let server = home.start();
        let nobody = server.nobody();
        let log_in = json!({ "username": "root@example.com", "password": password });
        let root = nobody.signed_in(&nobody.post("/auth/login", log_in).await.expect(200).body);
        assert_eq!(root.get("/users/me").await.body["role"], "admin");
        let log = root.get("/admin/audit").await.body;
        assert_eq!(log["items"][0]["action"], "admin.created");
        assert_eq!(log["items"][0]["address"], "command line");
        let new = json!({ "username": "ann", "password": "correct horse battery" });
        nobody.post("/auth/register", new.clone()).await.expect(403);
        root.post("/admin/users", new.clone()).await.expect(201);
        let ann = nobody.signed_in(&nobody.post("/auth/login", new).await.expect(200).body);
        let ended = server.stop();
        assert!(!ended.out.concat().contains("there is no admin yet"), "{ended:?}");

        let first = after(&home.run(&["admin", "token"]), "this token makes an admin, once");
        let token = after(&home.run(&["admin", "token"]), "this token makes an admin, once");
        let server = home.start();
        let ann = ann.at(&server);
        ann.post("/admin/claim", json!({ "token": first })).await.expect(403);
        let claimed = ann.post("/admin/claim", json!({ "token": token })).await;
        assert_eq!(claimed.expect(200).body["role"], "admin");
        ann.post("/admin/claim", json!({ "token": token })).await.expect(403);
        if home.setting("DATABASE_URL").is_empty() {
            let locked = home.run(&["admin", "token"]);
            assert!(locked.err[0].ends_with("another server uses this database"), "{locked:?}");
        }
        server.stop();
    }
}

on_both! {
    async fn guests_come_in_only_where_nobody_else_can(home: Home) {
        let enter = async |home: &Home| {
            let server = home.start();
            let answer = server.nobody().post("/auth/guest", json!({ "name": "Ann" })).await;
            server.stop();
            answer.status.as_u16()
        };
        assert_eq!(enter(&home).await, 201);
        let home = home.with("PUBLIC_URL", "https://chat.example.org");
        assert_eq!(enter(&home).await, 403);
        let home = home.with("PUBLIC_URL", "").with("TRUSTED_PROXIES", "127.0.0.1");
        assert_eq!(enter(&home).await, 403);
        let home = home.with("GUESTS", "on");
        assert_eq!(enter(&home).await, 201);
        let home = home.with("GUESTS", "off").with("TRUSTED_PROXIES", "");
        assert_eq!(enter(&home).await, 403);
        let home = home.with("GUESTS", "auto").with("REGISTRATION", "closed");
        assert_eq!(enter(&home).await, 403);
    }
}
