//! What must be locked and loaded before a batch can be decided.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::{DraftNeeds, NotificationNeeds, Target};
use crate::{Change, ChannelId, DirectKey, Feed, FeedId, FileId, InviteId, MessageId, UserId};

/// All that must be locked and loaded to decide a batch.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// To lock, in this order.
    pub feeds: BTreeSet<FeedId>,
    /// Channels to load.
    pub channels: BTreeSet<ChannelId>,
    /// Members to load.
    pub members: BTreeSet<(ChannelId, UserId)>,
    /// Messages to load: targets, answered ones, and the ids of new ones.
    pub messages: BTreeSet<MessageId>,
    /// Channels whose pinned messages are to be counted.
    pub pins: BTreeSet<ChannelId>,
    /// Messages that somebody reacts to, and who.
    pub reactions: BTreeSet<(MessageId, UserId)>,
    /// People whose status changes, or on whose status it depends what others see.
    pub statuses: BTreeSet<UserId>,
    /// Files to be attached.
    pub files: BTreeSet<FileId>,
    /// Drafts to load and count.
    pub drafts: DraftNeeds,
    /// Bans to load.
    pub bans: BTreeSet<(ChannelId, UserId)>,
    /// Channels all of whose links to load.
    pub invites_of: BTreeSet<ChannelId>,
    /// Links to load.
    pub invites: BTreeSet<InviteId>,
    /// Invitations to load.
    pub invitations: BTreeSet<(ChannelId, UserId)>,
    /// Accounts that must exist.
    pub users: BTreeSet<UserId>,
    /// Direct conversations that may exist.
    pub direct: BTreeSet<DirectKey>,
    /// Keys of requests that may have been done before.
    pub requests: BTreeSet<Uuid>,
    /// People whose live sessions are needed.
    pub sessions: BTreeSet<UserId>,
    /// Accounts that change, or on whose role it depends: to lock, before their sessions are read.
    pub accounts: BTreeSet<UserId>,
    /// Whether it depends on how many admins there are.
    pub admins: bool,
    /// What people are told of.
    pub notifications: NotificationNeeds,
}

impl Needs {
    /// What `change` needs, given what is known of the message that it refers to (absent when there
    /// is no such message).
    pub fn add(&mut self, change: &Change, target: Option<Target>) {
        let channel_of_target = target.map(|target| target.channel);
        match change {
            Change::Send(new) => {
                self.place(new.channel, new.author);
                self.messages.insert(new.id);
                self.messages.extend(new.reply_to);
                self.messages.extend(target.and_then(|target| target.thread));
                self.files.extend(&new.attachments);
                if new.drafted {
                    self.said(new.draft());
                }
            }
            Change::Edit { message, by, .. } | Change::Delete { message, by, .. } => {
                if let Some(Target { channel, thread, .. }) = target {
                    self.place(channel, *by);
                    self.messages.insert(*message);
                    self.messages.extend(thread);
                }
            }
            Change::React(reaction) => {
                if let Some(channel) = channel_of_target {
                    self.place(channel, reaction.by);
                    self.feeds.insert(Feed::Me(reaction.by).id());
                    self.messages.insert(reaction.message);
                    self.reactions.insert((reaction.message, reaction.by));
                }
            }
            Change::Pin(pin) => {
                if channel_of_target == Some(pin.channel) {
                    self.place(pin.channel, pin.by);
                    self.messages.insert(pin.message);
                    self.pins.insert(pin.channel);
                }
            }
            Change::Mark(mark) => self.mark(mark),
            Change::Notifications(change) => self.notifications(change, target),
            Change::SetStatus(change) => self.status(change.user),
            Change::SetDraft(new) => self.draft(new),
            Change::CreateChannel(new) => {
                self.feeds.insert(Feed::Channel(new.id).id());
                self.channels.insert(new.id);
                self.feeds.insert(Feed::Me(new.creator).id());
                self.feeds.extend(new.others.iter().map(|user| Feed::Me(*user).id()));
                self.users.extend(&new.others);
                if let [other] = new.others[..] {
                    self.direct.insert(DirectKey::new(new.creator, other));
                }
                self.requests.extend(new.request.map(|request| request.key));
            }
            Change::UpdateChannel { channel, by, .. } | Change::DeleteChannel { channel, by } => {
                self.place(*channel, *by);
            }
            Change::Join { channel, user } => self.entry(*channel, *user),
            Change::Leave { channel, user, heir } => self.leaving(*channel, *user, *heir),
            Change::AddMember { channel, by, user } => {
                self.place(*channel, *by);
                self.entry(*channel, *user);
                self.users.insert(*user);
            }
            Change::RemoveMember { channel, by, user, .. } => {
                self.place(*channel, *by);
                self.going(*channel, *user);
            }
            Change::Member(change) => self.member(change),
            Change::Invite(change) => self.invite(change),
            Change::EndSessions { user, .. } => {
                self.feeds.insert(FeedId::SYSTEM);
                self.sessions.insert(*user);
            }
            Change::Account(change) => self.account(change),
            Change::Withdraw { channel, user, heir } => {
                self.leaving(*channel, *user, *heir);
            }
            Change::EraseMessage { message, author } => {
                if let Some(Target { channel, thread, .. }) = target {
                    self.place(channel, *author);
                    self.messages.insert(*message);
                    self.messages.extend(thread);
                }
            }
            Change::EraseReactions { message, by } => {
                if let Some(channel) = channel_of_target {
                    self.place(channel, *by);
                    self.messages.insert(*message);
                    self.reactions.insert((*message, *by));
                }
            }
            Change::TakeDownChannel { channel, by, .. } => {
                self.place(*channel, *by);
                self.accounts.insert(*by);
            }
        }
    }

    /// Leaves out the ids of new messages, which hardly ever are taken. A batch in which one is
    /// fails when it is written, and is decided anew with them.
    pub fn trust_new_ids(&mut self, changes: &[Change]) {
        let used: HashSet<MessageId> = changes.iter().filter_map(Change::refers_to).collect();
        for change in changes {
            if let Change::Send(new) = change
                && !used.contains(&new.id)
                // Its files are taken by the first of two: the second must find that.
                && new.attachments.is_empty()
            {
                self.messages.remove(&new.id);
            }
        }
    }

    pub(super) fn place(&mut self, channel: ChannelId, user: UserId) {
        self.feeds.insert(Feed::Channel(channel).id());
        self.channels.insert(channel);
        self.members.insert((channel, user));
    }
}
