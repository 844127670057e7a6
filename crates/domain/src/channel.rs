//! Channels and who is in them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelId, Timestamp, UserId};

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
    /// Who made it, or was given it; absent in direct conversations.
    pub owner_id: Option<UserId>,
    /// The two people of a direct conversation; absent elsewhere, where members are a page.
    #[schema(max_items = 2)]
    pub participant_ids: Option<[UserId; 2]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or description last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Its own rev that last changed its name, description or kind.
    #[schema(example = 1)]
    pub rev: i64,
}

impl Channel {
    /// The key of a direct conversation.
    pub fn direct_key(&self) -> Option<DirectKey> {
        self.participant_ids.map(|[a, b]| DirectKey::new(a, b))
    }
}

/// What a member may do in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Speaks.
    Member,
    /// Changes and deletes the channel, adds and removes members, deletes anyone's messages.
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
    /// When they last came in.
    pub joined_at: Timestamp,
    /// The channel's rev that last changed this.
    #[schema(example = 2)]
    pub rev: i64,
    /// Up to where they have read; for themselves only.
    #[serde(skip)]
    pub read_seq: i64,
    /// The rev of the person's own feed that last changed this.
    #[serde(skip)]
    pub user_rev: i64,
}

impl Member {
    /// Whether the person is in the channel now.
    pub fn is_joined(&self) -> bool {
        self.state == MemberState::Joined
    }

    /// The same as the person's own devices see it.
    pub fn membership(&self) -> Membership {
        Membership {
            role: self.role,
            state: self.state,
            joined_at: self.joined_at,
            read_seq: self.read_seq,
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
    /// Up to where one has read.
    pub read_seq: i64,
}
