//! Ways into a channel that somebody inside has opened for others.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{ChannelId, ChannelKind, InviteId, Timestamp, UserId};

/// A link by which people come into a channel. Its code is known to nobody who was not given it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invite {
    /// The invite, which is not its code.
    pub id: InviteId,
    /// Into which channel.
    pub channel_id: ChannelId,
    /// Who made it.
    pub by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is good no more.
    pub expires_at: Option<Timestamp>,
    /// How many people it lets in.
    #[schema(minimum = 1, maximum = 10000)]
    pub max_uses: Option<i32>,
    /// How many it has let in.
    #[schema(example = 0)]
    pub uses: i32,
    /// The SHA-256 of its code.
    #[serde(skip)]
    pub hash: [u8; 32],
}

impl Invite {
    /// Whether it lets one more person in.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
            && self.max_uses.is_none_or(|max| self.uses < max)
    }
}

/// What has become of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// It can be accepted.
    Pending,
    /// The person has come in, by this or another way.
    Accepted,
    /// The person did not want to.
    Declined,
    /// The person was banned, or the channel is gone.
    Withdrawn,
}

/// Somebody in a channel asks one person to come in, who alone can answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invitation {
    /// Into which channel.
    pub channel_id: ChannelId,
    /// What kind of channel it is.
    pub kind: ChannelKind,
    /// What it was called when the invitation was made.
    #[schema(example = "general", max_length = 80)]
    pub name: Option<String>,
    /// Who is invited.
    pub user_id: UserId,
    /// Who invites.
    pub by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// What has become of it.
    pub state: InvitationState,
    /// The rev of the person's own feed that last changed this.
    #[serde(skip)]
    pub user_rev: i64,
}
