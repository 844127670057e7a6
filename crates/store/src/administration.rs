//! What administering takes and gives.

use serde::Serialize;
use tertulia_domain::{
    Account, AuditAction, Channel, ChannelId, Email, FeedRow, Timestamp, UserId, Username,
};
use utoipa::ToSchema;
use uuid::Uuid;

/// An account as admins see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AdministeredUser {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// Since when it is disabled.
    pub disabled_at: Option<Timestamp>,
}

/// A channel as admins see it: that it is there, and how large it is. Nothing that was said.
#[derive(Clone, Debug)]
pub struct AdministeredChannel {
    /// The channel.
    pub channel: Channel,
    /// Its feed.
    pub feed: FeedRow,
    /// How many are in it.
    pub members: i64,
}

/// How much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Accounts of people, disabled ones too.
    #[schema(example = 12)]
    pub people: i64,
    /// Accounts of guests.
    #[schema(example = 3)]
    pub guests: i64,
    /// Accounts that are disabled, but not deleted.
    #[schema(example = 0)]
    pub disabled: i64,
    /// Accounts that run the server.
    #[schema(example = 1)]
    pub admins: i64,
    /// Devices that are signed in.
    #[schema(example = 20)]
    pub sessions: i64,
    /// Public channels.
    #[schema(example = 4)]
    pub public_channels: i64,
    /// Private channels.
    #[schema(example = 2)]
    pub private_channels: i64,
    /// Group conversations.
    #[schema(example = 1)]
    pub groups: i64,
    /// Conversations of two people.
    #[schema(example = 9)]
    pub direct_conversations: i64,
    /// Messages ever sent, deleted ones too.
    #[schema(example = 4711)]
    pub messages: i64,
}

/// Which entries of the audit log.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By whom.
    pub actor: Option<UserId>,
    /// What.
    pub action: Option<AuditAction>,
    /// To which account or channel.
    pub target: Option<Uuid>,
}

/// What makes a guest's account a person's.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// Unique without case.
    pub username: Username,
    /// Unique without case.
    pub email: Option<Email>,
    /// In PHC format.
    pub password_hash: String,
}

/// A deleted account of which something is left to do.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Whose.
    pub user: UserId,
    /// Whether the messages go, too.
    pub messages: bool,
    /// The channel that was being searched for messages.
    pub channel: Option<ChannelId>,
    /// Up to where.
    pub seq: i64,
}
