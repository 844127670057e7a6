//! What people are told of: what is needed and found of it, what they have seen, and what they want.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Ledger, Needs, Target};
use crate::policy::Action;
use crate::{
    Audience, Body, Change, ChannelId, Due, Feed, Inbox, Message, MessageId, Names, Notification,
    NotificationId, NotificationKind, NotificationSetting, NotificationsChange, Outcome, Rejection,
    UserId,
};

/// What must be known of notifications and mentions to decide a batch.
#[derive(Clone, Debug, Default)]
pub struct NotificationNeeds {
    /// Roots of threads whose followers are needed.
    pub threads: BTreeSet<MessageId>,
    /// Who may have been told of which message.
    pub told: BTreeSet<(MessageId, UserId)>,
    /// Notifications.
    pub ids: BTreeSet<NotificationId>,
    /// Whose inboxes.
    pub inboxes: BTreeSet<UserId>,
}

impl NotificationNeeds {
    /// Whether nothing need be known.
    pub fn is_empty(&self) -> bool {
        let Self { threads, told, ids, inboxes } = self;
        threads.is_empty() && told.is_empty() && ids.is_empty() && inboxes.is_empty()
    }
}

/// What was found of them.
#[derive(Clone, Debug, Default)]
pub struct FoundNotifications {
    /// People by the names that are called.
    pub names: Names,
    /// Who follows a thread, or said that they do not.
    pub follows: Vec<(MessageId, UserId, bool)>,
    /// Whether there are more who do.
    pub many_follow: bool,
    /// Who was told of which message, and why.
    pub told: Vec<(MessageId, UserId, NotificationKind)>,
    /// Notifications, of what can be read.
    pub notifications: Vec<Notification>,
    /// Inboxes, each with the place of the last notification in it.
    pub inboxes: Vec<(Inbox, i64)>,
}

/// A person whom a message names, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mentioned {
    /// Who.
    pub user: UserId,
    /// Where.
    pub channel: ChannelId,
    /// The message's place.
    pub seq: i64,
    /// The message.
    pub message: MessageId,
    /// False when the message mentions everybody, and counts as such.
    pub counted: bool,
}

/// What goes with what it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Of a message, all.
    Message(MessageId),
    /// Of a message, mentions of all but these.
    Mentions(MessageId, Vec<UserId>),
    /// Of a channel's messages, all that one person was told of.
    Member(ChannelId, UserId),
    /// The invitation of a person into a channel.
    Invitation(ChannelId, UserId),
}

/// What is to be written of them. What is gone goes first.
#[derive(Clone, Debug, Default)]
pub struct NotificationsPlan {
    /// What goes.
    pub gone: Vec<Gone>,
    /// People who are named.
    pub mentioned: Vec<Mentioned>,
    /// People who no longer are.
    pub unmentioned: Vec<(UserId, ChannelId, i64)>,
    /// People who follow a thread from now on, unless they have said otherwise.
    pub follows: Vec<(MessageId, UserId)>,
    /// What people are told of.
    pub made: Vec<Notification>,
    /// Notifications that are read.
    pub read: Vec<Notification>,
    /// Inboxes that are read up to somewhere.
    pub inboxes: Vec<Inbox>,
    /// Pieces that are done: with the last of their people, or with none when nobody is left.
    pub done: Vec<(Due, Option<UserId>)>,
    /// What people are yet to be told of.
    pub due: Vec<Due>,
}

impl NotificationsPlan {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Self { gone, mentioned, unmentioned, follows, made, read, inboxes, done, due } = self;
        gone.is_empty()
            && mentioned.is_empty()
            && unmentioned.is_empty()
            && follows.is_empty()
            && made.is_empty()
            && read.is_empty()
            && inboxes.is_empty()
            && done.is_empty()
            && due.is_empty()
    }
}

/// Of a batch, what was found, and what has become of it.
#[derive(Debug, Default)]
pub(super) struct Notifications {
    names: Names,
    follows: HashMap<MessageId, BTreeMap<UserId, bool>>,
    many_follow: bool,
    pub(super) told: HashMap<(MessageId, UserId), NotificationKind>,
    known: HashMap<NotificationId, Notification>,
    inboxes: HashMap<UserId, (Inbox, i64)>,
    pub(super) plan: NotificationsPlan,
}

impl Notifications {
    pub(super) fn new(found: FoundNotifications) -> Self {
        let mut follows: HashMap<MessageId, BTreeMap<UserId, bool>> = HashMap::new();
        for (root, user, following) in found.follows {
            follows.entry(root).or_default().insert(user, following);
        }
        Self {
            names: found.names,
            follows,
            many_follow: found.many_follow,
            told: found
                .told
                .into_iter()
                .map(|(message, user, why)| ((message, user), why))
                .collect(),
            known: found.notifications.into_iter().map(|it| (it.id, it)).collect(),
            inboxes: found.inboxes.into_iter().map(|it| (it.0.user_id, it)).collect(),
            plan: NotificationsPlan::default(),
        }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Takes away what a batch itself has made, too.
    pub(super) fn take_away(&mut self, gone: Gone) {
        let goes = |it: &Notification| match &gone {
            Gone::Message(message) => it.message_id == Some(*message),
            Gone::Mentions(message, but) => {
                it.message_id == Some(*message)
                    && it.kind == NotificationKind::Mention
                    && !but.contains(&it.user_id)
            }
            Gone::Member(channel, user) => {
                it.channel_id == *channel && it.user_id == *user && it.message_id.is_some()
            }
            Gone::Invitation(channel, user) => {
                it.channel_id == *channel && it.user_id == *user && it.message_id.is_none()
            }
        };
        self.plan.made.retain(|it| !goes(it));
        match &gone {
            Gone::Message(id) => {
                self.plan.due.retain(|due| due.message != *id);
                self.plan.mentioned.retain(|it| it.message != *id);
            }
            Gone::Mentions(id, but) => {
                self.plan.due.retain(|due| due.message != *id || due.audience != Audience::Channel);
                self.told.retain(|(message, user), why| {
                    message != id || *why != NotificationKind::Mention || but.contains(user)
                });
            }
            Gone::Member(..) | Gone::Invitation(..) => {}
        }
        self.plan.gone.push(gone);
    }

    /// Whoever replies follows, and so does who began, unless they have said otherwise.
    pub(super) fn follow(&mut self, root: MessageId, user: UserId) {
        let known = self.follows.entry(root).or_default();
        if let Entry::Vacant(unsaid) = known.entry(user) {
            unsaid.insert(true);
            self.plan.follows.push((root, user));
        }
    }

    /// Whether somebody follows a thread who does not know of a message in it.
    pub(super) fn others_follow(&self, root: MessageId, message: &Message) -> bool {
        self.many_follow
            || self.follows.get(&root).into_iter().flatten().any(|(user, following)| {
                *following
                    && *user != message.author_id
                    && !self.told.contains_key(&(message.id, *user))
            })
    }
}

impl Needs {
    /// Whom `change` may tell of something at once: `names` has everybody whom the batch calls.
    pub fn tell(&mut self, change: &Change, target: Option<Target>, names: &Names) {
        match change {
            Change::Send(new) => {
                let body = new.body.as_ref().filter(|_| !names.is_empty());
                for user in body.map_or_else(Vec::new, |body| body.calls().people(names)) {
                    self.moving(new.channel, user);
                }
                if let (Some(answered), Some(target)) = (new.reply_to, target) {
                    if target.author != new.author {
                        self.moving(new.channel, target.author);
                    }
                    self.notifications.threads.extend([answered]);
                    self.notifications.threads.extend(target.thread);
                }
            }
            Change::Edit { message, body, .. } if !names.is_empty() => {
                let Some(target) = target else { return };
                for user in body.calls().people(names) {
                    self.moving(target.channel, user);
                    self.notifications.told.insert((*message, user));
                }
            }
            _ => {}
        }
    }

    pub(super) fn notifications(&mut self, change: &NotificationsChange, target: Option<Target>) {
        match change {
            NotificationsChange::Set { channel, user, .. } => self.moving(*channel, *user),
            NotificationsChange::Read { user, id } => {
                self.feeds.insert(Feed::Me(*user).id());
                self.notifications.ids.insert(*id);
            }
            NotificationsChange::ReadAll { user, up_to } => {
                self.feeds.insert(Feed::Me(*user).id());
                self.notifications.inboxes.insert(*user);
                self.notifications.ids.extend(up_to);
            }
            NotificationsChange::Tell { due, people, .. } => {
                self.feeds.insert(Feed::Channel(due.channel).id());
                self.channels.insert(due.channel);
                self.messages.insert(due.message);
                for user in people {
                    self.moving(due.channel, *user);
                    self.notifications.told.insert((due.message, *user));
                }
            }
            NotificationsChange::Forget { message, user } => {
                if let Some(target) = target {
                    self.place(target.channel, *user);
                    self.messages.insert(*message);
                }
            }
        }
    }
}

impl Ledger {
    pub(super) fn change_notifications(
        &mut self,
        change: NotificationsChange,
    ) -> Result<Outcome, Rejection> {
        match change {
            NotificationsChange::Set { channel, user, setting } => {
                self.set_notifications(channel, user, setting)
            }
            NotificationsChange::Read { user, id } => self.read_notification(user, id),
            NotificationsChange::ReadAll { user, up_to } => self.read_notifications(user, up_to),
            NotificationsChange::Tell { due, people, more } => Ok(self.tell(due, &people, more)),
            NotificationsChange::Forget { message, user } => Ok(self.forget_mention(message, user)),
        }
    }

    fn read_notification(
        &mut self,
        user: UserId,
        id: NotificationId,
    ) -> Result<Outcome, Rejection> {
        let known = self.notifications.known.get(&id).filter(|it| it.user_id == user).cloned();
        let mut notification = known.ok_or(Rejection::NotFound)?;
        if notification.read_at.is_none() {
            notification.read_at = Some(self.now);
            notification.user_rev = self.advance(Feed::Me(user));
            let body = Body::Notification(notification.clone());
            self.say(Feed::Me(user), notification.user_rev, body);
            self.notifications.known.insert(id, notification.clone());
            let plan = &mut self.notifications.plan;
            plan.read.retain(|it| it.id != id);
            plan.read.push(notification.clone());
        }
        Ok(Outcome::Notification(notification))
    }

    fn read_notifications(
        &mut self,
        user: UserId,
        up_to: Option<NotificationId>,
    ) -> Result<Outcome, Rejection> {
        let unread = (Inbox::unread(user), 0);
        let (mut inbox, newest) = self.notifications.inboxes.get(&user).copied().unwrap_or(unread);
        let up_to = match up_to {
            None => {
                let made = self.notifications.plan.made.iter().filter(|it| it.user_id == user);
                made.map(|it| it.made).fold(newest, i64::max)
            }
            Some(id) => {
                let known = self.notifications.known.get(&id).filter(|it| it.user_id == user);
                let why = "a notification of one's own that is kept";
                known.ok_or(Rejection::field("up_to", "unknown_notification", why))?.made
            }
        };
        if up_to > inbox.read_up_to {
            inbox.read_up_to = up_to;
            inbox.user_rev = self.advance(Feed::Me(user));
            self.say(Feed::Me(user), inbox.user_rev, Body::Inbox(inbox));
            self.notifications.inboxes.insert(user, (inbox, newest));
            let plan = &mut self.notifications.plan;
            plan.inboxes.retain(|it| it.user_id != user);
            plan.inboxes.push(inbox);
        }
        Ok(Outcome::Inbox(inbox))
    }

    /// What one wants to be told of is one's own devices' business, and takes a rev of their feed.
    fn set_notifications(
        &mut self,
        channel: ChannelId,
        user: UserId,
        setting: NotificationSetting,
    ) -> Result<Outcome, Rejection> {
        let standing = self.standing(channel, user)?;
        standing.require(Action::SetNotifications)?;
        let Some(mut member) = standing.member().cloned() else { return Err(Rejection::NotFound) };
        if setting.muted_until.is_some_and(|until| until <= self.now) {
            return Err(Rejection::field("muted_until", "past", "a time to come"));
        }
        if member.notifications == setting {
            return Ok(Outcome::Member { member, changed: false });
        }
        member.notifications = setting;
        member.user_rev = self.advance(Feed::Me(user));
        let last = self.feeds.get(&Feed::Channel(channel).id()).map_or(0, |feed| feed.last_seq);
        let own = Body::Membership {
            channel_id: channel,
            membership: member.membership(last),
            channel: self.channels.get(&channel).cloned(),
        };
        self.say(Feed::Me(user), member.user_rev, own);
        self.members.insert((channel, user), member.clone());
        self.touched.set.insert((channel, user));
        Ok(Outcome::Member { member, changed: true })
    }
}
