//! A frame on its way to listeners: encoded once, with what it does to who is listening.

use bytes::Bytes;
use tertulia_domain::{Body, ChannelId, Feed, Frame, OwnStatus, SessionId, UserId};

use crate::wire::text_frame;

/// A step of a feed, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose step.
    pub feed: Feed,
    /// From here.
    pub prev: i64,
    /// To here.
    pub rev: i64,
    /// What it does to who is listening.
    pub effect: Option<Effect>,
    /// The frame as it goes to every listener.
    pub frame: Bytes,
}

/// What a step does to who is listening, in the feed's own order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This person hears the channel from this step on.
    Admit(UserId),
    /// This person hears neither this step nor any later one.
    Cut(UserId),
    /// Nobody hears anything after this step.
    Close,
    /// The person is in this channel now, or is not: what their own feed says of it.
    Belongs {
        /// Which channel.
        channel: ChannelId,
        /// Whether they are in it.
        joined: bool,
    },
    /// The person wants to be seen so from now on.
    Status(Box<OwnStatus>),
    /// This session has ended, and with it its sockets.
    End {
        /// Which.
        session: SessionId,
        /// Whose.
        user: UserId,
    },
}

impl Event {
    /// Encodes a frame.
    pub fn new(frame: &Frame) -> Self {
        // A frame consists of text, numbers and nulls: writing it to memory cannot fail.
        let json = serde_json::to_vec(frame).unwrap_or_default();
        Self {
            feed: frame.feed,
            prev: frame.prev,
            rev: frame.rev,
            effect: effect(frame),
            frame: text_frame(&json),
        }
    }
}

fn effect(frame: &Frame) -> Option<Effect> {
    match &frame.body {
        Body::Member(member) if member.is_joined() => Some(Effect::Admit(member.user_id)),
        Body::Member(member) => Some(Effect::Cut(member.user_id)),
        Body::Channel(channel) => channel.deleted_at.map(|_| Effect::Close),
        Body::Membership { channel_id, channel, .. } => {
            Some(Effect::Belongs { channel: *channel_id, joined: channel.is_some() })
        }
        Body::Status(own) => Some(Effect::Status(Box::new(own.clone()))),
        Body::SessionEnded { session, user } => {
            Some(Effect::End { session: *session, user: *user })
        }
        Body::Draft(_)
        | Body::Invitation(_)
        | Body::Message(_)
        | Body::Notification(_)
        | Body::Inbox(_)
        | Body::Reactions(_)
        | Body::OwnReaction { .. } => None,
    }
}
