//! What becomes of how far somebody has read.

use crate::{ChannelId, UserId};

/// Somebody's place among the messages of a channel is to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub channel: ChannelId,
    /// Whose.
    pub user: UserId,
    /// To where.
    pub to: MarkTo,
}

/// Where somebody's place is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkTo {
    /// All up to this message has been read; never back.
    Read {
        /// The place of the message.
        seq: i64,
    },
    /// All up to this message has come to one of the person's devices; never back.
    Delivered {
        /// The place of the message.
        seq: i64,
    },
    /// This message and all after it are unread again; never forward.
    Unread {
        /// The place of the message.
        seq: i64,
    },
}

impl MarkTo {
    /// The message that is named.
    pub const fn seq(self) -> i64 {
        match self {
            Self::Read { seq } | Self::Delivered { seq } | Self::Unread { seq } => seq,
        }
    }
}
