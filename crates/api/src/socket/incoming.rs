//! What comes in: frames, put together to messages, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tertulia_realtime::CloseReason;

/// The largest message: 64 KiB, in one frame or in fragments.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024;

/// Fragments of one message: enough for any honest client.
const MAX_FRAGMENTS: usize = 64;

/// Something that came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// A whole text.
    Text(String),
    /// To be answered.
    Ping(Bytes),
    /// An answer.
    Pong,
    /// The client is done.
    Close,
}

/// Reads messages off a connection. Never holds more than one of them, and what the kernel gave.
pub(super) struct Reader<P = Payload> {
    payload: P,
    buffer: BytesMut,
    codec: Codec,
    /// A message that is still coming, and how many fragments it has.
    partial: Option<(BytesMut, usize)>,
    /// The client has said its last word.
    closed: bool,
    /// What comes now cannot be told apart.
    broken: bool,
}

impl<P, E> Reader<P>
where
    P: Stream<Item = Result<Bytes, E>> + Unpin,
{
    pub(super) fn new(payload: P) -> Self {
        Self {
            payload,
            buffer: BytesMut::new(),
            codec: Codec::new().max_size(MAX_MESSAGE),
            partial: None,
            closed: false,
            broken: false,
        }
    }

    /// The next message; `None` when the connection has gone, or why it must be closed.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, CloseReason>>> {
        loop {
            match self.decode() {
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Ok(None) => {}
                Err(reason) => {
                    self.broken = true;
                    return Poll::Ready(Some(Err(reason)));
                }
            }
            match Pin::new(&mut self.payload).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => self.feed(bytes),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Throws away what comes in; ready when the client says goodbye too, or has gone. What broke
    /// the protocol is skipped to the end of what has come: a goodbye mostly comes by itself.
    pub(super) fn poll_goodbye(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.decode() {
                Ok(Some(Incoming::Close)) => return Poll::Ready(()),
                Ok(Some(_)) => continue,
                Ok(None) => {}
                Err(_) => self.buffer.clear(),
            }
            match Pin::new(&mut self.payload).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => self.feed(bytes),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn feed(&mut self, bytes: Bytes) {
        if self.buffer.is_empty() {
            // An idle connection holds no buffer.
            self.buffer = BytesMut::from(bytes);
        } else {
            self.buffer.extend_from_slice(&bytes);
        }
    }

    fn decode(&mut self) -> Result<Option<Incoming>, CloseReason> {
        loop {
            if is_long_control(&self.buffer) {
                return Err(CloseReason::Protocol);
            }
            if declared_length(&self.buffer) > MAX_MESSAGE as u64 {
                return Err(CloseReason::TooBig);
            }
            if has_bad_reason(&self.buffer) {
                return Err(CloseReason::InvalidText);
            }
            let frame = tokio_util::codec::Decoder::decode(&mut self.codec, &mut self.buffer);
            let Some(frame) = frame.map_err(|error| reason(&error))? else { return Ok(None) };
            let whole = match frame {
                Frame::Text(bytes) => bytes,
                Frame::Continuation(item) => match self.join(item)? {
                    Some(whole) => whole,
                    None => continue,
                },
                Frame::Binary(_) => return Err(CloseReason::Unsupported),
                Frame::Ping(payload) => return Ok(Some(Incoming::Ping(payload))),
                Frame::Pong(_) => return Ok(Some(Incoming::Pong)),
                Frame::Close(_) => {
                    self.closed = true;
                    return Ok(Some(Incoming::Close));
                }
            };
            let text = String::from_utf8(whole.into()).map_err(|_| CloseReason::InvalidText)?;
            return Ok(Some(Incoming::Text(text)));
        }
    }

    /// Puts a fragment to the others; the whole message with the last one.
    fn join(&mut self, item: Item) -> Result<Option<Bytes>, CloseReason> {
        let (bytes, last) = match item {
            Item::FirstBinary(_) => return Err(CloseReason::Unsupported),
            Item::FirstText(bytes) => {
                self.partial = Some((BytesMut::new(), 0));
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some((partial, fragments)) = &mut self.partial else {
            return Err(CloseReason::Protocol);
        };
        *fragments += 1;
        if partial.len() + bytes.len() > MAX_MESSAGE || *fragments > MAX_FRAGMENTS {
            return Err(CloseReason::TooBig);
        }
        partial.extend_from_slice(&bytes);
        if !last {
            return Ok(None);
        }
        Ok(self.partial.take().map(|(whole, _)| whole.freeze()))
    }
}

/// The payload length that the frame at the front declares, as far as it can be seen: the codec
/// would wait for all of it before it said that it is too long.
fn declared_length(buffer: &[u8]) -> u64 {
    let Some(second) = buffer.get(1) else { return 0 };
    match (second & 0x7F, buffer.get(2..4), buffer.get(2..10)) {
        (126, Some(bytes), _) => {
            bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
        }
        (127, _, Some(bytes)) => {
            bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
        }
        (short, _, _) if short < 126 => u64::from(short),
        _ => 0,
    }
}

/// Whether the frame at the front is a control frame that declares more than 125 bytes, for which
/// the codec would wait.
fn is_long_control(buffer: &[u8]) -> bool {
    matches!(buffer, [first, second, ..] if first & 0x08 != 0 && second & 0x7F > 125)
}

/// Whether the frame at the front is a close whose reason is no text, which the codec calls a bad
/// opcode.
fn has_bad_reason(buffer: &[u8]) -> bool {
    let [0x88, second, a, b, c, d, payload @ ..] = buffer else { return false };
    let length = usize::from(second & 0x7F);
    let Some(payload) = payload.get(..length).filter(|_| second & 0x80 != 0) else { return false };
    let unmasked =
        payload.iter().zip([a, b, c, d].into_iter().cycle()).map(|(byte, key)| byte ^ key);
    let reason: Vec<u8> = unmasked.skip(2).collect();
    std::str::from_utf8(&reason).is_err()
}

fn reason(error: &ProtocolError) -> CloseReason {
    match error {
        ProtocolError::Overflow => CloseReason::TooBig,
        _ => CloseReason::Protocol,
    }
}
