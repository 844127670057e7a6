//! One client of the protocol, without its socket: texts go in, texts come out, and what it saw is
//! checked. It does what a real client must: follow its feeds by `prev` and `rev`, and `sync` when it
//! is told that it is `stale`.

use crate::{
    feed::{Feed, Live, Next, Step},
    publisher::{Publisher, control},
    tallies::Tallies,
    tally::Tally,
    wire::{self, Change, Message, Reference, Reply, Text},
    ws,
};
use serde::Deserialize;
use std::rc::Rc;

/// Place of the channel's feed in [`Session::feeds`].
const CHANNEL: usize = 0;
/// Place of the user's own feed in [`Session::feeds`].
const ME: usize = 1;

/// A client's state, which outlives its connection.
pub(crate) struct Session {
    tally: Rc<Tally>,
    /// The channel that this client watches; frames of other feeds are skipped.
    pub(crate) channel: Rc<str>,
    /// The channel's feed and `me`, from the first `ready` on.
    pub(crate) feeds: Vec<Feed>,
    /// Where the channel was at the first `ready`.
    pub(crate) first_seq: u64,
    /// When the last `ready` came.
    pub(crate) ready_at: Option<u64>,
    /// When the channel was last found whole: at `ready`, or at the end of a `sync`.
    pub(crate) whole_at: u64,
    /// Why the connection ended, if it did.
    pub(crate) ended: Option<String>,
    /// The sending half, if this client sends.
    pub(crate) publisher: Option<Publisher>,
    /// The reactions to the one message there is, if this client counts them.
    pub(crate) tallies: Option<Tallies>,
    /// Bytes to write, already framed and masked.
    pub(crate) out: Vec<u8>,
    /// Whether the server has shown it who is there.
    pub(crate) focused: bool,
    /// A `reset` came: the hole is to be filled from history.
    pub(crate) wants_history: bool,
    /// Something was refused: [`Session::retry`] is to be called after a pause.
    pub(crate) wants_pause: bool,
    retry_sync: [bool; 2],
    epoch: String,
}

#[derive(Deserialize)]
struct Ready {
    epoch: String,
    me: Head,
    channels: Vec<ChannelHead>,
}

#[derive(Deserialize)]
struct Head {
    head: u64,
}

#[derive(Deserialize)]
struct ChannelHead {
    feed: String,
    head: u64,
    last_seq: u64,
}

#[derive(Deserialize)]
struct Answer {
    data: Option<Page>,
    error: Option<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    items: Vec<Item>,
    head: u64,
    #[serde(default)]
    more: bool,
    reset: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Item {
    r#type: String,
    prev: u64,
    rev: u64,
    message: Option<ItemMessage>,
    reactions: Option<Box<serde_json::value::RawValue>>,
}

#[derive(Deserialize)]
struct ItemMessage {
    seq: u64,
    content: String,
}

impl Session {
    /// A client that will watch `channel`.
    pub(crate) fn new(tally: Rc<Tally>, channel: Rc<str>, publisher: Option<Publisher>) -> Self {
        Self {
            tally,
            channel,
            feeds: Vec::new(),
            first_seq: 0,
            ready_at: None,
            whole_at: 0,
            ended: None,
            publisher,
            tallies: None,
            out: Vec::new(),
            focused: false,
            wants_history: false,
            wants_pause: false,
            retry_sync: [false; 2],
            epoch: String::new(),
        }
    }

    /// Asks to be shown who is in the channel, and what they do there.
    pub(crate) fn focus(&mut self) {
        self.focused = false;
        let text =
            format!(r#"{{"type":"focus","ref":"focus","channel_ids":["{}"]}}"#, self.channel);
        control(&mut self.out, ws::TEXT, text.as_bytes());
    }

    /// What all clients count together.
    pub(crate) fn tally(&self) -> &Rc<Tally> {
        &self.tally
    }

    /// The channel's feed, once `ready` came.
    pub(crate) fn channel_feed(&self) -> Option<&Feed> {
        self.feeds.get(CHANNEL)
    }

    /// Whether the client is connected and no `sync` of its channel is under way.
    pub(crate) fn is_whole(&self) -> bool {
        self.ready_at.is_some() && self.channel_feed().is_some_and(|feed| !feed.syncing)
    }

    /// Takes one frame from the server, read at `now`.
    pub(crate) fn frame(&mut self, frame: &ws::Frame<'_>, now: u64) {
        match frame.opcode {
            _ if self.ended.is_some() => {}
            ws::TEXT => self.text(frame.payload, now),
            ws::PING => control(&mut self.out, ws::PONG, frame.payload),
            ws::PONG => {}
            ws::CLOSE => {
                let (code, reason) = frame.payload.split_at(frame.payload.len().min(2));
                let code = <[u8; 2]>::try_from(code).map_or(1005, u16::from_be_bytes);
                let reason = String::from_utf8_lossy(reason);
                self.end(format!("closed by the server: {code} {reason}"));
            }
            opcode => self.end(format!("a frame with opcode {opcode}")),
        }
    }

    /// Notes why the connection is over; the first reason stays.
    pub(crate) fn end(&mut self, why: String) {
        self.ended.get_or_insert(why);
    }

    /// Does again what was refused before.
    pub(crate) fn retry(&mut self) {
        if let Some(publisher) = &mut self.publisher {
            publisher.send_owed(&mut self.out);
        }
        for index in [CHANNEL, ME] {
            if std::mem::take(&mut self.retry_sync[index]) {
                self.sync(index);
            }
        }
    }

    /// Takes what history gave after a `reset`, oldest first, and where its snapshot was.
    pub(crate) fn refill(&mut self, messages: &[Message], head: Option<u64>) {
        let now = self.tally.now();
        let tally = Rc::clone(&self.tally);
        let Some(feed) = self.feeds.get_mut(CHANNEL) else {
            return;
        };
        feed.refill(messages, |message| tally.delivered(message.stamp, now));
        if let Some(head) = head
            && feed.refilled(head) == Next::Sync
        {
            self.sync(CHANNEL);
        }
    }

    fn text(&mut self, text: &[u8], now: u64) {
        match wire::read(text) {
            Some(Text::Change(change)) => {
                if let Some(tallies) = &mut self.tallies {
                    tallies.take(change.rev, text);
                }
                self.change(&change, now);
            }
            Some(Text::Reply(reply)) => self.reply(&reply, text, now),
            Some(Text::Stale { feed }) => {
                if let Some(index) = self.index(feed)
                    && self.feeds[index].stale()
                {
                    self.sync(index);
                }
            }
            Some(Text::Ready) => self.ready(text, now),
            Some(Text::Other(_)) => {}
            None => self.end(format!("not understood: {}", excerpt(text))),
        }
    }

    fn index(&self, feed: &[u8]) -> Option<usize> {
        self.feeds.iter().position(|known| known.name.as_bytes() == feed)
    }

    fn change(&mut self, change: &Change<'_>, now: u64) {
        let Some(index) = self.index(change.feed) else {
            return;
        };
        let step = Step { prev: change.prev, rev: change.rev, message: change.message };
        match self.feeds[index].live(step) {
            Live::New => {
                if let Some(message) = change.message {
                    self.tally.delivered(message.stamp, now);
                }
            }
            Live::Nothing => {}
            Live::Sync => self.sync(index),
        }
    }

    fn reply(&mut self, reply: &Reply<'_>, text: &[u8], now: u64) {
        match (&reply.reference, reply.ok) {
            (Reference::Sent(stamp), true) => {
                if let Some(publisher) = &mut self.publisher {
                    publisher.acknowledged(*stamp, now, &mut self.out);
                }
            }
            (Reference::Sent(_), false) => {
                let code = refusal(text);
                if let Some(publisher) = &mut self.publisher {
                    self.wants_pause |= publisher.refused(code);
                }
            }
            (Reference::Named(b"sync:0"), _) => self.synced(CHANNEL, text, now),
            (Reference::Named(b"sync:1"), _) => self.synced(ME, text, now),
            (Reference::Named(b"focus"), true) => self.focused = true,
            (Reference::Named(_), _) => self.end(format!("a stray reply: {}", excerpt(text))),
        }
    }

    fn ready(&mut self, text: &[u8], now: u64) {
        let ready: Ready = match serde_json::from_slice(text) {
            Ok(ready) => ready,
            Err(error) => return self.end(format!("a ready that is none: {error}")),
        };
        let Some(channel) = ready.channels.iter().find(|c| *c.feed == *self.channel) else {
            return self.end("ready does not name the channel".into());
        };
        self.ready_at = Some(now);
        if self.feeds.is_empty() {
            self.first_seq = channel.last_seq;
            let feed = Feed::new(channel.feed.clone(), channel.head, channel.last_seq);
            self.feeds = vec![feed, Feed::new("me".into(), ready.me.head, 0)];
            self.epoch = ready.epoch;
            self.whole_at = now;
            return;
        }
        if ready.epoch != self.epoch {
            return self.end(format!("epoch {} became {}", self.epoch, ready.epoch));
        }
        for (index, head) in [(CHANNEL, channel.head), (ME, ready.me.head)] {
            if self.feeds[index].resume(head) {
                self.sync(index);
            } else if index == CHANNEL {
                self.whole_at = now;
            }
        }
    }

    fn sync(&mut self, index: usize) {
        let Feed { name, cursor, .. } = &self.feeds[index];
        let text = format!(
            r#"{{"type":"sync","ref":"sync:{index}","feed":"{name}","epoch":"{}","rev":{cursor}}}"#,
            self.epoch
        );
        control(&mut self.out, ws::TEXT, text.as_bytes());
    }

    fn synced(&mut self, index: usize, text: &[u8], now: u64) {
        let page = match serde_json::from_slice::<Answer>(text) {
            Ok(Answer { data: Some(page), .. }) => page,
            Ok(Answer { error: Some(problem), .. }) if is_overload(&problem.code) => {
                self.tally.refuse(problem.code);
                self.retry_sync[index] = true;
                self.wants_pause = true;
                return;
            }
            _ => return self.end(format!("no page of sync: {}", excerpt(text))),
        };
        let feed = &mut self.feeds[index];
        if page.reset.is_some() {
            feed.reset();
            if index == CHANNEL {
                self.wants_history = true;
            } else if feed.refilled(page.head) == Next::Sync {
                self.sync(index);
            }
            return;
        }
        if let Some(tallies) = &mut self.tallies {
            for item in &page.items {
                if let Some(reactions) = &item.reactions {
                    tallies.take(item.rev, format!(r#""reactions":{reactions}"#).as_bytes());
                }
            }
        }
        let steps: Vec<Step> = page.items.iter().map(Item::step).collect();
        let tally = &self.tally;
        let next = feed.page(&steps, page.head, page.more, |message| {
            tally.delivered(message.stamp, now);
        });
        match next {
            Next::Sync => self.sync(index),
            Next::Whole if index == CHANNEL => self.whole_at = now,
            Next::Whole => {}
        }
    }
}

impl Item {
    fn step(&self) -> Step {
        let created = self.r#type == "message.created";
        let message = self.message.as_ref().filter(|_| created);
        Step {
            prev: self.prev,
            rev: self.rev,
            message: message.map(|message| Message {
                seq: message.seq,
                stamp: wire::stamp(message.content.as_bytes()),
            }),
        }
    }
}

/// Whether a refusal says no more than "later".
pub(crate) fn is_overload(code: &str) -> bool {
    matches!(code, "overloaded" | "timeout" | "too_many_requests")
}

fn refusal(text: &[u8]) -> String {
    match serde_json::from_slice(text) {
        Ok(Answer { error: Some(problem), .. }) => problem.code,
        _ => excerpt(text),
    }
}

fn excerpt(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(160)]).into_owned()
}

#[cfg(test)]
mod tests;
