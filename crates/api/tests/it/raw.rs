//! A client's end of a socket, byte by byte: it can say what no library would.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::server::Person;

/// Longer than anything that is waited for should take, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const FIN: u8 = 0x80;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// A connection.
pub(crate) struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// The head of an HTTP answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// By lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A frame from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The code of a close frame.
    pub(crate) fn code(&self) -> Option<u16> {
        let code = self.payload.first_chunk::<2>().filter(|_| self.first == FIN | CLOSE)?;
        Some(u16::from_be_bytes(*code))
    }
}

impl Raw {
    /// Connects, and says nothing yet. With a small window the server soon cannot write on.
    pub(crate) async fn connect(base: &str, window: Option<u32>) -> Self {
        let address = base.strip_prefix("http://").unwrap().parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = window {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = socket.connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    /// An open socket, whose `ready` has been read.
    pub(crate) async fn open(person: &Person, window: Option<u32>) -> (Self, Value) {
        let mut raw = Self::connect(&person.base, window).await;
        raw.write(handshake(person, "").as_bytes()).await;
        let head = raw.head().await;
        assert_eq!(head.status, 101, "{head:?}");
        let ready = raw.json().await;
        (raw, ready)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        // A server that has had enough may reset the connection: what it said before counts.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The answer to a handshake; its body too when it was refused.
    pub(crate) async fn head(&mut self) -> Head {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at;
            }
            assert!(self.more().await, "the server hung up");
        };
        let text = String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut head = Head { status, headers, body: Value::Null };
        if status != 101 {
            let length: usize = head.header("content-length").unwrap().parse().unwrap();
            while self.buffer.len() < length {
                assert!(self.more().await, "the server hung up");
            }
            let body: Vec<u8> = self.buffer.drain(..length).collect();
            head.body = serde_json::from_slice(&body).unwrap_or_default();
        }
        head
    }

    /// The next frame; none when the connection has ended.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let header = loop {
            match self.buffer[..] {
                [_, length @ ..=125, ..] => break Some((2, usize::from(length))),
                [_, 126, a, b, ..] => break Some((4, usize::from(u16::from_be_bytes([a, b])))),
                [_, 127, ref rest @ ..] if rest.len() >= 8 => {
                    let length = u64::from_be_bytes(rest[..8].try_into().unwrap());
                    break Some((10, usize::try_from(length).unwrap()));
                }
                [_, 128..=255, ..] => panic!("a server does not mask"),
                _ => {}
            }
            if !self.more().await {
                break None;
            }
        };
        let (start, length) = header?;
        while self.buffer.len() < start + length {
            if !self.more().await {
                return None;
            }
        }
        let mut whole: Vec<u8> = self.buffer.drain(..start + length).collect();
        Some(Frame { first: whole[0], payload: whole.split_off(start) })
    }

    /// The next text, as JSON; other frames are passed over.
    pub(crate) async fn json(&mut self) -> Value {
        loop {
            let frame = self.frame().await.expect("a text, not the end");
            assert_eq!(frame.code(), None, "a text, not a close");
            if frame.first == FIN | TEXT {
                return serde_json::from_slice(&frame.payload).unwrap();
            }
        }
    }

    /// The code with which the server closes, after all frames that come before. Nothing may come
    /// after it.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        while let Some(frame) = self.frame().await {
            if frame.first == FIN | CLOSE {
                let code = frame.code();
                self.say(FIN | CLOSE, &frame.payload).await;
                // It is the server that hangs up (RFC 6455 §7.1.1).
                assert_eq!(self.frame().await, None, "nothing comes after a close");
                return code;
            }
        }
        None
    }

    /// Sends a frame, masked.
    pub(crate) async fn say(&mut self, first: u8, payload: &[u8]) {
        self.write(&masked(first, payload)).await;
    }

    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.buffer);
        let read = tokio::time::timeout(PATIENCE, read).await.expect("nothing came");
        read.is_ok_and(|count| count > 0)
    }
}

/// A handshake by this person, with more header lines.
pub(crate) fn handshake(person: &Person, more: &str) -> String {
    let token = person.token.clone().unwrap_or_default();
    let host = person.base.strip_prefix("http://").unwrap();
    format!(
        "GET /api/v1/ws HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A client's frame.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len() as u64);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// The header of a client's frame that declares this length.
pub(crate) fn header(first: u8, length: u64) -> Vec<u8> {
    let mut header = vec![first];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => header.push(0x80 | short),
        (_, Ok(medium)) => {
            header.push(0xFE);
            header.extend(medium.to_be_bytes());
        }
        _ => {
            header.push(0xFF);
            header.extend(length.to_be_bytes());
        }
    }
    header.extend(KEY);
    header
}

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
