//! What a batch of changes does to the feeds: decided here, in memory, from one snapshot that was
//! read under the feeds' locks. The store loads the [`Snapshot`] and writes the [`Plan`].

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use crate::{
    AccountState, AuditEntry, Ban, Change, Channel, ChannelId, DirectKey, Feed, FeedId, FileId,
    Frame, Invitation, Invite, InviteId, KnownStatus, Member, Message, MessageId, Outcome,
    Rejection, RequestKey, SessionId, SessionScope, StoredFile, Timestamp, UserId,
};

mod accounts;
mod bans;
mod channels;
mod files;
mod invites;
mod members;
mod messages;
mod pins;
mod reactions;
mod reading;
mod sessions;
mod statuses;
mod threads;

/// A feed's row in the table of heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedRow {
    /// Which feed.
    pub id: FeedId,
    /// The last rev given.
    pub head: i64,
    /// The last place given to a message; channels only.
    pub last_seq: i64,
    /// The place of the last message that counts in no unread, so that counting can mostly skip
    /// looking for them.
    pub last_uncounted_seq: i64,
    /// When the last rev was given.
    pub moved_at: Timestamp,
}

impl FeedRow {
    /// A feed in which nothing has happened.
    pub const fn empty(id: FeedId) -> Self {
        let moved_at = Timestamp::from_unix_millis(0);
        Self { id, head: 0, last_seq: 0, last_uncounted_seq: 0, moved_at }
    }
}

/// A message with what only the server keeps of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// The message.
    pub message: Message,
    /// The digest of the request that made it.
    pub digest: [u8; 16],
}

/// A request that was done, and what it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRequest {
    /// How it is known when it comes again.
    pub request: RequestKey,
    /// What it made.
    pub channel: ChannelId,
}

pub use accounts::AccountWrite;
pub use files::Attached;
pub use invites::Ways;
pub use pins::MAX_PINS;
pub use reactions::{FoundReactions, MAX_EMOJI, OwnReaction, ReactionCount, ReactionsPlan};
pub use threads::Target;

/// What a message said until it was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Which message.
    pub message: MessageId,
    /// How often it had been edited.
    pub version: i32,
    /// What it said.
    pub content: String,
    /// When it began to say so.
    pub said_at: Timestamp,
}

/// A session that a plan ends, with its rev in the system feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Which.
    pub id: SessionId,
    /// Its place in the system feed.
    pub rev: i64,
}

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
            }
            Change::Edit { message, by, .. } | Change::Delete { message, by, .. } => {
                if let Some(Target { channel, thread }) = target {
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
            Change::SetStatus(change) => self.status(change.user),
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
            Change::RemoveMember { channel, by, user } => {
                self.place(*channel, *by);
                self.moving(*channel, *user);
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
                if let Some(Target { channel, thread }) = target {
                    self.place(channel, *author);
                    self.messages.insert(*message);
                    self.messages.extend(thread);
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

    fn place(&mut self, channel: ChannelId, user: UserId) {
        self.feeds.insert(Feed::Channel(channel).id());
        self.channels.insert(channel);
        self.members.insert((channel, user));
    }
}

/// What was found, in one snapshot that postdates the locks.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The locked feeds.
    pub feeds: Vec<FeedRow>,
    /// Channels, by id, as a direct conversation, or as what a known request made.
    pub channels: Vec<Channel>,
    /// Members.
    pub members: Vec<Member>,
    /// Messages.
    pub messages: Vec<MessageRow>,
    /// How many messages of a channel are pinned, where any are.
    pub pins: Vec<(ChannelId, i64)>,
    /// Reactions to those of them that somebody reacts to.
    pub reactions: FoundReactions,
    /// Requests that were done before.
    pub requests: Vec<KnownRequest>,
    /// What people have ever said of how they want to be seen.
    pub statuses: Vec<KnownStatus>,
    /// Files that are complete.
    pub files: Vec<StoredFile>,
    /// Bans.
    pub bans: Vec<Ban>,
    /// Links into channels.
    pub invites: Vec<Invite>,
    /// Invitations.
    pub invitations: Vec<Invitation>,
    /// Accounts that exist and are not disabled.
    pub users: Vec<UserId>,
    /// Live sessions.
    pub sessions: Vec<(UserId, SessionId)>,
    /// Accounts.
    pub accounts: Vec<AccountState>,
    /// How many admins there are.
    pub admins: i64,
}

/// What is to be written, and said afterwards.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Heads that moved.
    pub feeds: Vec<FeedRow>,
    /// Channels made or changed.
    pub channels: Vec<Channel>,
    /// Requests that have made one, and may come again.
    pub new_requests: Vec<KnownRequest>,
    /// Members who came or went.
    pub members: Vec<Member>,
    /// Members whose markers were moved, and nothing else of them.
    pub marked: Vec<Member>,
    /// Members who have read further, and did nothing else.
    pub readers: Vec<Member>,
    /// Members who have spoken in slow mode.
    pub slowed: Vec<Member>,
    /// Ways into channels that opened or closed.
    pub ways: Ways,
    /// Messages sent.
    pub new_messages: Vec<MessageRow>,
    /// Messages edited or deleted that were there before.
    pub changed_messages: Vec<Message>,
    /// What messages said that say something else now.
    pub rewritten: Vec<Rewritten>,
    /// Messages that are deleted, with all that hangs on them.
    pub buried: Vec<MessageId>,
    /// Messages whose threads have changed.
    pub roots: Vec<Message>,
    /// Reactions that came and went.
    pub reactions: ReactionsPlan,
    /// How people want to be seen.
    pub statuses: Vec<KnownStatus>,
    /// Files that now belong to a message.
    pub attached: Vec<Attached>,
    /// Messages whose files go with them.
    pub bereft: Vec<MessageId>,
    /// Sessions that end.
    pub ended_sessions: Vec<EndedSession>,
    /// Accounts that change.
    pub accounts: Vec<AccountWrite>,
    /// What is kept of it all.
    pub audit: Vec<AuditEntry>,
    /// What listeners hear once this is on disk, each feed in the order of its revs.
    pub frames: Vec<Frame>,
}

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
    bans: HashMap<(ChannelId, UserId), Ban>,
    invites: HashMap<InviteId, Invite>,
    invitations: HashMap<(ChannelId, UserId), Invitation>,
    /// New messages that slow mode holds back, unless they were sent before.
    doubted: Vec<MessageId>,
    users: HashSet<UserId>,
    sessions: HashMap<UserId, Vec<SessionId>>,
    accounts: HashMap<UserId, AccountState>,
    admins: i64,
    touched: Touched,
    frames: Vec<Frame>,
}

#[derive(Debug, Default)]
struct Touched {
    feeds: BTreeSet<FeedId>,
    channels: BTreeSet<ChannelId>,
    members: BTreeSet<(ChannelId, UserId)>,
    marked: BTreeSet<(ChannelId, UserId)>,
    readers: BTreeSet<(ChannelId, UserId)>,
    slowed: BTreeSet<(ChannelId, UserId)>,
    ways: Ways,
    /// In the order of their ids, as concurrent batches must insert them.
    new_messages: BTreeSet<MessageId>,
    changed_messages: BTreeSet<MessageId>,
    roots: BTreeSet<MessageId>,
    rewritten: Vec<Rewritten>,
    buried: Vec<MessageId>,
    new_requests: Vec<KnownRequest>,
    statuses: BTreeSet<UserId>,
    attached: Vec<Attached>,
    bereft: Vec<MessageId>,
    ended_sessions: Vec<EndedSession>,
    accounts: Vec<AccountWrite>,
    audit: Vec<AuditEntry>,
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
            Change::Delete { message, by, expect } => self.delete(message, by, expect),
            Change::React(reaction) => self.react(reaction),
            Change::Pin(pin) => self.pin(pin),
            Change::Mark(mark) => self.mark(mark),
            Change::SetStatus(change) => Ok(self.set_status(*change)),
            Change::CreateChannel(new) => self.create_channel(new),
            Change::UpdateChannel { channel, by, edit } => self.update_channel(channel, by, *edit),
            Change::DeleteChannel { channel, by } => self.delete_channel(channel, by),
            Change::Join { channel, user } => self.join(channel, user),
            Change::Leave { channel, user, heir } => self.leave(channel, user, heir),
            Change::Member(change) => self.change_member(*change),
            Change::Invite(change) => self.change_invite(*change),
            Change::AddMember { channel, by, user } => self.add_member(channel, by, user),
            Change::RemoveMember { channel, by, user } => self.remove_member(channel, by, user),
            Change::EndSessions { user, scope } => Ok(self.end_sessions(user, scope)),
            Change::Account(change) => self.change_account(*change),
            Change::Withdraw { channel, user, heir } => self.withdraw(channel, user, heir),
            Change::EraseMessage { message, author } => self.erase(message, author),
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

    /// What is to be written.
    pub fn into_plan(mut self) -> Plan {
        self.close_threads();
        let touched = self.touched;
        let as_it_stands = |id| self.messages.get(id).map(|row: &MessageRow| row.message.clone());
        let roots = touched.roots.iter().filter_map(as_it_stands).collect();
        let member = |key| self.members.get(key).cloned();
        let slowed = touched.slowed.iter().filter_map(member).collect();
        let changed_messages = touched.changed_messages.iter().filter_map(as_it_stands).collect();
        let new_messages =
            touched.new_messages.iter().filter_map(|id| self.messages.remove(id)).collect();
        Plan {
            feeds: touched.feeds.iter().filter_map(|id| self.feeds.remove(id)).collect(),
            channels: touched.channels.iter().filter_map(|id| self.channels.remove(id)).collect(),
            members: touched.members.iter().filter_map(|id| self.members.remove(id)).collect(),
            // Whoever also came or went is already among the members.
            marked: touched.marked.iter().filter_map(|id| self.members.remove(id)).collect(),
            readers: touched.readers.iter().filter_map(|id| self.members.remove(id)).collect(),
            slowed,
            ways: touched.ways,
            new_requests: touched.new_requests,
            new_messages,
            changed_messages,
            roots,
            rewritten: touched.rewritten,
            buried: touched.buried,
            reactions: self.reactions.into_plan(),
            statuses: touched.statuses.iter().filter_map(|id| self.statuses.remove(id)).collect(),
            attached: touched.attached,
            bereft: touched.bereft,
            ended_sessions: touched.ended_sessions,
            accounts: touched.accounts,
            audit: touched.audit,
            frames: self.frames,
        }
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
