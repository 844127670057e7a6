//! Telling people: at once, when it is known who they are before anything is locked, and later, in
//! pieces, when they are many.

use super::Ledger;
use super::notifications::Gone;
use crate::{
    Audience, Body, ChannelId, ChannelKind, Due, Feed, Invitation, InvitationState, Member,
    Message, MessageId, MessageKind, Notification, NotificationId, NotificationKind, Outcome,
    UserId,
};

impl Ledger {
    /// Tells everybody of a message who is known to want it; those who are many, or not known yet,
    /// are noted down to be told.
    pub(super) fn tell_of(&mut self, message: &Message) {
        let channel = self.channels.get(&message.channel_id);
        let other = channel
            .filter(|channel| channel.kind == ChannelKind::Direct)
            .and_then(|channel| channel.participant_ids)
            .and_then(|people| people.into_iter().find(|user| *user != message.author_id));
        if message.mentions.is_empty() && message.reply_to.is_none() && other.is_none() {
            return;
        }
        self.note_mentions(&crate::Mentions::default(), message);
        for user in &message.mentions.users {
            self.notify(*user, NotificationKind::Mention, message);
        }
        if let Some(answered) = message.reply_to {
            self.tell_thread(answered, message);
        }
        let told = |user| self.notifications.told.contains_key(&(message.id, user));
        let direct = other.is_some_and(|user| !told(user));
        if message.mentions.channel {
            self.later(message, Audience::Channel);
        }
        if direct {
            self.later(message, Audience::Direct);
        }
    }

    /// Who answers is known before anything is locked, and so is whom; who else follows the thread
    /// is seen under the lock of its channel.
    fn tell_thread(&mut self, answered: MessageId, message: &Message) {
        let author = |id| {
            let row = self.messages.get(&id).map(|row| &row.message);
            row.filter(|it| it.kind != MessageKind::System).map(|it| (it.author_id, it.deleted_at))
        };
        let (answered, root) = (author(answered), message.thread_id.and_then(author));
        if let Some((author, None)) = answered {
            self.notify(author, NotificationKind::Reply, message);
        }
        let Some(thread) = message.thread_id else { return };
        for user in [Some(message.author_id), root.map(|(author, _)| author)].into_iter().flatten()
        {
            self.notifications.follow(thread, user);
        }
        if self.notifications.others_follow(thread, message) {
            self.later(message, Audience::Thread);
        }
    }

    /// The one door for notifications of messages: tells somebody who is in the channel and wants to
    /// know, once. Nobody is told of what they have done themselves.
    pub(super) fn notify(&mut self, user: UserId, kind: NotificationKind, message: &Message) {
        let wants =
            |member: &Member| member.is_joined() && member.notifications.permits(kind, self.now);
        let key = (message.channel_id, user);
        if user == message.author_id
            || !self.feeds.contains_key(&Feed::Me(user).id())
            || !self.members.get(&key).is_some_and(wants)
            || self.notifications.told.contains_key(&(message.id, user))
        {
            return;
        }
        self.notifications.told.insert((message.id, user), kind);
        let place = Some((message.id, message.seq));
        self.make(user, kind, message.channel_id, message.author_id, place);
    }

    fn make(
        &mut self,
        user_id: UserId,
        kind: NotificationKind,
        channel_id: ChannelId,
        actor_id: UserId,
        place: Option<(MessageId, i64)>,
    ) {
        let rev = self.advance(Feed::Me(user_id));
        let notification = Notification {
            id: NotificationId::new(self.now),
            kind,
            channel_id,
            message_id: place.map(|(message, _)| message),
            seq: place.map(|(_, seq)| seq),
            actor_id,
            created_at: self.now,
            made: rev,
            read_at: None,
            user_id,
            user_rev: rev,
        };
        self.say(Feed::Me(user_id), rev, Body::Notification(notification.clone()));
        self.notifications.plan.made.push(notification);
    }

    /// Somebody is told of an invitation as long as they can answer it.
    pub(super) fn tell_of_invitation(&mut self, invitation: &Invitation) {
        let (channel, user) = (invitation.channel_id, invitation.user_id);
        if invitation.state == InvitationState::Pending {
            self.make(user, NotificationKind::Invitation, channel, invitation.by, None);
        } else {
            self.notifications.take_away(Gone::Invitation(channel, user));
        }
    }

    pub(super) fn later(&mut self, message: &Message, audience: Audience) {
        let (channel, rev) = (message.channel_id, message.rev);
        let due = Due { channel, message: message.id, audience, rev, after: None };
        let plan = &mut self.notifications.plan;
        plan.due.retain(|it| (it.message, it.audience) != (message.id, audience));
        plan.due.push(due);
    }

    /// Tells some of those who are yet to be told of a message, unless it is gone by now, or no
    /// longer for them.
    pub(super) fn tell(&mut self, due: Due, people: &[UserId], more: bool) -> Outcome {
        let here = self.channels.get(&due.channel).is_some_and(|it| it.deleted_at.is_none());
        let said = self.messages.get(&due.message).map(|row| row.message.clone());
        let said = said.filter(|message| {
            let meant = due.audience != Audience::Channel || message.mentions.channel;
            here && message.deleted_at.is_none() && meant
        });
        for user in people {
            let member = self.members.get(&(due.channel, *user));
            let was_there = member.is_some_and(|member| member.joined_rev < due.rev);
            if let Some(message) = said.as_ref().filter(|_| was_there) {
                self.notify(*user, due.audience.kind(), message);
            }
        }
        let last = people.last().filter(|_| more && said.is_some()).copied();
        self.notifications.plan.done.push((due, last));
        Outcome::Done
    }
}
