//! The sending half of a client.

use crate::{speech::Speech, tally::Tally, wire::STAMP_LENGTH, ws};
use std::rc::Rc;

/// RFC 6455 asks for an unpredictable mask, against proxies that a page could mislead. There are
/// neither here, and a constant one costs nothing.
const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The emoji that a client reacts with in turn.
const EMOJI: [&str; 8] = ["👍", "👎", "😄", "🎉", "😕", "❤️", "🚀", "👀"];

/// What a client sends.
enum What {
    /// Messages to one channel.
    Messages {
        /// Everything between the two places of the stamp.
        middle: String,
        /// Everything after the stamp.
        end: String,
    },
    /// Reactions to one message, each of the emoji in turn; then the same are taken back.
    Reactions { message: String, sent: usize },
}

/// Sends to one channel and counts what becomes of it.
pub(crate) struct Publisher {
    tally: Rc<Tally>,
    what: What,
    /// Words in place of a filler.
    pub(crate) speech: Option<Speech>,
    text: Vec<u8>,
    last_stamp: u64,
    /// Sent and not yet answered.
    pub(crate) in_flight: usize,
    /// Refused, and to be sent again after a pause.
    pub(crate) owed: usize,
    /// Every acknowledgement sends the next message.
    pub(crate) closed_loop: bool,
    /// Acknowledged messages.
    pub(crate) acks: u64,
}

impl Publisher {
    /// Sends to `channel`, `payload` bytes of content each time (at least the stamp's).
    pub(crate) fn new(tally: Rc<Tally>, channel: &str, payload: usize) -> Self {
        let filler = "x".repeat(payload.saturating_sub(STAMP_LENGTH));
        let middle = format!(r#","channel_id":"{channel}","content":"t"#);
        Self::of(tally, What::Messages { middle, end: format!(r#"{filler}"}}"#) })
    }

    /// Reacts to one message.
    pub(crate) fn reacting(tally: Rc<Tally>, message: &str) -> Self {
        Self::of(tally, What::Reactions { message: message.to_owned(), sent: 0 })
    }

    fn of(tally: Rc<Tally>, what: What) -> Self {
        Self {
            tally,
            what,
            speech: None,
            text: Vec::new(),
            last_stamp: 0,
            in_flight: 0,
            owed: 0,
            closed_loop: false,
            acks: 0,
        }
    }

    /// Appends one masked frame to `out`. The stamp in a message is its `ref` too.
    pub(crate) fn send(&mut self, out: &mut Vec<u8>) {
        use std::io::Write;
        let stamp = self.tally.now().max(self.last_stamp + 1);
        self.last_stamp = stamp;
        self.in_flight += 1;
        self.text.clear();
        if let (What::Messages { end, .. }, Some(speech)) = (&mut self.what, &mut self.speech) {
            end.clear();
            speech.say(end);
            end.push_str(r#""}"#);
        }
        let written = match &mut self.what {
            What::Messages { middle, end } => write!(
                self.text,
                r#"{{"type":"message.send","ref":{stamp}{middle}{stamp:016}{end}"#
            ),
            What::Reactions { message, sent } => {
                let (round, emoji) = (*sent / EMOJI.len(), EMOJI[*sent % EMOJI.len()]);
                let how = if round % 2 == 0 { "add" } else { "remove" };
                *sent += 1;
                write!(
                    self.text,
                    r#"{{"type":"reaction.{how}","ref":{stamp},"message_id":"{message}","emoji":"{emoji}"}}"#
                )
            }
        };
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
        ws::encode(out, ws::TEXT, &self.text, MASK);
    }

    /// Takes an acknowledgement.
    pub(crate) fn acknowledged(&mut self, stamp: u64, now: u64, out: &mut Vec<u8>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.acks += 1;
        self.tally.acknowledged(stamp, now);
        if self.closed_loop {
            self.send(out);
        }
    }

    /// Takes a refusal. `true`: a pause and [`Publisher::send_owed`] should follow.
    pub(crate) fn refused(&mut self, code: String) -> bool {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.tally.refuse(code);
        self.owed += usize::from(self.closed_loop);
        self.closed_loop
    }

    /// Sends again what was refused, if the loop still runs.
    pub(crate) fn send_owed(&mut self, out: &mut Vec<u8>) {
        let owed = std::mem::take(&mut self.owed);
        if self.closed_loop {
            (0..owed).for_each(|_| self.send(out));
        }
    }
}

/// Appends a frame that is not a message.
pub(crate) fn control(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    ws::encode(out, opcode, payload, MASK);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn a_sent_message_carries_its_stamp_twice_and_has_the_payload_asked_for() {
        let mut publisher = Publisher::new(Rc::new(Tally::new()), "chan", 100);
        let mut out = Vec::new();
        publisher.send(&mut out);
        let body = &out[8..];
        let clear: Vec<u8> = body.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m).collect();
        let value: serde_json::Value = serde_json::from_slice(&clear).unwrap();
        let content = value["content"].as_str().unwrap();
        assert_eq!(content.len(), 100);
        assert_eq!(wire::stamp(content.as_bytes()), value["ref"].as_u64());
        assert_eq!(value["channel_id"], "chan");
        assert_eq!(publisher.in_flight, 1);
    }

    #[test]
    fn a_closed_loop_sends_again_after_each_answer() {
        let mut publisher = Publisher::new(Rc::new(Tally::new()), "chan", 100);
        let mut out = Vec::new();
        publisher.closed_loop = true;
        publisher.send(&mut out);
        publisher.acknowledged(1, 2, &mut out);
        assert_eq!((publisher.in_flight, publisher.acks), (1, 1));
        assert!(publisher.refused("overloaded".into()));
        assert_eq!((publisher.in_flight, publisher.owed), (0, 1));
        publisher.send_owed(&mut out);
        assert_eq!((publisher.in_flight, publisher.owed), (1, 0));
        publisher.closed_loop = false;
        publisher.acknowledged(1, 2, &mut out);
        assert_eq!(publisher.in_flight, 0);
    }
}
