//! Pins, and what the channel itself says.

use super::{Ledger, MessageRow, Rewritten};
use crate::policy::Action;
use crate::{
    Body, ChannelId, Feed, Message, MessageId, MessageKind, Outcome, Pin, Rejection, SystemEvent,
    UserId,
};

/// How many messages of a channel may be pinned.
pub const MAX_PINS: i64 = 50;

impl Ledger {
    /// Pins a message, or lets go of it. What is so already takes no number.
    pub(super) fn pin(&mut self, pin: Pin) -> Result<Outcome, Rejection> {
        let Pin { channel, message: id, by, pinned } = pin;
        let message = self.message_for(id, by)?;
        if message.channel_id != channel {
            return Err(Rejection::NotFound);
        }
        let standing = self.standing(channel, by)?;
        standing.require(Action::Pin)?;
        if pinned && message.deleted_at.is_some() {
            return Err(Rejection::Conflict("deleted", "the message is deleted"));
        }
        if pinned && message.kind == MessageKind::System {
            return Err(Rejection::Forbidden("only what people have said can be pinned"));
        }
        if pinned == message.pinned_at.is_some() {
            return Ok(Outcome::Message { message: message.clone(), created: false });
        }
        let pins = self.pins.entry(channel).or_default();
        if pinned && *pins >= MAX_PINS {
            let why = "a channel has at most 50 pinned messages";
            return Err(Rejection::Conflict("too_many_pins", why));
        }
        *pins += if pinned { 1 } else { -1 };
        let now = self.now;
        let outcome = self.change_message(id, channel, |message| {
            message.pinned_at = pinned.then_some(now);
            message.pinned_by = pinned.then_some(by);
        });
        if pinned {
            self.announce(channel, by, SystemEvent::Pinned, String::new(), Some(id));
        }
        Ok(outcome)
    }

    /// The channel says what somebody did to it: it has a place, and counts in no unread.
    pub(super) fn announce(
        &mut self,
        channel: ChannelId,
        by: UserId,
        event: SystemEvent,
        content: String,
        about: Option<MessageId>,
    ) {
        let feed = Feed::Channel(channel);
        let rev = self.advance(feed);
        let row = self.feed_mut(feed);
        row.last_seq += 1;
        row.last_uncounted_seq = row.last_seq;
        let seq = row.last_seq;
        let message = Message {
            id: MessageId::new(self.now),
            channel_id: channel,
            seq,
            rev,
            author_id: by,
            kind: MessageKind::System,
            event: Some(event),
            content,
            reply_to: about,
            thread_id: None,
            reply_count: 0,
            last_reply_at: None,
            pinned_at: None,
            pinned_by: None,
            mentions: crate::Mentions::default(),
            attachments: Vec::new(),
            created_at: self.now,
            edited_at: None,
            deleted_at: None,
            version: 0,
        };
        self.touched.new_messages.insert(message.id);
        // Nobody has asked for it, so that nobody can ask again.
        let row = MessageRow { message: message.clone(), digest: [0; 16] };
        self.messages.insert(message.id, row);
        self.say(feed, rev, Body::Message(message));
    }

    /// Keeps what a message said before it says something else.
    pub(super) fn keep_version(&mut self, message: MessageId) {
        let Some(row) = self.messages.get(&message) else { return };
        self.touched.rewritten.push(Rewritten {
            message,
            version: row.message.version,
            content: row.message.content.clone(),
            said_at: row.message.edited_at.unwrap_or(row.message.created_at),
        });
    }
}
