//! What a batch of changes does to the feeds: decided here, in memory, from one snapshot that was
//! read under the feeds' locks. The store loads the [`Snapshot`] and writes the [`Plan`].

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use crate::{
    AccountState, AuditEntry, Change, Channel, ChannelId, DirectKey, Feed, FeedId, FileId, Frame,
    Member, Message, MessageId, Outcome, Rejection, RequestKey, SessionId, SessionScope,
    StoredFile, Timestamp, UserId,
};

mod accounts;
mod channels;
mod files;
mod messages;
mod sessions;

pub use files::Attached;

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
    /// Files to be attached.
    pub files: BTreeSet<FileId>,
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
    /// What `change` needs, given the channel of the message that it changes (absent when there is
    /// no such message).
    pub fn add(&mut self, change: &Change, channel_of_target: Option<ChannelId>) {
        match change {
            Change::Send(new) => {
                self.place(new.channel, new.author);
                self.messages.insert(new.id);
                self.messages.extend(new.reply_to);
                self.files.extend(&new.attachments);
            }
            Change::Edit { message, by, .. } | Change::Delete { message, by, .. } => {
                if let Some(channel) = channel_of_target {
                    self.place(channel, *by);
                    self.messages.insert(*message);
                }
            }
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
            Change::Join { channel, user } | Change::Leave { channel, user } => {
                self.place(*channel, *user);
                self.feeds.insert(Feed::Me(*user).id());
            }
            Change::AddMember { channel, by, user }
            | Change::RemoveMember { channel, by, user } => {
                self.place(*channel, *by);
                self.place(*channel, *user);
                self.feeds.insert(Feed::Me(*user).id());
                self.users.insert(*user);
            }
            Change::EndSessions { user, .. } => {
                self.feeds.insert(FeedId::SYSTEM);
                self.sessions.insert(*user);
            }
            Change::Account(change) => self.account(change),
            Change::Withdraw { channel, user, heir } => {
                self.place(*channel, *user);
                self.feeds.insert(Feed::Me(*user).id());
                if let Some(heir) = heir {
                    self.place(*channel, *heir);
                    self.feeds.insert(Feed::Me(*heir).id());
                    self.users.insert(*heir);
                }
            }
            Change::EraseMessage { message, author } => {
                if let Some(channel) = channel_of_target {
                    self.place(channel, *author);
                    self.messages.insert(*message);
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
        let used: HashSet<MessageId> = changes
            .iter()
            .filter_map(|change| match change {
                Change::Send(new) => new.reply_to,
                other => other.target(),
            })
            .collect();
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
    /// Requests that were done before.
    pub requests: Vec<KnownRequest>,
    /// Files that are complete.
    pub files: Vec<StoredFile>,
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
    /// Members who have read further, and did nothing else.
    pub readers: Vec<Member>,
    /// Messages sent.
    pub new_messages: Vec<MessageRow>,
    /// Messages edited or deleted that were there before.
    pub changed_messages: Vec<Message>,
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
    requests: HashMap<Uuid, KnownRequest>,
    files: HashMap<FileId, StoredFile>,
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
    readers: BTreeSet<(ChannelId, UserId)>,
    /// In the order of their ids, as concurrent batches must insert them.
    new_messages: BTreeSet<MessageId>,
    changed_messages: BTreeSet<MessageId>,
    new_requests: Vec<KnownRequest>,
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
            requests: snapshot.requests.into_iter().map(|it| (it.request.key, it)).collect(),
            files: snapshot.files.into_iter().map(|stored| (stored.file.id, stored)).collect(),
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
            Change::CreateChannel(new) => self.create_channel(new),
            Change::UpdateChannel { channel, by, name, description } => {
                self.update_channel(channel, by, name, description)
            }
            Change::DeleteChannel { channel, by } => self.delete_channel(channel, by),
            Change::Join { channel, user } => self.join(channel, user),
            Change::Leave { channel, user } => self.leave(channel, user),
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

    /// What is to be written.
    pub fn into_plan(mut self) -> Plan {
        let touched = self.touched;
        let new_messages =
            touched.new_messages.iter().filter_map(|id| self.messages.remove(id)).collect();
        let changed_messages = touched
            .changed_messages
            .iter()
            .filter_map(|id| self.messages.remove(id))
            .map(|row| row.message)
            .collect();
        Plan {
            feeds: touched.feeds.iter().filter_map(|id| self.feeds.remove(id)).collect(),
            channels: touched.channels.iter().filter_map(|id| self.channels.remove(id)).collect(),
            members: touched.members.iter().filter_map(|id| self.members.remove(id)).collect(),
            // Whoever also came or went is already among the members.
            readers: touched.readers.iter().filter_map(|id| self.members.remove(id)).collect(),
            new_requests: touched.new_requests,
            new_messages,
            changed_messages,
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
