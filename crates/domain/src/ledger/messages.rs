//! Sending, editing and deleting.

use super::audit::Actor;
use super::{Ledger, MessageRow};
use crate::policy::Action;
use crate::{
    AuditAction, Body, ChannelId, Feed, Mentions, Message, MessageBody, MessageId, MessageKind,
    MessagePrecondition, NewMessage, Outcome, Rejection, UserId,
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
        if let Some(answered) = new.reply_to {
            self.require_in(answered, new.channel)?;
        }
        let draft = new.drafted.then(|| new.draft());
        let attachments = self.attachable(new.author, &new.attachments)?;
        let thread_id = self.thread_of(new.reply_to);
        let standing = self.standing(new.channel, new.author)?;
        let slow = standing.is_slow();
        if let Err(denied) = standing.require_pause() {
            self.doubted.push(new.id);
            return Err(denied.into());
        }

        let mentions = new.body.as_ref().map(|body| self.mentions(new.channel, new.author, body));
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
            event: None,
            kind: if attachments.is_empty() { MessageKind::Text } else { MessageKind::File },
            content: new.body.map(MessageBody::into_string).unwrap_or_default(),
            reply_to: new.reply_to,
            thread_id,
            reply_count: 0,
            last_reply_at: None,
            pinned_at: None,
            pinned_by: None,
            mentions: mentions.unwrap_or_default(),
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
            member.receipt.read_seq = seq;
            self.touched.readers.insert((new.channel, new.author));
            if slow {
                member.said_at = Some(self.now);
                self.touched.slowed.insert((new.channel, new.author));
            }
        }
        self.say(feed, rev, Body::Message(message.clone()));
        self.count_reply(thread_id);
        if let Some(draft) = draft {
            self.drop_draft(draft);
        }
        self.tell_of(&message);
        Ok(Outcome::Message { message, created: true })
    }

    /// What is answered must lie in the same channel.
    pub(super) fn require_in(
        &self,
        answered: MessageId,
        channel: ChannelId,
    ) -> Result<(), Rejection> {
        if self.messages.get(&answered).map(|row| row.message.channel_id) == Some(channel) {
            return Ok(());
        }
        let why = "a message of the same channel";
        Err(Rejection::field("reply_to", "unknown_message", why))
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
        if message.kind == MessageKind::System {
            return Err(Rejection::Forbidden("what the channel says cannot be edited"));
        }
        if !expect.holds(message) {
            return Err(Rejection::Stale);
        }
        if message.content == body.as_str() {
            return Ok(Outcome::Message { message: message.clone(), created: false });
        }
        let (now, channel, before) = (self.now, message.channel_id, message.mentions.clone());
        let mentions = self.mentions(channel, by, &body);
        self.keep_version(id);
        let outcome = self.rewrite(id, channel, |message| {
            message.content = body.into_string();
            message.mentions = mentions;
            message.edited_at = Some(now);
        });
        if let Outcome::Message { message, .. } = &outcome {
            self.change_mentions(&before, message);
        }
        Ok(outcome)
    }

    pub(super) fn delete(
        &mut self,
        id: MessageId,
        by: Actor,
        expect: MessagePrecondition,
    ) -> Result<Outcome, Rejection> {
        let message = self.message_for(id, by.user)?;
        self.standing(message.channel_id, by.user)?.require_delete(message, by.user)?;
        if message.deleted_at.is_some() {
            return Ok(Outcome::Message { message: message.clone(), created: false });
        }
        if !expect.holds(message) {
            return Err(Rejection::Stale);
        }
        let (channel, seq) = (message.channel_id, message.seq);
        if message.author_id != by.user {
            self.keep_act(by, AuditAction::MessageDeleted, id, format!("in {channel}"));
        }
        Ok(self.bury(id, channel, seq))
    }

    /// Erases what a message says. Every way of deleting one comes here, and erases the same.
    pub(super) fn bury(&mut self, id: MessageId, channel: ChannelId, seq: i64) -> Outcome {
        let now = self.now;
        let row = self.feed_mut(Feed::Channel(channel));
        row.last_uncounted_seq = row.last_uncounted_seq.max(seq);
        self.bereave(id);
        self.reactions.erase(id);
        self.touched.rewritten.retain(|old| old.message != id);
        self.touched.buried.push(id);
        let pinned = |row: &MessageRow| row.message.pinned_at.is_some();
        if self.messages.get(&id).is_some_and(pinned) {
            *self.pins.entry(channel).or_default() -= 1;
        }
        self.discount_reply(id);
        self.unmention(id);
        self.rewrite(id, channel, |message| {
            message.content = String::new();
            message.mentions = Mentions::default();
            message.attachments = Vec::new();
            message.deleted_at = Some(now);
            message.pinned_at = None;
            message.pinned_by = None;
        })
    }

    /// A message that the person may at least see.
    pub(super) fn message_for(&self, id: MessageId, by: UserId) -> Result<&Message, Rejection> {
        let message = &self.messages.get(&id).ok_or(Rejection::NotFound)?.message;
        self.standing(message.channel_id, by)?.require(Action::Read)?;
        Ok(message)
    }

    /// Changes what a message says.
    fn rewrite(
        &mut self,
        id: MessageId,
        channel: ChannelId,
        change: impl FnOnce(&mut Message),
    ) -> Outcome {
        self.change_message(id, channel, |message| {
            change(message);
            message.version += 1;
        })
    }

    /// Changes a message that is there.
    pub(super) fn change_message(
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
            row.message.clone()
        });
        let Some(message) = message else { unreachable!("the caller has just read this message") };
        self.touched.changed_messages.insert(id);
        self.say(feed, rev, Body::Message(message.clone()));
        Outcome::Message { message, created: false }
    }
}
