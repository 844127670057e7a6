//! What can become of a channel, of somebody's place in it, and of the ways into it.

use std::net::IpAddr;

use crate::{
    BanReason, ChannelId, ChannelName, Description, InviteId, Posting, Role, Timestamp, Topic,
    UserId,
};

/// What changes of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelEdit {
    /// The new name.
    pub name: Option<ChannelName>,
    /// The new description.
    pub description: Option<Description>,
    /// What is talked about now.
    pub topic: Option<Topic>,
    /// Who may write.
    pub posting: Option<Posting>,
    /// How long a member waits between two messages, in seconds: 0–21,600.
    pub slow_mode_seconds: Option<i32>,
    /// Whether it is archived.
    pub archived: Option<bool>,
}

/// What somebody does to another person's place in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// Where.
    pub channel: ChannelId,
    /// Who asks.
    pub by: UserId,
    /// Whose.
    pub user: UserId,
    /// What.
    pub act: MemberAct,
    /// From where, for the audit log.
    pub from: Option<IpAddr>,
}

/// What somebody does to another person's place in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberAct {
    /// Makes them a member or a moderator.
    SetRole(Role),
    /// Hands the channel on to them, and is a moderator from then on.
    Transfer,
    /// Keeps them from writing until then; without a time, no longer.
    Mute(Option<Timestamp>),
    /// Sends them away for good, or until then, whether or not they are in it.
    Ban {
        /// Why.
        reason: BanReason,
        /// When it is over.
        expires_at: Option<Timestamp>,
    },
    /// Lets them come again.
    Unban,
}

/// A link to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvite {
    /// Chosen by the server.
    pub id: InviteId,
    /// Into which channel.
    pub channel: ChannelId,
    /// Who makes it.
    pub by: UserId,
    /// The SHA-256 of its code.
    pub hash: [u8; 32],
    /// When it is good no more.
    pub expires_at: Option<Timestamp>,
    /// How many people it lets in: 1–10,000.
    pub max_uses: Option<i32>,
}

/// What somebody does with the ways into a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InviteChange {
    /// Makes a link.
    Create(NewInvite),
    /// Revokes a link.
    Revoke {
        /// Of which channel.
        channel: ChannelId,
        /// Who asks.
        by: UserId,
        /// Which.
        invite: InviteId,
    },
    /// Comes in by a link.
    Use {
        /// Of which channel.
        channel: ChannelId,
        /// Who.
        user: UserId,
        /// Which.
        invite: InviteId,
    },
    /// Asks somebody to come in.
    Invite {
        /// Where.
        channel: ChannelId,
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Answers an invitation.
    Answer {
        /// Into which channel.
        channel: ChannelId,
        /// Who was invited.
        user: UserId,
        /// Whether they come.
        accept: bool,
    },
    /// Takes back an invitation into a channel that is no more.
    Withdraw {
        /// Into which channel.
        channel: ChannelId,
        /// Who was invited.
        user: UserId,
    },
}
