//! What nodes say to each other, as bytes: written once by the node that committed, and read once by
//! each of the others, whose sockets share it.
//!
//! A message is `tag (16) "TB" version (1) kind (1) node (8) number (8) body`, numbers big-endian. The
//! tag is a MAC of all the rest and of the database's epoch, by a key that all nodes derive from
//! `SECRET_KEY`: whoever can write to Redis can lose and repeat messages, and not make any.

use bytes::{BufMut, Bytes, BytesMut};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tertulia_domain::Feed;

use super::effects;
use crate::wire::is_text_frame;
use crate::{Event, NodeId, Signal};

/// Of another version nothing is understood: nodes of both find each other's changes in the database.
const VERSION: u8 = 1;

const TAG: usize = 16;
const HEADER: usize = TAG + 2 + 1 + 1 + 8 + 8;

/// More than this in one message is somebody else's, or an error.
pub(super) const MAX_MESSAGE: usize = 1024 * 1024;

/// Events that are said together take this much, or are one.
const ENOUGH: usize = 256 * 1024;

/// Seals and opens messages.
#[derive(Clone)]
pub(super) struct Sealer {
    mac: Hmac<Sha256>,
    node: NodeId,
}

/// What a node says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said {
    /// This was committed.
    Events(Vec<Event>),
    /// This is true for a moment.
    Signals(Vec<Signal>),
    /// Nothing: that the bus works.
    Beat,
    /// It has just begun to listen, and knows nothing that is not in the database.
    Hello,
}

/// What a node has said, and as which of its messages.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) node: NodeId,
    /// One more than its last, unless one was lost.
    pub(super) number: u64,
    pub(super) said: Said,
}

/// Why something is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It is too long, or too short.
    Length,
    /// It was not sealed with the secret of this database's nodes.
    Seal,
    /// It comes from a node of another version.
    Version,
    /// It has a seal and makes no sense.
    Content,
}

impl Sealer {
    pub(super) fn new(mut mac: Hmac<Sha256>, epoch: &str, node: NodeId) -> Self {
        mac.update(&(epoch.len() as u64).to_be_bytes());
        mac.update(epoch.as_bytes());
        Self { mac, node }
    }

    /// Events as messages, each as large as is useful, in their order.
    pub(super) fn events(&self, number: &mut u64, events: &[Event]) -> Vec<Bytes> {
        let mut messages = Vec::new();
        let mut open = None;
        for event in events {
            let message = open.get_or_insert_with(|| self.begin(1, number));
            put_event(message, event);
            if message.len() >= ENOUGH {
                messages.extend(open.take().map(|whole| self.seal(whole)));
            }
        }
        messages.extend(open.map(|whole| self.seal(whole)));
        messages
    }

    /// Everything else, as one message.
    pub(super) fn say(&self, number: &mut u64, said: &Said) -> Vec<Bytes> {
        let (kind, body) = match said {
            Said::Events(events) => return self.events(number, events),
            // Names, numbers and texts: writing them to memory cannot fail.
            Said::Signals(signals) => (2, serde_json::to_vec(signals).unwrap_or_default()),
            Said::Beat => (3, Vec::new()),
            Said::Hello => (4, Vec::new()),
        };
        let mut message = self.begin(kind, number);
        message.put_slice(&body);
        vec![self.seal(message)]
    }

    fn begin(&self, kind: u8, number: &mut u64) -> BytesMut {
        *number += 1;
        let mut message = BytesMut::with_capacity(1024);
        message.put_bytes(0, TAG);
        message.put_slice(b"TB");
        message.put_u8(VERSION);
        message.put_u8(kind);
        message.put_u64(self.node.number());
        message.put_u64(*number);
        message
    }

    fn seal(&self, mut message: BytesMut) -> Bytes {
        let tag = self.mac.clone().chain_update(&message[TAG..]).finalize().into_bytes();
        message[..TAG].copy_from_slice(&tag[..TAG]);
        message.freeze()
    }

    /// Reads a message. Whatever it is, this does not panic.
    pub(super) fn open(&self, message: &Bytes) -> Result<Message, Foreign> {
        if message.len() < HEADER || message.len() > MAX_MESSAGE {
            return Err(Foreign::Length);
        }
        let (tag, rest) = message.split_at(TAG);
        let mac = self.mac.clone().chain_update(rest);
        mac.verify_truncated_left(tag).map_err(|_| Foreign::Seal)?;
        let mut rest = Rest(rest);
        if rest.take(2) != Some(b"TB") || rest.u8() != Some(VERSION) {
            return Err(Foreign::Version);
        }
        read(&mut rest, message).ok_or(Foreign::Content)
    }
}

fn read(rest: &mut Rest<'_>, whole: &Bytes) -> Option<Message> {
    let kind = rest.u8()?;
    let node = NodeId::from_number(rest.u64()?);
    let number = rest.u64()?;
    let said = match kind {
        1 => {
            let mut events = Vec::new();
            while !rest.0.is_empty() {
                events.push(event(rest, whole)?);
            }
            Said::Events(events)
        }
        2 => Said::Signals(serde_json::from_slice(rest.0).ok()?),
        3 => Said::Beat,
        4 => Said::Hello,
        _ => return None,
    };
    Some(Message { node, number, said })
}

fn put_event(out: &mut BytesMut, event: &Event) {
    let (kind, id) = match event.feed {
        Feed::Channel(channel) => (0, channel.uuid()),
        Feed::Me(user) => (1, user.uuid()),
        Feed::System => (2, uuid::Uuid::nil()),
    };
    out.put_u8(kind);
    out.put_slice(id.as_bytes());
    out.put_i64(event.prev);
    out.put_i64(event.rev);
    effects::put(out, event.effect.as_ref());
    // A frame is bounded far below 4 GiB; what is longer than a message is dropped by whoever reads it.
    out.put_u32(u32::try_from(event.frame.len()).unwrap_or(u32::MAX));
    out.put_slice(&event.frame);
}

fn event(rest: &mut Rest<'_>, whole: &Bytes) -> Option<Event> {
    let (kind, id) = (rest.u8()?, rest.id()?);
    let feed = match kind {
        0 => Feed::Channel(id.into()),
        1 => Feed::Me(id.into()),
        2 if id.is_nil() => Feed::System,
        _ => return None,
    };
    let (prev, rev) = (rest.i64()?, rest.i64()?);
    if prev < 0 || rev < prev {
        return None;
    }
    let effect = effects::take(rest)?;
    let length = usize::try_from(rest.u32()?).ok()?;
    let frame = rest.take(length)?;
    if !is_text_frame(frame) {
        return None;
    }
    // A small frame that waits for a slow socket must not keep a large message in memory.
    let frame = if length * 2 >= whole.len() {
        whole.slice_ref(frame)
    } else {
        Bytes::copy_from_slice(frame)
    };
    Some(Event { feed, prev, rev, effect, frame })
}

/// What is still to be read.
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl<'a> Rest<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn id(&mut self) -> Option<uuid::Uuid> {
        self.array().map(uuid::Uuid::from_bytes)
    }
}

#[cfg(test)]
mod tests;
