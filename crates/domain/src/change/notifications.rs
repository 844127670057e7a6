//! What becomes of what people are told of.

use crate::{ChannelId, Due, MessageId, NotificationId, NotificationSetting, UserId};

/// A change of what people are told of, and of what they want to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotificationsChange {
    /// Somebody wants to be told of this in a channel.
    Set {
        /// Where.
        channel: ChannelId,
        /// Who.
        user: UserId,
        /// Of what.
        setting: NotificationSetting,
    },
    /// Somebody has seen a notification.
    Read {
        /// Who.
        user: UserId,
        /// Which.
        id: NotificationId,
    },
    /// Somebody has seen all notifications.
    ReadAll {
        /// Who.
        user: UserId,
        /// Up to this one; to the last without it.
        up_to: Option<NotificationId>,
    },
    /// Some of those are told who are yet to be told of a message.
    Tell {
        /// Of what.
        due: Due,
        /// Who, in the order of their ids; at most 50.
        people: Vec<UserId>,
        /// Whether there may be more after them.
        more: bool,
    },
    /// Somebody is no longer named by a message: they have deleted their account.
    Forget {
        /// Which message.
        message: MessageId,
        /// Who.
        user: UserId,
    },
}

impl NotificationsChange {
    /// The existing message that is changed.
    pub(super) fn target(&self) -> Option<MessageId> {
        match self {
            Self::Forget { message, .. } => Some(*message),
            _ => None,
        }
    }

    /// How many people's feeds may move.
    pub(super) fn people(&self) -> usize {
        match self {
            Self::Tell { people, .. } => people.len(),
            _ => 1,
        }
    }
}
