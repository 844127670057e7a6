//! Requests that no HTTP library would send, byte by byte.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Answer, TestServer};

/// Longer than any deadline of the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// The head of a request.
pub(super) fn head(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let mut lines = vec![format!("{method} {target} HTTP/1.1")];
    if !headers.iter().any(|(name, _)| *name == "host") {
        lines.push("host: localhost".to_owned());
    }
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.push("\r\n".to_owned());
    lines.join("\r\n")
}

/// What is answered to these bytes on a connection of their own.
pub(super) async fn exchange(server: &TestServer, bytes: &[u8]) -> Answer {
    let mut connection = Connection::open(server).await;
    connection.send(bytes).await;
    connection.answer().await.expect("an answer")
}

/// A bare connection to the server.
pub(super) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(server: &TestServer) -> Self {
        let address = server.base.trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.unwrap();
        Self { stream, received: Vec::new() }
    }

    /// Sends bytes; true unless the server has hung up.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// The next answer; none when the server hangs up without one.
    pub(super) async fn answer(&mut self) -> Option<Answer> {
        loop {
            if let Some((answer, length)) = parse(&self.received) {
                self.received.drain(..length);
                return Some(answer);
            }
            if !self.receive().await {
                return None;
            }
        }
    }

    /// Waits until the server hangs up, and gives all answers that come before.
    pub(super) async fn rest(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Some(answer) = self.answer().await {
            answers.push(answer);
        }
        answers
    }

    /// Receives some bytes; false when the server has hung up.
    async fn receive(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.received);
        let read =
            tokio::time::timeout(PATIENCE, read).await.expect("the server hangs up in the end");
        // Hanging up on somebody who still sends resets the connection.
        read.is_ok_and(|length| length > 0)
    }
}

/// The first answer in these bytes, and its length, if it is there as a whole.
fn parse(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = 4 + bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let length: usize =
        headers.get("content-length").map_or(0, |it| it.to_str().unwrap().parse().unwrap());
    let body = serde_json::from_slice(bytes.get(end..end + length)?).unwrap_or(Value::Null);
    let status = StatusCode::from_u16(status).unwrap();
    Some((Answer { status, headers, body }, end + length))
}
