//! How a connection ends: without a reset, and, if something came over it that is no HTTP, with an
//! answer. Actix writes that one without asking anybody, and without a body; the client gets the one
//! shape of every error.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::ResponseError;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::guard;
use crate::problem::Problem;

/// How long a client may go on sending what nobody reads. Hung up on at once, it would be told of a
/// reset, and might not see the answer.
const LINGER: Duration = Duration::from_secs(2);

/// More than Actix's own refusals have.
const MAX_BARE: usize = 256;

/// Where in what Actix writes the refusal of what is no HTTP begins: a head at the very end, of a
/// client's error and without a body. No other answer is such: those of the service have ids.
pub(super) fn bare_refusal(bytes: &[u8]) -> Option<usize> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    let end = bytes.len().saturating_sub(MAX_BARE);
    let tail = &bytes[end..];
    let start = tail.windows(10).rposition(|it| matches!(it, b"HTTP/1.1 4" | b"HTTP/1.0 4"))?;
    let head = std::str::from_utf8(&tail[start..]).ok()?;
    let bare = head.contains("\r\ncontent-length: 0\r\n")
        && !head.contains("x-request-id")
        && head.find("\r\n\r\n") == Some(head.len() - 4);
    bare.then_some(end + start)
}

/// The end of a connection: the client is told that nothing more comes, and what it still sends is
/// thrown away, until it hangs up as well or has had long enough.
pub(super) struct Parting {
    timer: Pin<Box<Sleep>>,
    shut: bool,
}

impl Parting {
    pub(super) fn new() -> Self {
        Self { timer: Box::pin(sleep(LINGER)), shut: false }
    }

    /// Ready when the connection can be closed.
    pub(super) fn poll(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        // Gone, well or badly.
        self.poll_end(stream, cx).map(drop)
    }

    fn poll_end(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = Pin::new(stream);
        if !self.shut {
            ready!(stream.as_mut().poll_shutdown(cx))?;
            self.shut = true;
        }
        // Tokio lets others have their turn.
        loop {
            let mut scrap = [0; 4096];
            let mut scrap = ReadBuf::new(&mut scrap);
            ready!(stream.as_mut().poll_read(cx, &mut scrap))?;
            if scrap.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// An answer that is written, and after which the connection ends.
pub(super) struct Farewell {
    answer: Vec<u8>,
    written: usize,
    parting: Parting,
}

impl Farewell {
    /// What is answered in place of a bare refusal.
    pub(super) fn new(bare: &[u8]) -> Self {
        Self { answer: dress(bare), written: 0, parting: Parting::new() }
    }

    /// Writes all of it, and waits until the client has gone, or for long enough.
    pub(super) fn poll(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        while self.written < self.answer.len() {
            if self.parting.timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let rest = &self.answer[self.written..];
            match ready!(Pin::new(&mut *stream).poll_write(cx, rest)) {
                Ok(written) => self.written += written,
                Err(_) => return Poll::Ready(()),
            }
        }
        self.parting.poll(stream, cx)
    }
}

/// Gives a refusal an id, a line in the log, and a body.
fn dress(bare: &[u8]) -> Vec<u8> {
    let head = String::from_utf8_lossy(bare);
    let mut lines = head.trim_end().split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or(StatusCode::BAD_REQUEST);
    let response = problem(status).error_response();
    let mut answer = format!("{first}\r\n");
    // Its date, and whatever else Actix has to say.
    let more = lines.filter(|line| !line.starts_with("content-length:"));
    for line in more.filter(|line| !line.starts_with("connection:")) {
        answer.extend([line, "\r\n"]);
    }
    let id = guard::new_id();
    tracing::info!(request_id = id, status = status.as_u16(), "no request");
    let mut headers: Vec<(&str, &str)> = response
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    headers.push(("x-content-type-options", "nosniff"));
    headers.push(("x-request-id", &id));
    headers.push(("connection", "close"));
    for (name, value) in headers {
        answer.extend([name, ": ", value, "\r\n"]);
    }
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    answer.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(&body);
    answer
}

fn problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::REQUEST_TIMEOUT => {
            Problem::new(status, "request_timeout", "the head of the request took too long")
        }
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Problem::new(status, "head_too_large", "the head of the request is too large")
        }
        _ => Problem::malformed("this is not a request of HTTP/1.1"),
    }
}
