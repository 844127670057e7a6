//! Sending, editing and deleting.

use super::{Ledger, MessageRow};
use crate::policy::{Action, Standing};
use crate::{
    Body, ChannelId, Feed, Message, MessageBody, MessageId, MessageKind, MessagePrecondition,
    NewMessage, Outcome, Rejection, UserId,
};

impl Ledger {
    pub(super) fn send(&mut self, new: NewMessage) -> Result<Outcome, Rejection> {
        self.standing(new.channel, new.author)?.require(Action::Speak)?;
        if let Some(row) = self.messages.get(&new.id) {
            let same = row.message.channel_id == new.channel
                && row.message.author_id == new.author
                && row.digest == new.digest;
            return if same {
                Ok(Outcome::Message { message: row.message.clone(), created: false })
            } else {
                Err(Rejection::Conflict("id_taken", "this id belongs to another message"))
            };
        }
        if let Some(answered) = new.reply_to
            && self.messages.get(&answered).map(|row| row.message.channel_id) != Some(new.channel)
        {
            let why = "a message of the same channel";
            return Err(Rejection::field("reply_to", "unknown_message", why));
        }
        let attachments = self.attachable(&new)?;

        let feed = Feed::Channel(new.channel);
        let rev = self.advance(feed);
        let row = self.feed_mut(feed);
        row.last_seq += 1;
        let seq = row.last_seq;
        let message = Message {
            id: new.id,
            channel_id: new.channel,
            seq,
            rev,
            author_id: new.author,
            kind: if attachments.is_empty() { MessageKind::Text } else { MessageKind::File },
            content: new.body.map(MessageBody::into_string).unwrap_or_default(),
            reply_to: new.reply_to,
            attachments,
            created_at: self.now,
            edited_at: None,
            deleted_at: None,
            version: 0,
        };
        self.attach(&message);
        self.messages.insert(new.id, MessageRow { message: message.clone(), digest: new.digest });
        self.touched.new_messages.insert(new.id);
        // Who speaks has read: their other devices see it by the author of the message itself.
        if let Some(member) = self.members.get_mut(&(new.channel, new.author)) {
            member.read_seq = seq;
            self.touched.readers.insert((new.channel, new.author));
        }
        self.say(feed, rev, Body::Message(message.clone()));
        Ok(Outcome::Message { message, created: true })
    }

    pub(super) fn edit(
        &mut self,
        id: MessageId,
        by: UserId,
        body: MessageBody,
        expect: MessagePrecondition,
    ) -> Result<Outcome, Rejection> {
        let message = self.message_for(id, by)?;
        self.standing(message.channel_id, by)?.require_edit(message, by)?;
        if message.deleted_at.is_some() {
            return Err(Rejection::Conflict("deleted", "the message is deleted"));
        }
        if !expect.holds(message) {
            return Err(Rejection::Stale);
        }
        if message.content == body.as_str() {
            return Ok(Outcome::Message { message: message.clone(), created: false });
        }
        let (content, now) = (body.into_string(), self.now);
        Ok(self.rewrite(id, message.channel_id, |message| {
            message.content = content;
            message.edited_at = Some(now);
        }))
    }

    pub(super) fn delete(
        &mut self,
        id: MessageId,
        by: UserId,
        expect: MessagePrecondition,
    ) -> Result<Outcome, Rejection> {
        let message = self.message_for(id, by)?;
        self.standing(message.channel_id, by)?.require_delete(message, by)?;
        if message.deleted_at.is_some() {
            return Ok(Outcome::Message { message: message.clone(), created: false });
        }
        if !expect.holds(message) {
            return Err(Rejection::Stale);
        }
        let (channel, seq) = (message.channel_id, message.seq);
        Ok(self.bury(id, channel, seq))
    }

    /// Erases what a message says. Every way of deleting one comes here, and erases the same.
    pub(super) fn bury(&mut self, id: MessageId, channel: ChannelId, seq: i64) -> Outcome {
        let now = self.now;
        let row = self.feed_mut(Feed::Channel(channel));
        row.last_uncounted_seq = row.last_uncounted_seq.max(seq);
        self.bereave(id);
        self.rewrite(id, channel, |message| {
            message.content = String::new();
            message.attachments = Vec::new();
            message.deleted_at = Some(now);
        })
    }

    /// A message that the person may at least see.
    fn message_for(&self, id: MessageId, by: UserId) -> Result<&Message, Rejection> {
        let message = &self.messages.get(&id).ok_or(Rejection::NotFound)?.message;
        self.standing(message.channel_id, by)?.require(Action::Read)?;
        Ok(message)
    }

    fn rewrite(
        &mut self,
        id: MessageId,
        channel: ChannelId,
        change: impl FnOnce(&mut Message),
    ) -> Outcome {
        let feed = Feed::Channel(channel);
        let rev = self.advance(feed);
        let message = self.messages.get_mut(&id).map(|row| {
            change(&mut row.message);
            row.message.rev = rev;
            row.message.version += 1;
            row.message.clone()
        });
        let Some(message) = message else { unreachable!("the caller has just read this message") };
        if !self.touched.new_messages.contains(&id) {
            self.touched.changed_messages.insert(id);
        }
        self.say(feed, rev, Body::Message(message.clone()));
        Outcome::Message { message, created: false }
    }

    /// The channel from where this person stands.
    pub(super) fn standing(
        &self,
        channel: ChannelId,
        user: UserId,
    ) -> Result<Standing<'_>, Rejection> {
        let found = self.channels.get(&channel).ok_or(Rejection::NotFound)?;
        Ok(Standing::new(found, self.members.get(&(channel, user))))
    }
}
