//! Threads: what their roots tell of the replies to them.

use super::Ledger;
use crate::{Body, ChannelId, Feed, Message, MessageId, UserId};

/// What never changes of a message that a change refers to, so that it may be read before anything
/// is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it lies.
    pub channel: ChannelId,
    /// Who said it.
    pub author: UserId,
    /// The root of the thread that it belongs to; none when it is no reply.
    pub thread: Option<MessageId>,
}

impl Ledger {
    /// The thread of a reply to this message.
    pub(super) fn thread_of(&self, answered: Option<MessageId>) -> Option<MessageId> {
        let answered = &self.messages.get(&answered?)?.message;
        Some(answered.thread_id.unwrap_or(answered.id))
    }

    /// A reply came.
    pub(super) fn count_reply(&mut self, thread: Option<MessageId>) {
        let now = self.now;
        self.change_root(thread, |root| {
            root.reply_count += 1;
            root.last_reply_at = Some(now);
        });
    }

    /// A reply was deleted.
    pub(super) fn discount_reply(&mut self, reply: MessageId) {
        let thread = self.messages.get(&reply).and_then(|row| row.message.thread_id);
        self.change_root(thread, |root| root.reply_count -= 1);
    }

    fn change_root(&mut self, thread: Option<MessageId>, change: impl FnOnce(&mut Message)) {
        let Some(id) = thread else { return };
        if let Some(row) = self.messages.get_mut(&id) {
            change(&mut row.message);
            self.touched.roots.insert(id);
        }
    }

    /// Says how the roots stand whose threads have changed: once a batch, after all else, so that
    /// many replies at once cost one rev more. Of a deleted channel nothing is said any more.
    pub(super) fn close_threads(&mut self) {
        for id in std::mem::take(&mut self.touched.roots) {
            let Some(row) = self.messages.get(&id) else { continue };
            let channel = row.message.channel_id;
            let live = |channel: &crate::Channel| channel.deleted_at.is_none();
            if !self.channels.get(&channel).is_some_and(live) {
                continue;
            }
            let rev = self.advance(Feed::Channel(channel));
            if let Some(row) = self.messages.get_mut(&id) {
                row.message.rev = rev;
                let root = row.message.clone();
                self.say(Feed::Channel(channel), rev, Body::Message(root));
                self.touched.roots.insert(id);
            }
        }
    }
}
