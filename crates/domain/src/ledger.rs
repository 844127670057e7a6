//! What a batch of changes does to the feeds: decided here, in memory, from one snapshot that was
//! read under the feeds' locks. The store loads the [`Snapshot`] and writes the [`Plan`].

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use audit::Actor;
use plan::Touched;

use crate::{
    AccountState, Ban, Change, Channel, ChannelId, DirectKey, Feed, FeedId, FileId, Frame,
    Invitation, Invite, InviteId, KnownStatus, Member, MessageId, Outcome, Rejection, SessionId,
    SessionScope, StoredFile, Timestamp, UserId,
};

mod accounts;
mod audit;
mod bans;
mod channels;
mod drafts;
mod files;
mod invites;
mod members;
mod mentions;
mod messages;
mod needs;
mod notifications;
mod pins;
mod plan;
mod reactions;
mod reading;
mod sessions;
mod snapshot;
mod statuses;
mod telling;
mod threads;

pub use accounts::AccountWrite;
pub use drafts::{DraftNeeds, FoundDrafts};
pub use files::Attached;
pub use invites::Ways;
pub use needs::Needs;
pub use notifications::{
    FoundNotifications, Gone, Mentioned, NotificationNeeds, NotificationsPlan,
};
pub use pins::MAX_PINS;
pub use plan::{EndedSession, Plan, Rewritten};
pub use reactions::{FoundReactions, MAX_EMOJI, OwnReaction, ReactionCount, ReactionsPlan};
pub use snapshot::{FeedRow, KnownRequest, MessageRow, Snapshot};
pub use threads::Target;

/// The feeds of a batch in memory: [`Ledger::apply`] moves them, [`Ledger::into_plan`] says what to
/// write. A change that is rejected leaves no trace.
#[derive(Debug)]
pub struct Ledger {
    /// When all of the batch happens.
    now: Timestamp,
    feeds: HashMap<FeedId, FeedRow>,
    channels: HashMap<ChannelId, Channel>,
    direct: HashMap<DirectKey, ChannelId>,
    members: HashMap<(ChannelId, UserId), Member>,
    messages: HashMap<MessageId, MessageRow>,
    pins: HashMap<ChannelId, i64>,
    reactions: reactions::Reactions,
    requests: HashMap<Uuid, KnownRequest>,
    statuses: HashMap<UserId, KnownStatus>,
    files: HashMap<FileId, StoredFile>,
    drafts: drafts::Drafts,
    bans: HashMap<(ChannelId, UserId), Ban>,
    invites: HashMap<InviteId, Invite>,
    invitations: HashMap<(ChannelId, UserId), Invitation>,
    /// New messages that slow mode holds back, unless they were sent before.
    doubted: Vec<MessageId>,
    users: HashSet<UserId>,
    sessions: HashMap<UserId, Vec<SessionId>>,
    accounts: HashMap<UserId, AccountState>,
    admins: i64,
    notifications: notifications::Notifications,
    touched: Touched,
    frames: Vec<Frame>,
}

impl Ledger {
    /// The feeds as the snapshot found them, and the time at which the batch happens.
    pub fn new(snapshot: Snapshot, now: Timestamp) -> Self {
        let mut ledger = Self {
            now,
            feeds: snapshot.feeds.into_iter().map(|row| (row.id, row)).collect(),
            members: snapshot
                .members
                .into_iter()
                .map(|member| ((member.channel_id, member.user_id), member))
                .collect(),
            messages: snapshot.messages.into_iter().map(|row| (row.message.id, row)).collect(),
            pins: snapshot.pins.into_iter().collect(),
            reactions: reactions::Reactions::new(snapshot.reactions),
            requests: snapshot.requests.into_iter().map(|it| (it.request.key, it)).collect(),
            statuses: snapshot.statuses.into_iter().map(|it| (it.user, it)).collect(),
            files: snapshot.files.into_iter().map(|stored| (stored.file.id, stored)).collect(),
            drafts: drafts::Drafts::new(snapshot.drafts),
            bans: snapshot.bans.into_iter().map(|ban| ((ban.channel, ban.user), ban)).collect(),
            invites: snapshot.invites.into_iter().map(|invite| (invite.id, invite)).collect(),
            invitations: snapshot
                .invitations
                .into_iter()
                .map(|it| ((it.channel_id, it.user_id), it))
                .collect(),
            doubted: Vec::new(),
            users: snapshot.users.into_iter().collect(),
            channels: HashMap::new(),
            direct: HashMap::new(),
            sessions: HashMap::new(),
            accounts: snapshot.accounts.into_iter().map(|account| (account.id, account)).collect(),
            admins: snapshot.admins,
            notifications: notifications::Notifications::new(snapshot.notifications),
            touched: Touched::default(),
            frames: Vec::new(),
        };
        for channel in snapshot.channels {
            ledger.direct.extend(channel.direct_key().map(|key| (key, channel.id)));
            ledger.channels.insert(channel.id, channel);
        }
        for (user, session) in snapshot.sessions {
            ledger.sessions.entry(user).or_default().push(session);
        }
        ledger
    }

    /// Makes the change, or says why not and leaves everything as it was.
    pub fn apply(&mut self, change: Change) -> Result<Outcome, Rejection> {
        match change {
            Change::Send(new) => self.send(new),
            Change::Edit { message, by, body, expect } => self.edit(message, by, body, expect),
            Change::Delete { message, by, expect, from } => {
                self.delete(message, Actor { user: by, address: from }, expect)
            }
            Change::React(reaction) => self.react(reaction),
            Change::Pin(pin) => self.pin(pin),
            Change::Mark(mark) => self.mark(mark),
            Change::Notifications(change) => self.change_notifications(*change),
            Change::SetStatus(change) => Ok(self.set_status(*change)),
            Change::SetDraft(new) => self.set_draft(*new),
            Change::CreateChannel(new) => self.create_channel(new),
            Change::UpdateChannel { channel, by, edit } => self.update_channel(channel, by, *edit),
            Change::DeleteChannel { channel, by } => self.delete_channel(channel, by),
            Change::Join { channel, user } => self.join(channel, user),
            Change::Leave { channel, user, heir } => self.leave(channel, user, heir),
            Change::Member(change) => self.change_member(*change),
            Change::Invite(change) => self.change_invite(*change),
            Change::AddMember { channel, by, user } => self.add_member(channel, by, user),
            Change::RemoveMember { channel, by, user, from } => {
                self.remove_member(channel, Actor { user: by, address: from }, user)
            }
            Change::EndSessions { user, scope } => Ok(self.end_sessions(user, scope)),
            Change::Account(change) => self.change_account(*change),
            Change::Withdraw { channel, user, heir } => self.withdraw(channel, user, heir),
            Change::EraseMessage { message, author } => self.erase(message, author),
            Change::EraseReactions { message, by } => self.erase_reactions(message, by),
            Change::TakeDownChannel { channel, by, audit } => {
                self.take_down_channel(channel, by, *audit)
            }
        }
    }

    /// New messages that slow mode held back: if one of these ids is taken, it may be by the same
    /// message, sent before, and the batch must be decided with it.
    pub fn doubted(&self) -> &[MessageId] {
        &self.doubted
    }

    /// The next rev of a feed.
    fn advance(&mut self, feed: Feed) -> i64 {
        let now = self.now;
        let row = self.feed_mut(feed);
        row.head += 1;
        row.moved_at = now;
        row.head
    }

    fn feed_mut(&mut self, feed: Feed) -> &mut FeedRow {
        let id = feed.id();
        self.touched.feeds.insert(id);
        self.feeds.entry(id).or_insert(FeedRow::empty(id))
    }

    /// What listeners of `feed` hear of `rev`. Live, a frame steps from the rev before.
    fn say(&mut self, feed: Feed, rev: i64, body: crate::Body) {
        if matches!(body, crate::Body::Member(_) | crate::Body::Channel(_)) {
            self.reactions.seal();
        }
        self.frames.push(Frame { feed, prev: rev - 1, rev, body });
    }
}

fn in_scope(scope: SessionScope, session: SessionId) -> bool {
    match scope {
        SessionScope::One(one) => one == session,
        SessionScope::All => true,
        SessionScope::AllBut(kept) => kept != session,
    }
}
