//! What a batch is decided from.

use super::{FoundDrafts, FoundNotifications, FoundReactions};
use crate::{
    AccountState, Ban, Channel, ChannelId, FeedId, Invitation, Invite, KnownStatus, Member,
    Message, RequestKey, SessionId, StoredFile, Timestamp, UserId,
};

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
    /// Drafts.
    pub drafts: FoundDrafts,
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
    /// Of what people are told of.
    pub notifications: FoundNotifications,
}
