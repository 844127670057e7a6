//! Reactions to messages.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{Emoji, MessageId, UserId};

/// What somebody wants of their reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// To what.
    pub message: MessageId,
    /// Who asks.
    pub by: UserId,
    /// With what.
    pub emoji: Emoji,
    /// Whether it shall be there.
    pub mine: bool,
}

/// How many people have reacted with an emoji.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tally {
    /// With what.
    #[schema(value_type = String, example = "👍", max_length = 64)]
    pub emoji: Emoji,
    /// How many; 0 when the last one was taken back.
    #[schema(example = 2)]
    pub count: i64,
}

/// Who has reacted, or taken it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReactedBy {
    /// Who.
    pub user_id: UserId,
    /// With what.
    #[schema(value_type = String, example = "👍", max_length = 64)]
    pub emoji: Emoji,
}

/// Those reactions to a message that changed at one rev.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tallies {
    /// To what.
    pub message_id: MessageId,
    /// Whether some came, or all that happened is that some went: a hint.
    pub added: bool,
    /// What is so now, of those that changed.
    pub reactions: Vec<Tally>,
    /// Some of those who did it, live: a hint.
    pub by: Vec<ReactedBy>,
}

/// How many people have reacted with an emoji, and whether one is among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReactionView {
    /// With what.
    #[schema(value_type = String, example = "👍", max_length = 64)]
    pub emoji: Emoji,
    /// How many.
    #[schema(example = 2)]
    pub count: i64,
    /// Whether one has oneself.
    pub mine: bool,
}
