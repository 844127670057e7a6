//! Stopping in an orderly way.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::client::Person;
use crate::load::World;
use crate::on_both;
use crate::process::Home;
use crate::socket::{Closed, Socket};

/// Enough that the last of them are closed well after the first.
const SOCKETS: usize = 30;

on_both! {
    async fn sigterm_says_goodbye_to_every_socket_and_finishes_what_was_asked(home: Home) {
        let home = home.with("DRAIN_SECONDS", "4");
        let server = home.start();
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let mut goodbyes = JoinSet::new();
        for _ in 0..SOCKETS {
            goodbyes.spawn(goodbye(Socket::open(&ann).await.unwrap()));
        }
        // One that never answers the close, nor reads it.
        let mute = Socket::open(&ann).await.unwrap();
        let before = ann.say(&channel, "before").await;
        let asked = HalfAsked::new(&ann, &channel).await;

        server.program.signal(Signal::TERM);
        let begun = Instant::now();
        let ready = server.until_ready_is(503).await;
        assert_eq!(ready.body["checks"], json!({ "database": true, "serving": false }));
        server.look("/health").await.expect(200);
        assert_eq!(Socket::open(&ann).await.err(), Some(Closed(503)));
        assert_eq!(asked.finish().await, "HTTP/1.1 201 Created");

        for goodbye in goodbyes.join_all().await {
            let (retry_after_ms, closed) = goodbye;
            assert!(retry_after_ms.is_some_and(|ms| ms <= 5000), "{retry_after_ms:?}");
            assert_eq!(closed, Closed(1001));
        }
        let ended = server.program.ended(Duration::from_secs(4 + 2).saturating_sub(begun.elapsed()));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        drop(mute);

        let server = home.start();
        let history = ann.at(&server).history(&channel, 0).await;
        assert_eq!(history[0], before);
        assert_eq!(history[1]["content"], "half asked");
        assert_eq!(history.len(), 2);
    }
}

on_both! {
    async fn what_was_acknowledged_outlives_sigterm_under_load(home: Home) {
        let home = home.with("DRAIN_SECONDS", "1");
        let server = home.start();
        let mut world = World::new(&server).await;
        let talk = world.begin(&server).await;
        talk.acknowledged(50).await;
        server.program.signal(Signal::TERM);
        world.interrupted(talk).await;
        let ended = server.program.ended(Duration::from_secs(1 + 2));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let server = home.start();
        world.verify(&server).await;
        let talk = world.begin(&server).await;
        talk.acknowledged(1).await;
        world.finish(&server, talk).await;
        world.verify_all(&server).await;
    }
}

on_both! {
    async fn with_nobody_connected_it_ends_at_once(home: Home) {
        for signal in [Signal::TERM, Signal::INT] {
            let server = home.start();
            // Its connection is kept open for the next request, which does not come.
            let nobody = server.nobody();
            nobody.get("/channels").await.expect(401);
            let begun = Instant::now();
            server.program.signal(signal);
            let ended = server.program.ended(Duration::from_secs(8));
            let took = begun.elapsed();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(took < Duration::from_millis(1500), "{took:?}");
        }
    }
}

/// What a socket hears at last: when to come back, and the close.
async fn goodbye(mut socket: Socket) -> (Option<u64>, Closed) {
    let mut retry_after_ms = None;
    loop {
        match socket.next().await {
            Ok(frame) if frame["type"] == "closing" => {
                retry_after_ms = frame["retry_after_ms"].as_u64();
            }
            Ok(frame) => assert!(retry_after_ms.is_none(), "after the last frame: {frame}"),
            Err(closed) => return (retry_after_ms, closed),
        }
    }
}

/// A request that the server has begun to read, and whose body is still to come.
struct HalfAsked {
    stream: BufReader<TcpStream>,
    rest: &'static [u8],
}

impl HalfAsked {
    async fn new(person: &Person, channel: &str) -> Self {
        let (body, address) = (br#"{"content":"half asked"}"#, &person.base["http://".len()..]);
        let head = format!(
            "POST /api/v1/channels/{channel}/messages HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
            person.token,
            body.len()
        );
        let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut half = Self { stream, rest: &body[10..] };
        assert_eq!(half.line().await, "HTTP/1.1 100 Continue");
        assert_eq!(half.line().await, "");
        half.stream.write_all(&body[..10]).await.unwrap();
        half
    }

    /// Sends the rest, and gives the status line of the answer.
    async fn finish(mut self) -> String {
        self.stream.write_all(self.rest).await.unwrap();
        let status = self.line().await;
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        status
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line);
        tokio::time::timeout(crate::process::PATIENCE, read).await.unwrap().unwrap();
        line.trim_end().to_owned()
    }
}
