//! What a feed says, live and afterwards: whole state, with the step that it takes a client.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::{
    Channel, ChannelId, Draft, Emoji, FeedId, Inbox, Invitation, InvitationState, Member,
    MemberState, Membership, Message, MessageId, Notification, OwnStatus, SessionId, Tallies,
    UserId,
};

/// An ordered sequence of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    /// What everybody in a channel sees.
    Channel(ChannelId),
    /// What all devices of a person see.
    Me(UserId),
    /// What nodes follow.
    System,
}

impl Feed {
    /// The row of the table of heads.
    pub fn id(self) -> FeedId {
        match self {
            Self::Channel(channel) => channel.uuid().into(),
            Self::Me(user) => user.uuid().into(),
            Self::System => FeedId::SYSTEM,
        }
    }
}

impl Serialize for Feed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Channel(channel) => channel.serialize(serializer),
            Self::Me(_) => serializer.serialize_str("me"),
            Self::System => serializer.serialize_str("system"),
        }
    }
}

/// A step of a feed, from `prev` to `rev`. Live, `prev` is the rev before; in what was missed, revs
/// whose rows have changed again since have vanished, and `prev` spans them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whose step.
    pub feed: Feed,
    /// From here.
    pub prev: i64,
    /// To here.
    pub rev: i64,
    /// The whole state of what changed.
    pub body: Body,
}

/// The whole state of what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A message was sent, edited or deleted.
    Message(Message),
    /// A channel was made, changed or deleted.
    Channel(Channel),
    /// Somebody came or went.
    Member(Member),
    /// One's own place in a channel changed; the channel, while one may see it.
    Membership {
        /// Where.
        channel_id: ChannelId,
        /// One's place.
        membership: Membership,
        /// The channel, while one is in it.
        channel: Option<Channel>,
    },
    /// Reactions to a message came or went.
    Reactions(Tallies),
    /// One has reacted, or no longer has.
    OwnReaction {
        /// Where the message lies.
        channel_id: ChannelId,
        /// To what.
        message_id: MessageId,
        /// With what.
        emoji: Emoji,
        /// False when one has taken it back.
        mine: bool,
    },
    /// One wants to be seen otherwise.
    Status(OwnStatus),
    /// One has written a draft, or emptied it.
    Draft(Draft),
    /// One was invited somewhere, or an invitation is over.
    Invitation(Invitation),
    /// One is told of something, or has seen it.
    Notification(Notification),
    /// One has seen all that one was told of, up to somewhere.
    Inbox(Inbox),
    /// A session ended; said to nodes only.
    SessionEnded {
        /// Which.
        session: SessionId,
        /// Whose.
        user: UserId,
    },
}

impl Frame {
    /// Whether it is the last of a channel.
    pub fn ends_channel(&self) -> bool {
        matches!(&self.body, Body::Channel(channel) if channel.deleted_at.is_some())
    }

    /// What happened, as a hint: the state says the rest.
    pub fn kind(&self) -> &'static str {
        match &self.body {
            Body::Message(message) if message.deleted_at.is_some() => "message.deleted",
            Body::Message(message) if message.has_changed() => "message.updated",
            Body::Message(_) => "message.created",
            Body::Channel(channel) if channel.deleted_at.is_some() => "channel.deleted",
            Body::Channel(channel) if channel.is_new() => "channel.created",
            Body::Channel(_) => "channel.updated",
            Body::Member(member) => match member.state {
                MemberState::Joined if member.has_just_come() => "member.joined",
                MemberState::Joined => "member.updated",
                MemberState::Left => "member.left",
                MemberState::Removed => "member.removed",
                MemberState::Banned => "member.banned",
                MemberState::Unbanned => "member.unbanned",
            },
            Body::Membership { .. } => "membership.updated",
            Body::Invitation(invitation) if invitation.state == InvitationState::Pending => {
                "invitation.created"
            }
            Body::Invitation(_) => "invitation.updated",
            Body::Reactions(tallies) if tallies.added => "reaction.added",
            Body::Reactions(_) => "reaction.removed",
            Body::OwnReaction { .. } => "reaction.mine",
            Body::Status(_) => "status.updated",
            Body::Draft(draft) if draft.is_empty() => "draft.deleted",
            Body::Draft(_) => "draft.updated",
            Body::Notification(_) => "notification",
            Body::Inbox(_) => "inbox.updated",
            Body::SessionEnded { .. } => "session.ended",
        }
    }
}

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.kind())?;
        map.serialize_entry("feed", &self.feed)?;
        match (&self.feed, &self.body) {
            (Feed::Channel(channel), _) => map.serialize_entry("channel_id", channel)?,
            (_, Body::Membership { channel_id, .. } | Body::OwnReaction { channel_id, .. }) => {
                map.serialize_entry("channel_id", channel_id)?;
            }
            (_, Body::Draft(draft)) => map.serialize_entry("channel_id", &draft.channel_id)?,
            (_, Body::Invitation(invitation)) => {
                map.serialize_entry("channel_id", &invitation.channel_id)?;
            }
            (_, Body::Notification(notification)) => {
                map.serialize_entry("channel_id", &notification.channel_id)?;
            }
            _ => {}
        }
        map.serialize_entry("prev", &self.prev)?;
        map.serialize_entry("rev", &self.rev)?;
        match &self.body {
            Body::Message(message) => map.serialize_entry("message", message)?,
            Body::Channel(channel) => map.serialize_entry("channel", channel)?,
            Body::Member(member) => map.serialize_entry("member", member)?,
            Body::Membership { membership, channel, .. } => {
                map.serialize_entry("membership", membership)?;
                map.serialize_entry("channel", channel)?;
            }
            Body::Reactions(Tallies { message_id, reactions, by, .. }) => {
                map.serialize_entry("message_id", message_id)?;
                map.serialize_entry("reactions", reactions)?;
                map.serialize_entry("by", by)?;
            }
            Body::OwnReaction { message_id, emoji, mine, .. } => {
                map.serialize_entry("message_id", message_id)?;
                map.serialize_entry("emoji", emoji)?;
                map.serialize_entry("mine", mine)?;
            }
            Body::Status(OwnStatus { status, receipts, last_seen }) => {
                map.serialize_entry("status", status)?;
                map.serialize_entry("receipts", receipts)?;
                map.serialize_entry("last_seen", last_seen)?;
            }
            Body::Draft(draft) => map.serialize_entry("draft", draft)?,
            Body::Invitation(invitation) => map.serialize_entry("invitation", invitation)?,
            Body::Notification(notification) => {
                map.serialize_entry("notification", notification)?;
            }
            Body::Inbox(inbox) => map.serialize_entry("inbox", inbox)?,
            Body::SessionEnded { session, user } => {
                map.serialize_entry("session_id", session)?;
                map.serialize_entry("user_id", user)?;
            }
        }
        map.end()
    }
}
