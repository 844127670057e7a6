//! A client's end of a socket.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::cluster::Spread;
use crate::documented;
use crate::server::{Person, unique};

/// Longer than anything that is waited for should take, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket whose `ready` has been read.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) ready: Value,
    spread: Option<Arc<Spread>>,
    /// Frames that came while something else was waited for.
    kept: std::collections::VecDeque<Value>,
}

impl Socket {
    pub(crate) async fn open(person: &Person) -> Self {
        let token = person.token.clone().unwrap_or_default();
        let headers = [("authorization", format!("Bearer {token}"))];
        let spread = person.spread.clone();
        let base = spread.as_ref().map_or_else(|| person.base.clone(), |spread| spread.next_base());
        let socket = Self::try_open(&base, "/api/v1/ws", &headers).await.unwrap();
        Self { spread, ..socket }
    }

    /// Opens a socket by these means, or says with which status it was refused, or with
    /// which code it was closed at once.
    pub(crate) async fn try_open(
        base: &str,
        path: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Self, u16> {
        let url = format!("{}{path}", base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((stream, _)) => {
                let kept = std::collections::VecDeque::new();
                let mut socket = Self { stream, ready: Value::Null, spread: None, kept };
                // It may be closed before it has begun.
                socket.ready = socket.receive().await?;
                assert_eq!(socket.ready["type"], "ready");
                Ok(socket)
            }
            Err(Error::Http(response)) => {
                documented::check(&Method::GET, "/api/v1/ws", response.status());
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends what the server may no longer take.
    pub(crate) async fn try_send(&mut self, frame: Value) {
        let _ = self.stream.send(Message::text(frame.to_string())).await;
    }

    /// Drops the frames that have come and were not looked at.
    pub(crate) fn forget(&mut self) {
        self.kept.clear();
    }

    /// The next frame, heartbeats aside.
    pub(crate) async fn next(&mut self) -> Value {
        match self.kept.pop_front() {
            Some(frame) => frame,
            None => self.receive().await.expect("a frame, not a close"),
        }
    }

    /// The next frame of any kind, however long it takes; none once the connection has ended.
    pub(crate) async fn any(&mut self) -> Option<Value> {
        if let Some(frame) = self.kept.pop_front() {
            return Some(frame);
        }
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Why the server closes, after all frames that come before.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            match self.receive().await {
                Ok(frame) => self.kept.push_back(frame),
                Err(code) => return code,
            }
        }
    }

    /// Frames that have come and were not looked at.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Value> {
        self.kept.iter()
    }

    async fn receive(&mut self) -> Result<Value, u16> {
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
                    return Err(close.map_or(1005, |close| close.code.into()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(1006),
            }
        }
    }

    /// The next frame of this type; others are kept.
    pub(crate) async fn next_of(&mut self, kind: &str) -> Value {
        self.until(|frame| frame["type"] == kind).await
    }

    /// The next frame that is as wished; others are kept.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&wanted)
            && let Some(frame) = self.kept.remove(at)
        {
            return frame;
        }
        loop {
            let frame = self.receive().await.expect("a frame, not a close");
            if wanted(&frame) {
                return frame;
            }
            self.kept.push_back(frame);
        }
    }

    /// Asks something, and gives the reply; other frames are kept.
    pub(crate) async fn ask(&mut self, mut frame: Value) -> Value {
        let reference = format!("r{}", unique());
        frame["ref"] = json!(reference);
        let pings = frame["type"] == "ping";
        if let Some(spread) = self.spread.as_ref().filter(|_| pings) {
            spread.settled().await;
        }
        self.send(frame).await;
        let is_reply = |frame: &Value| frame["type"] == "reply" && frame["ref"] == *reference;
        let reply = self.until(is_reply).await;
        if let Some(spread) = self.spread.as_ref().filter(|_| !pings) {
            spread.settled().await;
        }
        reply
    }

    /// Asks something that must be answered well, and gives the reply's data.
    pub(crate) async fn done(&mut self, frame: Value) -> Value {
        let reply = self.ask(frame).await;
        assert_eq!(reply["ok"], true, "{reply}");
        reply["data"].clone()
    }

    /// Proof that all that was queued to this socket so far has come: frames are kept.
    pub(crate) async fn settle(&mut self) {
        self.done(json!({ "type": "ping" })).await;
    }

    /// Vanishes without a word.
    pub(crate) fn drop_now(self) {
        drop(self.stream);
    }
}
