//! Reads the protocol's texts by scanning bytes: a load generator that parsed JSON would measure
//! itself. The scan relies on the order in which the protocol has the fields (`type`, `feed`, `prev`,
//! `rev`, the entity); unknown fields between them only cost a longer search, and a text in
//! another order is parsed.

use memchr::{memchr, memmem};
use serde::Deserialize;
use std::borrow::Cow;

/// The bytes of a stamp in a message's content: `t` and sixteen digits.
pub(crate) const STAMP_LENGTH: usize = 17;

/// What a text from the server is, and the few values that the bench acts on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    /// A change of a feed.
    Change(Change<'a>),
    /// The answer to one of our frames.
    Reply(Reply<'a>),
    /// We were too slow for this feed.
    Stale {
        /// The feed's name.
        feed: &'a [u8],
    },
    /// The first frame of a socket.
    Ready,
    /// Anything else, by its type.
    Other(&'a [u8]),
}

/// A frame that takes a feed from `prev` to `rev`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change<'a> {
    /// The feed's name.
    pub(crate) feed: &'a [u8],
    /// Where the frame begins.
    pub(crate) prev: u64,
    /// Where the frame ends.
    pub(crate) rev: u64,
    /// The message, when the frame is a `message.created`.
    pub(crate) message: Option<Message>,
}

/// A new message, as far as the bench looks into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its place in the channel.
    pub(crate) seq: u64,
    /// When it was sent, if its content says so.
    pub(crate) stamp: Option<u64>,
}

/// Which of our frames a reply answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reference<'a> {
    /// A message, named by its stamp.
    Sent(u64),
    /// Another frame, named by a text.
    Named(&'a [u8]),
}

/// The answer to one of our frames.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply<'a> {
    /// What it answers.
    pub(crate) reference: Reference<'a>,
    /// Whether it went well.
    pub(crate) ok: bool,
}

/// Reads one text. `None`: it is not of the protocol.
pub(crate) fn read(text: &[u8]) -> Option<Text<'_>> {
    scan(text).or_else(|| parse(text))
}

/// Reads a text whose fields stand in the usual order.
fn scan(text: &[u8]) -> Option<Text<'_>> {
    let mut at = Reader { text, at: 0 };
    at.past(b"{\"type\":\"", 0)?;
    let kind = at.string()?;
    Some(match kind {
        b"message.created" => Text::Change(at.change(true)?),
        b"reply" => Text::Reply(at.reply()?),
        b"stale" => {
            at.past(b"\"feed\":\"", 1)?;
            Text::Stale { feed: at.string()? }
        }
        b"ready" => Text::Ready,
        _ => match (Reader { text, at: at.at }).change(false) {
            Some(change) => Text::Change(change),
            None => Text::Other(kind),
        },
    })
}

#[derive(Deserialize)]
struct Parsed<'a> {
    r#type: &'a str,
    feed: Option<&'a str>,
    prev: Option<u64>,
    rev: Option<u64>,
    message: Option<ParsedMessage<'a>>,
    r#ref: Option<ParsedReference<'a>>,
    ok: Option<bool>,
}

#[derive(Deserialize)]
struct ParsedMessage<'a> {
    seq: u64,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ParsedReference<'a> {
    Sent(u64),
    Named(&'a str),
}

/// Reads a text with its fields in any order.
fn parse(text: &[u8]) -> Option<Text<'_>> {
    let parsed: Parsed<'_> = serde_json::from_slice(text).ok()?;
    let change = |message| {
        let (feed, prev, rev) = (parsed.feed?.as_bytes(), parsed.prev?, parsed.rev?);
        Some(Change { feed, prev, rev, message })
    };
    Some(match parsed.r#type {
        "message.created" => {
            let message = parsed.message.as_ref()?;
            let stamp = stamp(message.content.as_bytes());
            Text::Change(change(Some(Message { seq: message.seq, stamp }))?)
        }
        "reply" => Text::Reply(Reply {
            reference: match parsed.r#ref? {
                ParsedReference::Sent(stamp) => Reference::Sent(stamp),
                ParsedReference::Named(name) => Reference::Named(name.as_bytes()),
            },
            ok: parsed.ok?,
        }),
        "stale" => Text::Stale { feed: parsed.feed?.as_bytes() },
        "ready" => Text::Ready,
        other => change(None).map_or(Text::Other(other.as_bytes()), Text::Change),
    })
}

/// The stamp at the beginning of a content.
pub(crate) fn stamp(content: &[u8]) -> Option<u64> {
    let digits = content.get(..STAMP_LENGTH)?.strip_prefix(b"t")?;
    let mut value = 0;
    for digit in digits {
        value = value * 10 + u64::from(digit.checked_sub(b'0').filter(|d| *d < 10)?);
    }
    Some(value)
}

/// The `seq` of every message in a page of history, as they stand there.
pub(crate) fn seqs(page: &[u8]) -> impl Iterator<Item = u64> {
    const KEY: &[u8] = b"\"seq\":";
    memmem::find_iter(page, KEY).filter_map(|at| {
        let at = at + KEY.len();
        Reader { text: page, at }.number()
    })
}

/// How many bytes an id has on the wire.
const ID: usize = 36;

/// A place in a text that only moves forward.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn change(mut self, with_message: bool) -> Option<Change<'a>> {
        self.past(b"\"feed\":\"", 1)?;
        let feed = self.string()?;
        self.past(b"\"prev\":", b",\"channel_id\":\"\",".len() + ID)?;
        let prev = self.number()?;
        self.past(b"\"rev\":", 1)?;
        let before = self.at;
        let rev = self.number()?;
        let digits = self.at - before;
        let message = if with_message {
            self.past(
                b"\"seq\":",
                b",\"message\":{\"id\":\"\",\"channel_id\":\"\",".len() + 2 * ID,
            )?;
            let seq = self.number()?;
            self.past(
                b"\"content\":\"",
                b",\"rev\":,\"author_id\":\"\",\"type\":\"text\",".len() + digits + ID,
            )?;
            let stamp = stamp(&self.text[self.at..]);
            Some(Message { seq, stamp })
        } else {
            None
        };
        Some(Change { feed, prev, rev, message })
    }

    fn reply(mut self) -> Option<Reply<'a>> {
        self.past(b"\"ref\":", 1)?;
        let reference = if self.text.get(self.at) == Some(&b'"') {
            self.at += 1;
            Reference::Named(self.string()?)
        } else {
            Reference::Sent(self.number()?)
        };
        self.past(b"\"ok\":", 1)?;
        let ok = self.text[self.at..].starts_with(b"true");
        Some(Reply { reference, ok })
    }

    /// Moves past the next `key`, which is looked for `skip` bytes ahead first.
    fn past(&mut self, key: &[u8], skip: usize) -> Option<()> {
        let rest = &self.text[self.at..];
        let found = match rest.get(skip..) {
            Some(guess) if guess.starts_with(key) => skip,
            _ => memmem::find(rest, key)?,
        };
        self.at += found + key.len();
        Some(())
    }

    /// The string that begins here, up to its quote. (Names and types have no escapes.)
    fn string(&mut self) -> Option<&'a [u8]> {
        let rest = &self.text[self.at..];
        let length = memchr(b'"', rest)?;
        self.at += length + 1;
        Some(&rest[..length])
    }

    fn number(&mut self) -> Option<u64> {
        let start = self.at;
        let mut value: u64 = 0;
        while let Some(digit) = self.text.get(self.at).map(|b| b.wrapping_sub(b'0'))
            && digit < 10
        {
            value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
            self.at += 1;
        }
        (self.at > start).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = "0195e6a0-0000-7000-8000-000000000001";

    fn created(prev: u64, rev: u64, seq: u64, content: &str) -> String {
        format!(
            r#"{{"type":"message.created","feed":"{FEED}","channel_id":"{FEED}","prev":{prev},"rev":{rev},"message":{{"id":"{FEED}","channel_id":"{FEED}","seq":{seq},"rev":{rev},"author_id":"{FEED}","type":"text","content":"{content}","reply_to":null,"created_at":"2026-11-21T00:00:00.000Z","edited_at":null,"deleted_at":null}}}}"#
        )
    }

    #[test]
    fn a_created_message_gives_its_chain_place_and_stamp() {
        for number in [0, 9, 10, 123_456, u64::from(u32::MAX) * 4] {
            let text = created(number, number + 1, number + 7, "t0000000000000042 xxxx");
            assert_eq!(
                read(text.as_bytes()),
                Some(Text::Change(Change {
                    feed: FEED.as_bytes(),
                    prev: number,
                    rev: number + 1,
                    message: Some(Message { seq: number + 7, stamp: Some(42) }),
                }))
            );
        }
    }

    #[test]
    fn a_message_of_somebody_else_has_no_stamp() {
        for content in ["", "hello", "t00000000000000x2", r#"t\"rev\":000000000"#] {
            let text = created(1, 2, 3, content);
            let Some(Text::Change(change)) = read(text.as_bytes()) else {
                panic!("{content}");
            };
            assert_eq!((change.prev, change.rev), (1, 2));
            assert_eq!(change.message.unwrap().stamp, None);
        }
    }

    #[test]
    fn fields_between_the_promised_ones_only_take_longer() {
        let text = format!(
            r#"{{"type":"message.created", "new":1, "feed":"{FEED}", "prev":5, "rev":6, "message":{{"x":[1],"seq":7,"content":"t0000000000000001"}}}}"#
        );
        let Some(Text::Change(change)) = read(text.as_bytes()) else {
            panic!("not a change");
        };
        assert_eq!((change.prev, change.rev), (5, 6));
        let stamp = Some(1);
        assert_eq!(change.message, Some(Message { seq: 7, stamp }));
    }

    #[test]
    fn other_changes_move_the_feed_without_a_message() {
        let text = r#"{"type":"membership.updated","feed":"me","prev":3,"rev":4,"channel_id":"x","membership":{"seq":1}}"#;
        assert_eq!(
            read(text.as_bytes()),
            Some(Text::Change(Change { feed: b"me", prev: 3, rev: 4, message: None }))
        );
    }

    #[test]
    fn replies_tell_what_they_answer() {
        let text = format!(
            r#"{{"type":"reply","ref":77,"ok":true,"data":{{"id":"{FEED}","channel_id":"{FEED}","seq":12,"rev":13}}}}"#
        );
        assert_eq!(
            read(text.as_bytes()),
            Some(Text::Reply(Reply { reference: Reference::Sent(77), ok: true }))
        );
        let text = r#"{"type":"reply","ref":78,"ok":false,"error":{"code":"overloaded"}}"#;
        assert_eq!(
            read(text.as_bytes()),
            Some(Text::Reply(Reply { reference: Reference::Sent(78), ok: false }))
        );
        let text = r#"{"type":"reply","ref":"sync:1","ok":true,"data":{"items":[]}}"#;
        assert_eq!(
            read(text.as_bytes()),
            Some(Text::Reply(Reply { reference: Reference::Named(b"sync:1"), ok: true }))
        );
    }

    #[test]
    fn a_page_is_read_by_its_seqs() {
        let page = br#"{"items":[{"seq":12,"content":"\"seq\":1"},{"seq":11}],"last_seq":40}"#;
        assert_eq!(seqs(page).collect::<Vec<_>>(), [12, 11]);
    }

    #[test]
    fn the_rest_is_known_by_its_type() {
        let stale = format!(r#"{{"type":"stale","feed":"{FEED}","head":9}}"#);
        assert_eq!(read(stale.as_bytes()), Some(Text::Stale { feed: FEED.as_bytes() }));
        assert_eq!(read(br#"{"type":"ready","user":{}}"#), Some(Text::Ready));
        assert_eq!(read(br#"{"type":"heads","feeds":{}}"#), Some(Text::Other(b"heads")));
        assert_eq!(read(br#"{"feeds":{"x":1},"type":"heads"}"#), Some(Text::Other(b"heads")));
        assert_eq!(read(b"hello"), None);
        assert_eq!(read(br#"{"type":"message.created"}"#), None);
    }

    #[test]
    fn every_text_is_the_same_with_its_fields_in_any_order() {
        let stale = format!(r#"{{"type":"stale","feed":"{FEED}","head":9}}"#);
        for text in [
            created(41, 42, 7, "t0000000000000042 xxxx").as_str(),
            r#"{"type":"member.joined","feed":"x","prev":3,"rev":4,"member":{}}"#,
            r#"{"type":"reply","ref":78,"ok":false,"error":{"code":"overloaded"}}"#,
            r#"{"type":"reply","ref":"sync:1","ok":true,"data":{"items":[]}}"#,
            stale.as_str(),
            r#"{"type":"ready","user":{}}"#,
            r#"{"type":"closing","retry_after_ms":5}"#,
        ] {
            let sorted: serde_json::Value = serde_json::from_str(text).unwrap();
            let sorted = sorted.to_string();
            assert!(scan(text.as_bytes()).is_some() && read(sorted.as_bytes()).is_some());
            assert_eq!(scan(text.as_bytes()), parse(sorted.as_bytes()), "{text}");
        }
    }
}
