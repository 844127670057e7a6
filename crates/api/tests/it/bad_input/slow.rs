//! Who sends slowly, or without end, is hung up on: a connection costs memory.

use std::time::{Duration, Instant};

use super::check;
use super::raw::{Connection, head};
use crate::server::TestServer;

/// When a head must be there, and how long after a deadline a connection is closed.
const HEAD: u64 = 5;
/// When a body must be there.
const BODY: u64 = 10;
/// What the kernel, a busy machine and whole seconds may add.
const SLACK: u64 = 4;

/// How somebody goes on after the beginning of a request.
#[derive(Clone, Copy)]
enum Then {
    Silence,
    /// These bytes, again and again, faster than any deadline.
    Drip(&'static str),
}

/// One way to be slow.
struct Slow {
    how: &'static str,
    begin: String,
    then: Then,
    /// What is answered, and after how many seconds at most the server hangs up.
    status: u16,
    within: u64,
}

fn slow(how: &'static str, begin: String, then: Then, status: u16, within: u64) -> Slow {
    Slow { how, begin, then, status, within }
}

const JSON: (&str, &str) = ("content-type", "application/json");
const CHUNKED: (&str, &str) = ("transfer-encoding", "chunked");

fn ways() -> Vec<Slow> {
    let post = |path: &str, framing| head("POST", path, &[JSON, framing]);
    let log_in = |framing, begin: &str| post("/api/v1/auth/login", framing) + begin;
    let big = "10000\r\n".to_owned() + &" ".repeat(0x10000) + "\r\n";
    let (length, huge) = (("content-length", "1000"), ("content-length", "10000000000"));
    let unfinished = "GET /health HTTP/1.1\r\nhost: localhost\r\n".to_owned();
    vec![
        slow("no head", String::new(), Then::Silence, 408, HEAD),
        slow("half a head", unfinished.clone(), Then::Silence, 408, HEAD),
        slow("a head without end", unfinished, Then::Drip("a: b\r\n"), 408, HEAD),
        slow("no body", log_in(length, ""), Then::Silence, 408, BODY + HEAD),
        slow("half a body", log_in(length, "{"), Then::Drip(" "), 408, BODY + HEAD),
        slow("half a chunk", log_in(CHUNKED, "5\r\n{"), Then::Silence, 408, BODY + HEAD),
        slow(
            "chunks without end",
            log_in(CHUNKED, "1\r\n{\r\n"),
            Then::Drip("1\r\n \r\n"),
            408,
            BODY + HEAD,
        ),
        slow("a body that is too long", log_in(huge, "{"), Then::Drip(" "), 413, HEAD),
        slow(
            "too long and on",
            log_in(CHUNKED, &big.repeat(5)),
            Then::Drip("1\r\n \r\n"),
            413,
            HEAD,
        ),
        slow(
            "what is refused at once",
            post("/api/v1/channels", CHUNKED),
            Then::Drip("1\r\n \r\n"),
            401,
            HEAD,
        ),
        slow("what is nowhere", post("/nowhere", CHUNKED), Then::Drip("1\r\n \r\n"), 404, HEAD),
        slow(
            "what nobody reads",
            head("GET", "/health", &[CHUNKED]),
            Then::Drip("1\r\n \r\n"),
            200,
            HEAD,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_slow_is_hung_up_on() {
    let server = TestServer::sqlite().await;
    let all = ways().into_iter().map(|slow| hung_up_on(&server, slow));
    futures_util::future::join_all(all).await;
    server.stop().await;
}

async fn hung_up_on(server: &TestServer, slow: Slow) {
    let mut connection = Connection::open(server).await;
    let begun = Instant::now();
    assert!(connection.send(slow.begin.as_bytes()).await, "{}", slow.how);
    let limit = Duration::from_secs(slow.within + SLACK);
    let answer = match slow.then {
        Then::Silence => connection.answer().await,
        Then::Drip(drop) => {
            let mut answer = None;
            while begun.elapsed() < limit && connection.send(drop.as_bytes()).await {
                let wait = Duration::from_millis(500);
                if let Ok(came) = tokio::time::timeout(wait, connection.answer()).await {
                    answer = answer.or(came);
                }
            }
            answer
        }
    };
    let answer = answer.expect(slow.how);
    check(&answer, slow.how);
    assert_eq!(answer.status.as_u16(), slow.status, "{}", slow.how);
    assert!(connection.rest().await.is_empty(), "{}: one answer", slow.how);
    assert!(begun.elapsed() < limit, "{}: {:?}", slow.how, begun.elapsed());
}
