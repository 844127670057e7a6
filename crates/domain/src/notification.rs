//! What a person is told of, and what they want to be told of.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelId, ChannelKind, MessageId, NotificationId, Timestamp, UserId};

/// Why a person is told of something. A message is told of once, for the first of its reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// The message mentions them, by name or with everybody in the channel.
    Mention,
    /// The message answers theirs, or is of a thread that they follow.
    Reply,
    /// The message was said to them alone, in a direct conversation.
    Direct,
    /// They were asked to come into a channel.
    Invitation,
}

/// What somebody wants to be told of in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationLevel {
    /// Everything: in a direct conversation, each message. Elsewhere the inbox has what `mentions`
    /// says, and clients may tell of every message as they hear it.
    All,
    /// Mentions and replies.
    Mentions,
    /// Nothing.
    Nothing,
}

impl NotificationLevel {
    /// What people want to be told of who have not said.
    pub const fn of(kind: ChannelKind) -> Self {
        match kind {
            ChannelKind::Direct | ChannelKind::Group => Self::All,
            ChannelKind::Public | ChannelKind::Private => Self::Mentions,
        }
    }
}

/// What somebody wants to be told of in a channel, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationSetting {
    /// What they want to be told of.
    pub level: NotificationLevel,
    /// Until when they want to be told of nothing.
    pub muted_until: Option<Timestamp>,
}

impl NotificationSetting {
    /// What people want who have not said.
    pub const fn of(kind: ChannelKind) -> Self {
        Self { level: NotificationLevel::of(kind), muted_until: None }
    }

    /// Whether they want to be told of this now.
    pub fn permits(&self, kind: NotificationKind, now: Timestamp) -> bool {
        let wanted = match self.level {
            NotificationLevel::All => true,
            NotificationLevel::Mentions => {
                matches!(kind, NotificationKind::Mention | NotificationKind::Reply)
            }
            NotificationLevel::Nothing => false,
        };
        wanted && self.muted_until.is_none_or(|until| until <= now)
    }
}

/// Somebody is told of something. It says where it is, and nothing of what it says: that is read
/// there, by who may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notification {
    /// Chosen by the server.
    pub id: NotificationId,
    /// Why they are told.
    pub kind: NotificationKind,
    /// Where it is.
    pub channel_id: ChannelId,
    /// The message; absent of an invitation, which the channel names.
    pub message_id: Option<MessageId>,
    /// The message's place in the channel: who has read up to there has read this.
    #[schema(example = 40)]
    pub seq: Option<i64>,
    /// Who has said it, or invites.
    pub actor_id: UserId,
    /// When it was said, or the message was edited so, or the invitation made.
    pub created_at: Timestamp,
    /// The rev of the person's own feed at which it was made: its place among theirs.
    #[schema(example = 12)]
    pub made: i64,
    /// When it was marked read by itself.
    pub read_at: Option<Timestamp>,
    /// Whose it is.
    #[serde(skip)]
    pub user_id: UserId,
    /// The rev of the person's own feed that last changed this.
    #[serde(skip)]
    pub user_rev: i64,
}

/// Up to where somebody has seen all that they were told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Inbox {
    /// Whatever was made at this rev of the person's own feed or before is read.
    #[schema(example = 12)]
    pub read_up_to: i64,
    /// Whose it is.
    #[serde(skip)]
    pub user_id: UserId,
    /// The rev of the person's own feed that last changed this; 0 when nothing has.
    #[serde(skip)]
    pub user_rev: i64,
}

impl Inbox {
    /// Of somebody who has never marked all of it read.
    pub const fn unread(user: UserId) -> Self {
        Self { read_up_to: 0, user_id: user, user_rev: 0 }
    }
}

/// A notification as the person finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotificationView {
    /// The notification.
    #[serde(flatten)]
    pub notification: Notification,
    /// Whether it is read: by itself, with all others, or with its channel.
    pub read: bool,
}

/// Those who are told of a message after it is said: they are found in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Everybody in the channel, whom it mentions.
    Channel,
    /// Those who follow its thread.
    Thread,
    /// The other one of a direct conversation.
    Direct,
}

impl Audience {
    /// Why they are told.
    pub const fn kind(self) -> NotificationKind {
        match self {
            Self::Channel => NotificationKind::Mention,
            Self::Thread => NotificationKind::Reply,
            Self::Direct => NotificationKind::Direct,
        }
    }
}

/// A message that somebody is yet to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Where it was said.
    pub channel: ChannelId,
    /// Which.
    pub message: MessageId,
    /// Who is to be told.
    pub audience: Audience,
    /// The channel's rev when it was said so: who came later is not told.
    pub rev: i64,
    /// Who was told last, in the order of their ids.
    pub after: Option<UserId>,
}
