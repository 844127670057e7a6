//! Whom messages mention.

use super::Ledger;
use super::notifications::{Gone, Mentioned};
use crate::policy::Action;
use crate::{
    Audience, ChannelId, Member, Mentions, Message, MessageBody, MessageId, NotificationKind,
    Outcome, UserId,
};

impl Ledger {
    /// Whom a text mentions: people who are in the channel now, without its author, and everybody
    /// there if its author may call them. All other calls are only text.
    pub(super) fn mentions(
        &self,
        channel: ChannelId,
        author: UserId,
        body: &MessageBody,
    ) -> Mentions {
        let calls = body.calls();
        if calls.is_empty() {
            return Mentions::default();
        }
        let is_there = |user| self.members.get(&(channel, user)).is_some_and(Member::is_joined);
        let mut users = calls.people(self.notifications.names());
        users.retain(|user| *user != author && is_there(*user));
        let may = || {
            let standing = self.standing(channel, author);
            standing.is_ok_and(|standing| standing.require(Action::MentionChannel).is_ok())
        };
        Mentions { users, channel: calls.channel && may() }
    }

    /// Notes for counting whom a message names now who it did not name before, and the other way
    /// round.
    pub(super) fn note_mentions(&mut self, before: &Mentions, message: &Message) {
        let Message { id, channel_id: channel, seq, ref mentions, .. } = *message;
        let plan = &mut self.notifications.plan;
        plan.mentioned.retain(|it| it.message != id);
        for user in before.users.iter().filter(|user| !mentions.users.contains(user)) {
            plan.unmentioned.push((*user, channel, seq));
        }
        for user in mentions.users.iter().copied() {
            plan.unmentioned.retain(|it| *it != (user, channel, seq));
            let counted = !mentions.channel;
            plan.mentioned.push(Mentioned { user, channel, seq, message: id, counted });
        }
    }

    /// An edit tells those whom it mentions for the first time, and takes back what it no longer says.
    pub(super) fn change_mentions(&mut self, before: &Mentions, message: &Message) {
        let after = &message.mentions;
        if before == after {
            return;
        }
        self.note_mentions(before, message);
        let kept = |user| after.users.contains(user);
        if !after.channel && (before.channel || !before.users.iter().all(kept)) {
            self.notifications.take_away(Gone::Mentions(message.id, after.users.clone()));
        }
        for user in after.users.iter().filter(|user| !before.users.contains(user)) {
            self.notify(*user, NotificationKind::Mention, message);
        }
        if after.channel && !before.channel {
            self.later(message, Audience::Channel);
        }
    }

    /// A message that is erased mentions nobody, and nobody is told of it any more.
    pub(super) fn unmention(&mut self, message: MessageId) {
        self.notifications.take_away(Gone::Message(message));
        let Some(row) = self.messages.get(&message) else { return };
        let gone = Message { mentions: Mentions::default(), ..row.message.clone() };
        let before = row.message.mentions.clone();
        self.note_mentions(&before, &gone);
    }

    /// Takes somebody out of those whom a message names. What it says is its author's.
    pub(super) fn forget_mention(&mut self, id: MessageId, user: UserId) -> Outcome {
        let Some(row) = self.messages.get(&id) else { return Outcome::Done };
        let (before, channel) = (row.message.mentions.clone(), row.message.channel_id);
        let here = self.channels.get(&channel).is_some_and(|it| it.deleted_at.is_none());
        if !here || !before.users.contains(&user) {
            return Outcome::Done;
        }
        let outcome = self.change_message(id, channel, |message| {
            message.mentions.users.retain(|named| *named != user);
        });
        if let Outcome::Message { message, .. } = &outcome {
            self.note_mentions(&before, message);
        }
        outcome
    }
}
