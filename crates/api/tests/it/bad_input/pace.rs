//! Connections that outlive their first request: each head and each answer has its deadline, and
//! sockets have none of these.

use std::time::{Duration, Instant};

use tertulia_api::Deadlines;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};

use super::raw::{Connection, head};
use crate::server::{Setup, TestServer};

/// Longer than any test.
const NEVER: Duration = Duration::from_hours(1);
const SOON: Duration = Duration::from_millis(1500);
/// What a busy machine may add.
const LATE: Duration = Duration::from_secs(10);

async fn server(head: Duration, idle: Duration, answer: Duration) -> TestServer {
    let deadlines = Deadlines { head, idle, answer, ..Deadlines::default() };
    TestServer::sqlite_as(Setup { deadlines, ..Setup::default() }).await
}

/// A connection over which a request has been answered.
async fn used(server: &TestServer) -> Connection {
    let mut connection = Connection::open(server).await;
    connection.send(head("GET", "/health", &[]).as_bytes()).await;
    assert_eq!(connection.answer().await.unwrap().status, 200);
    connection
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_head_has_a_deadline_too() {
    let server = server(SOON, NEVER, NEVER).await;
    for drip in ["", "a: b\r\n"] {
        let mut connection = used(&server).await;
        let begun = Instant::now();
        assert!(connection.send(b"GET /health HTTP/1.1\r\n").await);
        let mut rest = None;
        while rest.is_none() {
            assert!(begun.elapsed() < LATE, "{drip:?}");
            connection.send(drip.as_bytes()).await;
            rest = tokio::time::timeout(SOON / 8, connection.rest()).await.ok();
        }
        assert!(rest.unwrap().is_empty(), "half a request is not answered");
        assert!(begun.elapsed() >= SOON, "{:?}", begun.elapsed());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_came_early_may_lie_as_long_as_nothing() {
    let server = server(NEVER, SOON, NEVER).await;
    let mut connection = Connection::open(&server).await;
    let early = head("GET", "/health", &[]) + "GET /health HTTP/1.1\r\n";
    connection.send(early.as_bytes()).await;
    let begun = Instant::now();
    assert_eq!(connection.rest().await.len(), 1);
    assert!(begun.elapsed() < LATE, "{:?}", begun.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unused_connection_is_closed_in_its_own_time() {
    let server = server(NEVER, SOON, NEVER).await;
    let mut busy = used(&server).await;
    let begun = Instant::now();
    while begun.elapsed() < SOON * 3 {
        busy.send(head("GET", "/health", &[]).as_bytes()).await;
        assert_eq!(busy.answer().await.unwrap().status, 200, "it is used all the while");
    }
    let begun = Instant::now();
    assert!(busy.rest().await.is_empty());
    assert!((SOON / 2..LATE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    server.stop().await;
}

/// Many times what kernels take for a client that does not read.
const REQUESTS: usize = 16;

/// Asks for a large file many times, and reads nothing.
async fn ask_for_much(server: &TestServer) -> TcpStream {
    let address = server.base.trim_start_matches("http://").parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let ask = head("GET", "/docs/swagger-ui-bundle.js", &[]);
    stream.write_all(ask.repeat(REQUESTS).as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_an_answer_is_hung_up_on() {
    let server = server(NEVER, NEVER, SOON).await;
    let stream = ask_for_much(&server).await;
    let begun = Instant::now();
    let reset = tokio::time::timeout(LATE * 2, stream.ready(Interest::ERROR)).await;
    assert!(reset.expect("the server hangs up").unwrap().is_error());
    assert!(begun.elapsed() >= SOON, "{:?}", begun.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_an_answer_slowly_gets_all_of_it() {
    let server = server(NEVER, SOON, SOON).await;
    let mut stream = ask_for_much(&server).await;
    let mut answer = Vec::new();
    let mut some = vec![0; 128 * 1024];
    loop {
        let length = stream.read(&mut some).await.expect("the server goes on");
        if length == 0 {
            break;
        }
        answer.extend_from_slice(&some[..length]);
        // He thinks about it.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let text = String::from_utf8_lossy(&answer);
    assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), REQUESTS);
    let length = text.split("content-length: ").nth(1).unwrap().split('\r').next().unwrap();
    assert!(answer.len() > REQUESTS * length.parse::<usize>().unwrap());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_still_sends_when_hung_up_on_is_not_reset() {
    let server = server(NEVER, NEVER, NEVER).await;
    let mut connection = Connection::open(&server).await;
    let last = head("GET", "/health", &[("connection", "close")]);
    assert!(connection.send(last.as_bytes()).await);
    assert_eq!(connection.rest().await.len(), 1);
    // A reset would have come with the answer to the first of these, and taken along what is not read.
    for _ in 0..10 {
        assert!(connection.send(last.as_bytes()).await);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_has_no_deadline_of_these() {
    let brief = SOON;
    let server = server(brief, brief, brief).await;
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    let mut socket = ann.listen().await;
    // Time passes: other connections come to the end of theirs.
    for _ in 0..2 {
        assert!(used(&server).await.rest().await.is_empty());
    }
    ann.say(&channel, "still there?").await;
    assert_eq!(socket.next_of("message.created").await["message"]["content"], "still there?");
    server.stop().await;
}
