//! Channels and who is in them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelId, NotificationSetting, Receipt, Timestamp, UserId};

/// Who may find and read a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// Every signed-in account may read and join.
    Public,
    /// Exists for its members only.
    Private,
    /// The one conversation of two people.
    Direct,
    /// A conversation of several people.
    Group,
}

/// Who may write in a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// Every member.
    #[default]
    Everyone,
    /// The owner and moderators: what they say is an announcement.
    Moderators,
}

/// The two people of a direct conversation in the order of their ids: what makes it the only one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectKey(UserId, UserId);

impl DirectKey {
    /// The key of two people, whoever asks.
    pub fn new(a: UserId, b: UserId) -> Self {
        Self(a.min(b), a.max(b))
    }

    /// The two people, in the order of their ids.
    pub const fn people(self) -> [UserId; 2] {
        [self.0, self.1]
    }
}

/// A channel as everybody who may read it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Channel {
    /// The channel, and the name of its feed.
    pub id: ChannelId,
    /// Who may find and read it.
    pub kind: ChannelKind,
    /// Absent in direct conversations and unnamed groups.
    #[schema(example = "general", max_length = 80)]
    pub name: Option<String>,
    /// What it is for.
    #[schema(example = "All that has no place elsewhere", max_length = 1000)]
    pub description: String,
    /// What is talked about there now; may be empty.
    #[schema(example = "Green or black?", max_length = 250)]
    pub topic: String,
    /// Who may write there.
    pub posting: Posting,
    /// How long a member waits between two messages, in seconds; 0 when not at all. Moderators and
    /// the owner never wait.
    #[schema(example = 0, minimum = 0, maximum = 21600)]
    pub slow_mode_seconds: i32,
    /// Since when nobody may write there or come in; reading goes on.
    pub archived_at: Option<Timestamp>,
    /// Who made it, or was given it; absent in direct conversations.
    pub owner_id: Option<UserId>,
    /// The two people of a direct conversation; absent elsewhere, where members are a page.
    #[schema(max_items = 2)]
    pub participant_ids: Option<[UserId; 2]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of this last changed; when it was made, if nothing has.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Its own rev that last changed any of this.
    #[schema(example = 2)]
    pub rev: i64,
}

impl Channel {
    /// Whether nothing of it has changed since it was made.
    pub fn is_new(&self) -> bool {
        self.updated_at == self.created_at
    }

    /// The key of a direct conversation.
    pub fn direct_key(&self) -> Option<DirectKey> {
        self.participant_ids.map(|[a, b]| DirectKey::new(a, b))
    }
}

/// What a member may do in a channel, the least first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Speaks.
    Member,
    /// Changes the channel; adds, removes, mutes and bans members; deletes anyone's messages.
    Moderator,
    /// Makes moderators, archives, deletes and hands on the channel. There is one.
    Owner,
}

/// Whether a member is in the channel now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MemberState {
    /// In it.
    Joined,
    /// Went.
    Left,
    /// Was sent away.
    Removed,
    /// Was sent away, or never was there, and may neither come in nor read.
    Banned,
    /// Was banned, and may come in as anybody else.
    Unbanned,
}

/// A person's place in a channel, as everybody who may read the channel sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Member {
    /// The channel.
    pub channel_id: ChannelId,
    /// The person.
    pub user_id: UserId,
    /// What they may do here.
    pub role: Role,
    /// Whether they are in it now.
    pub state: MemberState,
    /// When they last came in; of who never did, when they were banned.
    pub joined_at: Timestamp,
    /// Until when they may not write.
    pub muted_until: Option<Timestamp>,
    /// The channel's rev that last changed this.
    #[schema(example = 2)]
    pub rev: i64,
    /// Up to where they have read; for themselves only.
    #[serde(skip)]
    pub read_seq: i64,
    /// What others see of how far they have read.
    #[serde(skip)]
    pub receipt: Receipt,
    /// The rev of the person's own feed that last changed this.
    #[serde(skip)]
    pub user_rev: i64,
    /// The channel's rev at which they last came in; 0 when nobody has noted it.
    #[serde(skip)]
    pub joined_rev: i64,
    /// When their ban ends, if they are banned and it does; for moderators only.
    #[serde(skip)]
    pub banned_until: Option<Timestamp>,
    /// When they last spoke in slow mode.
    #[serde(skip)]
    pub said_at: Option<Timestamp>,
    /// The rev of their own feed at which they last came in; 0 when nobody has noted it.
    #[serde(skip)]
    pub entered: i64,
    /// What they want to be told of; for themselves only.
    #[serde(skip)]
    pub notifications: NotificationSetting,
}

impl Member {
    /// Whether the person is in the channel now.
    pub fn is_joined(&self) -> bool {
        self.state == MemberState::Joined
    }

    /// Whether the person is banned now: a ban that is over is none.
    pub fn is_banned(&self, now: Timestamp) -> bool {
        self.state == MemberState::Banned && self.banned_until.is_none_or(|until| until > now)
    }

    /// Whether nothing has changed since they last came in, as far as that was noted.
    pub fn has_just_come(&self) -> bool {
        self.rev == self.joined_rev || self.joined_rev == 0
    }

    /// The same as the person's own devices see it, while the channel's last message is `last_seq`.
    pub fn membership(&self, last_seq: i64) -> Membership {
        Membership {
            role: self.role,
            state: self.state,
            joined_at: self.joined_at,
            muted_until: self.muted_until,
            read_seq: self.read_seq,
            last_seq,
            entered: self.entered,
            notifications: self.notifications,
            rev: self.rev,
        }
    }
}

/// One's own place in a channel, as all of one's devices see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Membership {
    /// What one may do here.
    pub role: Role,
    /// Whether one is in it now.
    pub state: MemberState,
    /// When one last came in.
    pub joined_at: Timestamp,
    /// Until when one may not write.
    pub muted_until: Option<Timestamp>,
    /// Up to where one has read.
    #[schema(example = 40)]
    pub read_seq: i64,
    /// The channel's last message when it was so: with what one says after it, one has read up to
    /// there.
    #[schema(example = 42)]
    pub last_seq: i64,
    /// The rev of one's own feed at which one last came in: what one was told of here before is gone.
    #[schema(example = 7)]
    pub entered: i64,
    /// What one wants to be told of here.
    pub notifications: NotificationSetting,
    /// The channel's rev that last changed any of this but how far one has read, and what one wants
    /// to be told of.
    #[schema(example = 2)]
    pub rev: i64,
}

/// Why and how long somebody is banned from a channel; for moderators only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// From where.
    pub channel: ChannelId,
    /// Who.
    pub user: UserId,
    /// Why; may be empty.
    pub reason: String,
    /// By whom.
    pub by: UserId,
    /// Since when.
    pub created_at: Timestamp,
    /// When it is over; never, unless somebody lifts it.
    pub expires_at: Option<Timestamp>,
}
