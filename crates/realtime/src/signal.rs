//! What is true for a moment: typing, reading, presence. It has no rev, may be lost, and goes only to
//! those who look.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tertulia_domain::{ChannelId, Presence, UserId};

use crate::wire::text_frame;

/// A node, by a random name of its own that lasts as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeId(u64);

impl NodeId {
    pub(crate) fn random() -> Self {
        Self(getrandom::u64().unwrap_or_default())
    }

    pub(crate) const fn number(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// Something that nodes tell each other, and that nobody needs for the truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// Somebody types, or no longer does.
    Typing {
        /// Where.
        channel: ChannelId,
        /// The channel's head when it was asked whether they may: nobody hears it who does not
        /// know of all that happened up to there.
        head: i64,
        /// Who.
        user: UserId,
        /// Whether they do.
        active: bool,
    },
    /// Somebody has read up to a message.
    Read {
        /// Where.
        channel: ChannelId,
        /// The channel's head when it was noted.
        head: i64,
        /// Who.
        user: UserId,
        /// The message's place.
        seq: i64,
    },
    /// All up to a message has come to somebody's device.
    Delivered {
        /// Where.
        channel: ChannelId,
        /// The channel's head when it was noted.
        head: i64,
        /// Who.
        user: UserId,
        /// The message's place.
        seq: i64,
    },
    /// Somebody's name, image or what they say of themselves is another one.
    Profile {
        /// Whose.
        user: UserId,
    },
    /// How people are who are connected to a node.
    Present {
        /// The node.
        node: NodeId,
        /// Of all whose ids are from the first on and before the second, these are all who are
        /// there; otherwise they are only those of whom there is something new.
        among: Option<(UserId, Option<UserId>)>,
        /// Who of them is how; who is offline there is so since the last time.
        people: Vec<(UserId, Presence)>,
    },
}

/// Who of those that look at a channel hears something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody.
    All,
    /// Who is in it.
    Members,
    /// Who is in it and shows how far they have read.
    Readers,
}

/// Something to be shown to those who look at a channel.
#[derive(Clone, Debug)]
pub(crate) struct Glimpse {
    pub(crate) channel: ChannelId,
    /// What a node must have released of the channel's feed before it may show this.
    pub(crate) head: i64,
    pub(crate) audience: Audience,
    pub(crate) frame: Bytes,
}

impl Glimpse {
    /// What a signal shows of a channel, encoded once for all who will see it.
    pub(crate) fn of(signal: &Signal) -> Option<Self> {
        #[derive(Serialize)]
        struct Frame {
            #[serde(rename = "type")]
            kind: &'static str,
            channel_id: ChannelId,
            user_id: UserId,
            #[serde(skip_serializing_if = "Option::is_none")]
            active: Option<bool>,
            #[serde(skip_serializing_if = "Option::is_none")]
            seq: Option<i64>,
        }

        let (channel_id, head, user_id, kind, active, seq, audience) = match *signal {
            Signal::Typing { channel, head, user, active } => {
                (channel, head, user, "typing", Some(active), None, Audience::All)
            }
            Signal::Read { channel, head, user, seq } => {
                (channel, head, user, "read", None, Some(seq), Audience::Readers)
            }
            Signal::Delivered { channel, head, user, seq } => {
                (channel, head, user, "delivered", None, Some(seq), Audience::Readers)
            }
            Signal::Profile { .. } | Signal::Present { .. } => return None,
        };
        let frame = encode(&Frame { kind, channel_id, user_id, active, seq });
        Some(Self { channel: channel_id, head, audience, frame })
    }
}

/// How people in a channel are, as those see it who look there. `complete`: these, and nobody else,
/// are there.
#[derive(Serialize)]
pub(crate) struct PresenceFrame {
    #[serde(rename = "type")]
    kind: &'static str,
    channel_id: ChannelId,
    complete: bool,
    users: Vec<UserPresence>,
}

#[derive(Serialize)]
struct UserPresence {
    user_id: UserId,
    #[serde(flatten)]
    presence: Presence,
}

impl PresenceFrame {
    pub(crate) fn encode(
        channel: ChannelId,
        complete: bool,
        users: impl IntoIterator<Item = (UserId, Presence)>,
    ) -> Bytes {
        let users = users.into_iter();
        let users = users.map(|(user_id, presence)| UserPresence { user_id, presence }).collect();
        encode(&Self { kind: "presence", channel_id: channel, complete, users })
    }
}

/// That somebody in a channel has another profile, for those who look there: a hint to ask for it.
#[derive(Serialize)]
pub(crate) struct ProfileFrame {
    #[serde(rename = "type")]
    kind: &'static str,
    channel_id: ChannelId,
    user_id: UserId,
}

impl ProfileFrame {
    pub(crate) fn encode(channel_id: ChannelId, user_id: UserId) -> Bytes {
        encode(&Self { kind: "profile", channel_id, user_id })
    }
}

fn encode(frame: &impl Serialize) -> Bytes {
    // A frame consists of text, numbers and nulls: writing it to memory cannot fail.
    text_frame(&serde_json::to_vec(frame).unwrap_or_default())
}
