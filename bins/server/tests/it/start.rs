//! The first start, the next ones, and those that must fail.

use std::fs;
use std::net::TcpListener;

use reqwest::Method;
use serde_json::json;
use tertulia_testing::PostgresCluster;

use crate::client::{Answer, PASSWORD, Person};
use crate::on_both;
use crate::process::{Ended, Home, has_postgres, mode};
use crate::socket::Socket;

/// The `.env` of a `FastAPI` chat application as its document prints it, but for the database, the
/// secret (a sample one is refused) and what comes after.
const EVENTS_API: &str = r#"# Application
APP_NAME=Chat Application API
APP_VERSION=1.0.0
DEBUG=False

# Server
HOST=0.0.0.0
PORT=8000

# Database (defaults to PostgreSQL, but SQLite is used if chat.db exists)
DATABASE_URL=<database>

# Security (IMPORTANT: Change in production!)
SECRET_KEY=3f0c9a1e7b5d2846c1f3a09e8d7b6245
ALGORITHM=HS256
ACCESS_TOKEN_EXPIRE_MINUTES=30

# CORS
CORS_ORIGINS=["*"]
CORS_ALLOW_CREDENTIALS=True

# Logging
LOG_LEVEL=INFO
"#;

impl Ended {
    /// It has failed with this status, and said in one line why.
    #[track_caller]
    fn failed_with(&self, code: i32, start: &str) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        let [line] = self.err.as_slice() else { panic!("not one line: {self:?}") };
        assert!(line.starts_with(start), "{line}");
        line
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_folder_is_all_it_takes() {
    let home = Home::bare().with("PORT", "0");
    let server = home.start();
    assert!(server.base.starts_with("http://127.0.0.1:"), "{}", server.base);
    server.look("/ready").await.expect(200);
    server.look("/docs").await.expect(200);
    server.user("ann").await.get("/users/me").await.expect(200);
    server.stop();
    assert_eq!(mode(&home.path("data")), 0o700);
    assert_eq!(mode(&home.path("data/secret")), 0o600);
    assert!(home.path("data/tertulia.db").exists());
}

on_both! {
    async fn a_restart_keeps_tokens_and_cursors(home: Home) {
        let server = home.start();
        let ann = server.user("ann").await;
        let epoch = Socket::open(&ann).await.unwrap().ready["epoch"].clone();
        let secret = fs::read(home.path("data/secret")).unwrap();
        server.stop();
        let server = home.start();
        let ann = ann.at(&server);
        ann.get("/users/me").await.expect(200);
        assert_eq!(Socket::open(&ann).await.unwrap().ready["epoch"], epoch);
        ann.post("/auth/refresh", json!({ "refresh_token": ann.refresh_token })).await.expect(200);
        server.stop();
        assert_eq!(fs::read(home.path("data/secret")).unwrap(), secret);
    }
}

on_both! {
    async fn what_a_key_made_outlives_kill_9(home: Home) {
        let server = home.start();
        let ann = server.user("ann").await;
        let make = |ann: &Person, name: &str| {
            let request = ann.request(Method::POST, "/channels").header("idempotency-key", "once");
            Answer::to(request.json(&json!({ "name": name })))
        };
        let first = make(&ann, "tea").await;
        first.expect(201);
        server.program.kill();
        let server = home.start();
        let ann = ann.at(&server);
        assert_eq!(make(&ann, "tea").await.expect(200).body, first.body);
        assert_eq!(make(&ann, "coffee").await.problem(422), "invalid");
        assert_eq!(ann.get("/channels").await.body["items"].as_array().map(Vec::len), Some(1));
    }
}

on_both! {
    async fn the_token_that_makes_an_admin_works_once_and_is_printed_only_while_it_does(home: Home) {
        let server = home.start();
        let ann = server.user("ann").await;
        let first = admin_token(&server.stop().out).expect("a token");

        let mut server = home.start();
        let line = server.program.out.until("there is no admin yet");
        let token = admin_token(&[line]).unwrap();
        let (ann, bob) = (ann.at(&server), server.user("bob").await);
        let claim = |token: &str| json!({ "token": token });
        // The one that was printed last counts.
        assert_eq!(ann.post("/admin/claim", claim(&first)).await.problem(403), "forbidden");
        let admin = ann.post("/admin/claim", claim(&token)).await;
        assert_eq!(admin.expect(200).body["role"], "admin");
        for person in [&ann, &bob] {
            assert_eq!(person.post("/admin/claim", claim(&token)).await.problem(403), "forbidden");
        }
        assert_eq!(bob.get("/users/me").await.body["role"], "member");
        server.stop();
        assert_eq!(admin_token(&home.start().stop().out), None);
    }
}

fn admin_token(out: &[String]) -> Option<String> {
    let line = out.iter().find(|line| line.contains("there is no admin yet"))?;
    Some(line.rsplit_once(": ").unwrap().1.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_file_is_refused_and_harms_nothing() {
    let home = Home::sqlite();
    let server = home.start();
    for command in [&[][..], &["migrate"]] {
        let line = home.run(command);
        let line = line.failed_with(1, "tertulia: DATABASE_URL: ");
        assert!(line.ends_with("another server uses this database"), "{line}");
    }
    server.user("ann").await.get("/users/me").await.expect(200);
    server.stop();
    home.start().stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_named_and_nothing_is_touched() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let home = Home::sqlite().with("PORT", address.port().to_string());
    home.run(&[]).failed_with(1, &format!("tertulia: HOST and PORT: {address}: "));
    assert!(!home.path("data/tertulia.db").exists());
}

#[test]
fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://ann:pa55word@{}/chat", free.local_addr().unwrap());
    drop(free);
    let ended = Home::sqlite().with("DATABASE_URL", url).run(&[]);
    let line = ended.failed_with(1, "tertulia: DATABASE_URL: PostgreSQL: ");
    assert!(!line.contains("pa55word"), "{line}");
}

#[test]
fn bad_settings_are_told_all_at_once_a_line_each() {
    let home = Home::sqlite()
        .with("PORT", "http")
        .with("DATABASE_URL", "mysql://ann:pa55word@localhost/chat")
        .with("SECRET_KEY", "your-secret-key-here")
        .with("DRAIN_SECONDS", "soon");
    let ended = home.run(&[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let names: Vec<_> = ended.err.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(names, ["PORT", "DATABASE_URL", "SECRET_KEY", "DRAIN_SECONDS"], "{ended:?}");
    let told = ended.err.concat();
    assert!(!told.contains("pa55word") && !told.contains("your-secret"), "{told}");
    assert!(ended.out.is_empty() && !home.path("data").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_env_file_of_another_chat_server_works_as_it_stands() {
    let mut databases = vec!["sqlite:///./chat.db".to_owned()];
    if has_postgres() {
        let url = PostgresCluster::shared().database();
        databases.push(url.replacen("postgres://", "postgresql+psycopg2://", 1));
    }
    for database in databases {
        // Only the port differs: 8000 may be somebody's.
        let home = Home::bare().with("PORT", "0");
        fs::write(home.path(".env"), EVENTS_API.replace("<database>", &database)).unwrap();
        let mut server = home.start();
        server.program.err.until("APP_VERSION, DEBUG");
        server.program.err.until("CORS_ALLOW_CREDENTIALS is left off");
        assert_eq!(server.look("/").await.body["message"], "Chat Application API");
        let nobody = server.nobody();
        let body = json!({ "username": "ann", "password": PASSWORD });
        let request = nobody.request(Method::POST, "/auth/register");
        let answer = Answer::to(request.header("origin", "http://a.example").json(&body)).await;
        assert_eq!(answer.expect(201).body["expires_in"], 30 * 60);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        server.stop();
        assert_eq!(home.path("chat.db").exists(), database.starts_with("sqlite"));
        assert!(!home.path("data/tertulia.db").exists() && !home.path("data/secret").exists());
    }
}
