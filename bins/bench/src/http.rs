//! A small HTTP/1.1 client: one connection, kept alive, one request at a time.

use crate::target::Target;
use anyhow::{Context, Result, bail};
use memchr::memmem;
use serde::de::DeserializeOwned;
use std::{rc::Rc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// An answer that takes longer is a failure of the server.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection for requests. It opens itself, and again after the server closed it while idle.
pub(crate) struct Http {
    target: Rc<Target>,
    stream: Option<TcpStream>,
    /// The bytes of the answer under way, and the decoded body of the last one.
    buffer: Vec<u8>,
}

/// What to ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// `GET`, `POST`, …
    pub(crate) method: &'a str,
    /// From the root on, with the query.
    pub(crate) path: &'a str,
    /// The bearer token.
    pub(crate) token: Option<&'a str>,
    /// A JSON body.
    pub(crate) body: Option<&'a str>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The status code.
    pub(crate) status: u16,
    /// The whole body.
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The body as JSON, unless the status is not of the 200s.
    pub(crate) fn json<T: DeserializeOwned>(&self, asked: Request<'_>) -> Result<T> {
        self.accepted(asked)?;
        serde_json::from_slice(self.body)
            .with_context(|| format!("the answer to {} {}", asked.method, asked.path))
    }

    /// Fails unless the status is of the 200s.
    pub(crate) fn accepted(&self, asked: Request<'_>) -> Result<()> {
        if (200..300).contains(&self.status) {
            return Ok(());
        }
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(300)]);
        bail!("{} {}: {} {body}", asked.method, asked.path, self.status)
    }
}

/// The head of an answer, as far as it says where the answer ends.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    body_at: usize,
    length: Option<usize>,
    chunked: bool,
    close: bool,
}

impl Http {
    /// A client that connects at its first request.
    pub(crate) fn new(target: &Rc<Target>) -> Self {
        Self { target: Rc::clone(target), stream: None, buffer: Vec::new() }
    }

    /// Sends a request and reads its answer whole.
    pub(crate) async fn ask(&mut self, request: Request<'_>) -> Result<Answer<'_>> {
        let text = self.text(request);
        let asked = || format!("{} {}", request.method, request.path);
        let kept = self.stream.take();
        if let Some(mut stream) = kept
            && let Some(head) = self.exchange(&mut stream, &text).await.with_context(asked)?
        {
            return Ok(self.finish(stream, &head));
        }
        let mut stream = TcpStream::connect(self.target.address).await.with_context(asked)?;
        stream.set_nodelay(true)?;
        match self.exchange(&mut stream, &text).await.with_context(asked)? {
            Some(head) => Ok(self.finish(stream, &head)),
            None => bail!("{}: closed without an answer", asked()),
        }
    }

    fn text(&self, request: Request<'_>) -> Vec<u8> {
        let Request { method, path, token, body } = request;
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.target.authority);
        if let Some(token) = token {
            text.extend(["Authorization: Bearer ", token, "\r\n"]);
        }
        if let Some(body) = body {
            let length = body.len().to_string();
            text.extend(["Content-Type: application/json\r\nContent-Length: ", &length, "\r\n"]);
        } else if method != "GET" {
            text.push_str("Content-Length: 0\r\n");
        }
        text.push_str("\r\n");
        text.push_str(body.unwrap_or(""));
        text.into_bytes()
    }

    /// `None`: the server had closed the connection before it saw the request.
    async fn exchange(&mut self, stream: &mut TcpStream, text: &[u8]) -> Result<Option<Head>> {
        self.buffer.clear();
        if stream.write_all(text).await.is_err() {
            return Ok(None);
        }
        match timeout(PATIENCE, self.read(stream)).await {
            Ok(head) => head,
            Err(_) => bail!("no answer within {} s", PATIENCE.as_secs()),
        }
    }

    /// Reads until the answer is whole, and leaves only its body in the buffer.
    async fn read(&mut self, stream: &mut TcpStream) -> Result<Option<Head>> {
        let head = loop {
            if let Some(head) = Head::parse(&self.buffer)? {
                break head;
            }
            match stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) if self.buffer.is_empty() => return Ok(None),
                Ok(0) => bail!("closed within the head"),
                read => read?,
            };
        };
        loop {
            let body = &self.buffer[head.body_at..];
            let whole = match (head.length, head.chunked) {
                (_, true) => dechunk(body)?,
                (Some(length), false) => (body.len() >= length).then(|| body[..length].to_vec()),
                (None, false) => bail!("an answer without a length"),
            };
            if let Some(whole) = whole {
                self.buffer = whole;
                return Ok(Some(head));
            }
            if stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("closed within the body");
            }
        }
    }

    fn finish(&mut self, stream: TcpStream, head: &Head) -> Answer<'_> {
        self.stream = (!head.close).then_some(stream);
        Answer { status: head.status, body: &self.buffer }
    }
}

impl Head {
    /// `None` while the head is not whole.
    fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = memmem::find(bytes, b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes[..end]).context("a head that is not text")?;
        let mut lines = text.split("\r\n");
        let status = status(lines.next().unwrap_or(""))?;
        let mut head = Self {
            status,
            body_at: end + 4,
            length: (matches!(status, 204 | 304) || status < 200).then_some(0),
            chunked: false,
            close: false,
        };
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = Some(value.parse().context("content-length")?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.chunked = value.eq_ignore_ascii_case("chunked");
            } else if name.eq_ignore_ascii_case("connection") {
                head.close = value.eq_ignore_ascii_case("close");
            }
        }
        Ok(Some(head))
    }
}

/// Reads the status out of an answer's first line.
pub(crate) fn status(line: &str) -> Result<u16> {
    line.strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .with_context(|| format!("not HTTP/1.1: {line:?}"))
}

/// Joins the chunks of a body; `None` while the last is missing.
fn dechunk(mut bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(line) = memmem::find(bytes, b"\r\n") else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&bytes[..line])?;
        let size = size.split(';').next().unwrap_or("").trim();
        let size = usize::from_str_radix(size, 16).context("the size of a chunk")?;
        let Some(chunk) = bytes.get(line + 2..line + 2 + size + 2) else {
            return Ok(None);
        };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        bytes = &bytes[line + 2 + size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_answer_ends() {
        let bytes = b"HTTP/1.1 201 Created\r\ncontent-LENGTH: 12\r\nConnection: close\r\n\r\n{";
        let head = Head::parse(bytes).unwrap().unwrap();
        assert_eq!((head.status, head.length), (201, Some(12)));
        assert_eq!((head.close, head.chunked), (true, false));
        assert_eq!(&bytes[head.body_at..], b"{");
        for end in 0..bytes.len() - 1 {
            assert_eq!(Head::parse(&bytes[..end]).unwrap(), None);
        }
        let empty = Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
        assert_eq!(empty.length, Some(0));
        assert!(Head::parse(b"SSH-2.0\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_joined_once_all_are_there() {
        let bytes = b"4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n";
        assert_eq!(dechunk(bytes).unwrap(), Some(b"wikipedia".to_vec()));
        for end in 0..bytes.len() {
            assert_eq!(dechunk(&bytes[..end]).unwrap(), None);
        }
        assert!(dechunk(b"zz\r\n").is_err());
    }
}
