//! What a client says of what it shows, reads and writes, and is told of others'.

use std::time::Duration;

use serde::Serialize;
use tertulia_chat::{Caller, ChannelView, Chat, Error};
use tertulia_domain::{ChannelId, Feed, Status};
use tertulia_realtime::Connection;
use tokio::time::Instant;

use crate::fields::{Fields, Input, id};
use crate::routes::{MAX_COUNT, NewDraft, NewStatus};

/// Channels that a socket may look at.
pub(crate) const MAX_FOCUS: usize = 20;

/// Channels that a socket may hear without its user being in them.
pub(crate) const MAX_VISITS: usize = 20;

/// Typing is told again after this time: clients say it with every key.
const TYPING_EVERY: Duration = Duration::from_secs(3);

/// What a client says of what it shows, reads and writes.
pub(super) enum Look {
    Read { channel: ChannelId, seq: i64 },
    Delivered { channel: ChannelId, seq: i64 },
    Focus { channels: Vec<ChannelId> },
    Typing { channel: ChannelId, active: bool },
    Subscribe { channel: ChannelId },
    Unsubscribe { channel: ChannelId },
    SetStatus(Status),
    SetDraft { channel: ChannelId, draft: NewDraft },
}

macro_rules! inputs {
    ($($name:ident => $read:expr;)+) => {$(
        pub(super) struct $name(pub(super) Look);

        impl Input for $name {
            fn read(fields: &mut Fields) -> Option<Self> {
                let read: fn(&mut Fields) -> Option<Look> = $read;
                read(fields).map(Self)
            }
        }
    )+};
}

inputs! {
    Read => |fields| {
        let (channel, seq) = place(fields)?;
        Some(Look::Read { channel, seq })
    };
    Delivered => |fields| {
        let (channel, seq) = place(fields)?;
        Some(Look::Delivered { channel, seq })
    };
    Focus => |fields| {
        let channels = fields.required_list("channel_ids", MAX_FOCUS, id)?;
        Some(Look::Focus { channels })
    };
    Typing => |fields| {
        let channel = fields.required("channel_id", id);
        let active = fields.required_switch("active");
        Some(Look::Typing { channel: channel?, active: active? })
    };
    Subscribe => |fields| Some(Look::Subscribe { channel: fields.required("channel_id", id)? });
    Unsubscribe => |fields| Some(Look::Unsubscribe { channel: fields.required("channel_id", id)? });
    SetDraft => |fields| {
        let channel = fields.required("channel_id", id);
        let draft = NewDraft::read(fields);
        Some(Look::SetDraft { channel: channel?, draft: draft? })
    };
    SetStatus => |fields| NewStatus::read(fields).map(|new| Look::SetStatus(new.into()));
}

fn place(fields: &mut Fields) -> Option<(ChannelId, i64)> {
    let channel = fields.required("channel_id", id);
    let seq = fields.required_number("seq", 1..=MAX_COUNT);
    Some((channel?, seq?))
}

/// When a socket last said that its person types, by channel; the oldest goes when there are many.
#[derive(Default)]
pub(super) struct Typed(Vec<(ChannelId, Instant)>);

impl Typed {
    /// Whether this is to be told: that somebody types, only once in a while.
    pub(super) fn tells(&mut self, channel: ChannelId, active: bool) -> bool {
        let now = Instant::now();
        self.0.retain(|(_, at)| now.duration_since(*at) < TYPING_EVERY);
        if !active {
            return true;
        }
        if self.0.iter().any(|(typed, _)| *typed == channel) {
            return false;
        }
        if self.0.len() < MAX_FOCUS {
            self.0.push((channel, now));
        }
        true
    }
}

/// Nothing more is to be said.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// Looks at these channels and at no others. How their people are is told before this is answered.
pub(super) async fn focus(
    chat: &Chat,
    connection: &Connection,
    channels: Vec<ChannelId>,
) -> Result<Nothing, Error> {
    let own = connection.focus(&channels).ok_or(Error::NotFound)?;
    for channel in own {
        if let Some(frame) = chat.people_of(channel).await? {
            connection.glimpse(channel, &frame);
        }
    }
    Ok(Nothing {})
}

/// Hears a channel from now on that one may read. Heard first and asked afterwards: nothing lies
/// between what is answered and what is heard.
pub(super) async fn subscribe(
    chat: &Chat,
    caller: &Caller,
    connection: &Connection,
    channel: ChannelId,
) -> Result<ChannelView, Error> {
    if !connection.visit(channel, MAX_VISITS) {
        return Err(Error::Conflict(
            "too_many_subscriptions",
            "unsubscribe from another one first",
        ));
    }
    match chat.channel(caller, channel).await {
        Ok(view) => {
            connection.learn([(Feed::Channel(channel), view.head)]);
            Ok(view)
        }
        Err(error) => {
            connection.leave(channel);
            Err(error)
        }
    }
}
