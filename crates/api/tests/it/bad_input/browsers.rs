//! What browsers may be talked into: calling for pages of other origins, or by names that lead here.

use tertulia_api::{Config, Cors};
use tertulia_chat::{Location, Options};

use super::raw::{exchange, head};
use super::refused;
use crate::server::{Answer, TestServer};
use crate::socket::Socket;

async fn server_with(config: Config) -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("test.db"));
    TestServer::start_with(location, Options::default(), config, Some(folder)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_loopback_a_foreign_name_gets_nothing() {
    let public_origins = vec!["https://chat.example.com:8443".to_owned()];
    let server = server_with(Config { loopback: true, public_origins, ..Config::default() }).await;
    let paths =
        ["/", "/health", "/docs/", "/openapi.json", "/nowhere", "/api/v1/users/me", "/api/v1/ws"];
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:127.0.0.1",
        "chat.example.com.evil.example",
        "xchat.example.com",
        "example.com",
        "0.0.0.0",
        "[::]",
        "10.0.0.1",
        "169.254.169.254",
        "",
        "-",
        "[::2]",
        "[::1",
        "[::1]evil.example",
        "[::1]:80.evil.example",
        "localhost:80:80",
        "localhost:evil.example",
        "\u{e4}",
        "2130706433",
    ] {
        for path in paths {
            let answer = exchange(&server, head("GET", path, &[("host", host)]).as_bytes()).await;
            refused(&answer, &format!("{host} {path}"), 421, "unknown_host");
        }
        let sign_up =
            head("POST", "/api/v1/auth/register", &[("host", host), ("content-length", "2")]);
        refused(&exchange(&server, (sign_up + "{}").as_bytes()).await, host, 421, "unknown_host");
    }
    let nameless = exchange(&server, b"GET / HTTP/1.0\r\n\r\n").await;
    refused(&nameless, "no host", 421, "unknown_host");
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:8000",
        "127.1.2.3",
        "[::1]",
        "[::1]:8000",
        "chat.example.com",
        "Chat.Example.COM:8443",
    ] {
        let answer = exchange(&server, head("GET", "/health", &[("host", host)]).as_bytes()).await;
        assert_eq!(answer.status, 200, "{host}");
    }
    server.stop().await;

    let server = server_with(Config::default()).await;
    let answer =
        exchange(&server, head("GET", "/health", &[("host", "any.example")]).as_bytes()).await;
    assert_eq!(answer.status, 200, "who listens for everybody may have any name");
    server.stop().await;
}

/// What a page of this origin is answered.
async fn from(
    server: &TestServer,
    origin: &str,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
) -> Answer {
    let headers = [&[("origin", origin), ("content-length", "0")], more].concat();
    exchange(server, head(method, path, &headers).as_bytes()).await
}

fn allowed<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(format!("access-control-{name}")).map(|value| value.to_str().unwrap())
}

fn refused_preflight(answer: &Answer, what: &str) {
    answer.problem(403, "forbidden");
    assert!(answer.headers.contains_key("x-request-id"), "{what}");
    assert_eq!(
        (allowed(answer, "allow-origin"), allowed(answer, "allow-methods")),
        (None, None),
        "{what}"
    );
}

const PREFLIGHT: [(&str, &str); 2] = [
    ("access-control-request-method", "PATCH"),
    ("access-control-request-headers", "authorization,content-type,if-match,idempotency-key"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_get_nothing_unless_they_are_listed() {
    let server = TestServer::sqlite().await;
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "file://",
        "http://localhost:1",
    ] {
        for path in ["/health", "/openapi.json", "/nowhere", "/api/v1/users/me"] {
            let answer = from(&server, origin, "GET", path, &[]).await;
            assert_eq!(
                (allowed(&answer, "allow-origin"), allowed(&answer, "allow-credentials")),
                (None, None),
                "{origin}"
            );
            let answer = from(&server, origin, "OPTIONS", path, &PREFLIGHT).await;
            refused_preflight(&answer, origin);
        }
        let ann = server.nobody();
        let opened =
            Socket::try_open(&ann.base, "/api/v1/ws", &[("origin", origin.to_owned())]).await;
        assert_eq!(opened.err(), Some(403), "{origin}: before it is asked who connects");
    }
    let ann = server.user("ann").await;
    let token = ("authorization", format!("Bearer {}", ann.token.as_deref().unwrap()));
    let own = ("origin", server.base.clone());
    assert!(Socket::try_open(&server.base, "/api/v1/ws", &[token, own]).await.is_ok());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_listed_origins_may_call_and_see_what_they_need() {
    let origin = "https://app.example.com";
    let cors = Cors { origins: vec![origin.to_owned()], ..Cors::default() };
    let server = server_with(Config { loopback: true, cors, ..Config::default() }).await;
    for (path, status) in [("/health", 200), ("/nowhere", 404), ("/api/v1/users/me", 401)] {
        let answer = from(&server, origin, "GET", path, &[]).await;
        assert_eq!(
            (answer.status.as_u16(), allowed(&answer, "allow-origin")),
            (status, Some(origin))
        );
        assert_eq!(allowed(&answer, "allow-credentials"), None);
        let exposed = allowed(&answer, "expose-headers").unwrap();
        let limits = ["ratelimit", "ratelimit-policy"];
        for name in ["etag", "location", "retry-after", "x-request-id"].into_iter().chain(limits) {
            assert!(exposed.split(", ").any(|it| it == name), "{name} in {exposed}");
        }
    }
    let answer = from(&server, origin, "OPTIONS", "/api/v1/users/me", &PREFLIGHT).await;
    assert_eq!((answer.status.as_u16(), allowed(&answer, "allow-origin")), (200, Some(origin)));
    assert!(allowed(&answer, "allow-methods").unwrap().contains("PATCH"));
    let forged = [
        [("access-control-request-method", "TRACE"), PREFLIGHT[1]],
        [PREFLIGHT[0], ("access-control-request-headers", "x-forwarded-for")],
    ];
    for asked in forged {
        let answer = from(&server, origin, "OPTIONS", "/api/v1/users/me", &asked).await;
        refused_preflight(&answer, asked[0].1);
    }
    for other in [
        "http://app.example.com",
        "https://app.example.com:444",
        "https://app.example.com.evil.example",
        "https://xapp.example.com",
        "https://app.example.com/",
        "https://APP.example.com.",
        "null",
        "*",
    ] {
        let answer = from(&server, other, "GET", "/health", &[]).await;
        assert_eq!(allowed(&answer, "allow-origin"), None, "{other}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_for_all_origins_lets_none_send_credentials() {
    let cors = Cors { any: true, credentials: true, ..Cors::default() };
    let server = server_with(Config { loopback: true, cors, ..Config::default() }).await;
    for answer in [
        from(&server, "https://any.example", "GET", "/health", &[]).await,
        from(&server, "https://any.example", "OPTIONS", "/health", &PREFLIGHT).await,
    ] {
        assert_eq!(
            (allowed(&answer, "allow-origin"), allowed(&answer, "allow-credentials")),
            (Some("*"), None)
        );
    }
    server.stop().await;
}
