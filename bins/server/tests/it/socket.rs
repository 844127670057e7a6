//! A client's end of a socket.

use std::collections::VecDeque;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderMap;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::Person;
use crate::process::PATIENCE;

/// Why there is no socket, or none any more: the status before the handshake, the code after it;
/// 1006 when the connection broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed(pub(crate) u16);

/// An open socket whose `ready` has been read.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Headers of the answer to the handshake.
    pub(crate) headers: HeaderMap,
    pub(crate) ready: Value,
    /// Frames that came while a reply was waited for.
    kept: VecDeque<Value>,
    asked: u32,
}

impl Socket {
    /// Opens one with the person's access token.
    pub(crate) async fn open(person: &Person) -> Result<Self, Closed> {
        let header = ("authorization", format!("Bearer {}", person.token));
        Self::open_with(&person.base, "", &[header]).await
    }

    pub(crate) async fn open_with(
        base: &str,
        query: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Self, Closed> {
        let url = format!("{}/api/v1/ws{query}", base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (stream, headers) = match connect_async(request).await {
            Ok((stream, response)) => (stream, response.headers().clone()),
            Err(Error::Http(response)) => return Err(Closed(response.status().as_u16())),
            Err(_) => return Err(Closed(1006)),
        };
        let (ready, kept) = (Value::Null, VecDeque::new());
        let mut socket = Self { stream, headers, ready, kept, asked: 0 };
        socket.ready = socket.next().await?;
        assert_eq!(socket.ready["type"], "ready");
        Ok(socket)
    }

    pub(crate) async fn send(&mut self, frame: &Value) -> Result<(), Closed> {
        let sent = self.stream.send(Message::text(frame.to_string())).await;
        sent.map_err(|_| Closed(1006))
    }

    /// The next frame, heartbeats aside.
    pub(crate) async fn next(&mut self) -> Result<Value, Closed> {
        match self.kept.pop_front() {
            Some(frame) => Ok(frame),
            None => self.receive().await,
        }
    }

    async fn receive(&mut self) -> Result<Value, Closed> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.stream.next()).await;
            match message.expect("nothing came") {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["type"] != "heads" {
                        return Ok(frame);
                    }
                }
                Some(Ok(Message::Close(close))) => {
                    return Err(Closed(close.map_or(1005, |close| close.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Closed(1006)),
            }
        }
    }

    /// Asks something, and gives the reply; other frames are kept.
    pub(crate) async fn ask(&mut self, mut frame: Value) -> Result<Value, Closed> {
        self.asked += 1;
        frame["ref"] = json!(self.asked);
        self.send(&frame).await?;
        loop {
            let reply = self.receive().await?;
            if reply["type"] == "reply" && reply["ref"] == self.asked {
                return Ok(reply);
            }
            self.kept.push_back(reply);
        }
    }
}
