//! How far people have read.

use serde::Serialize;
use utoipa::ToSchema;

use crate::UserId;

/// What others see of how far somebody has read. It never goes back, and does not move while the
/// person is not to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The last message that the person has read.
    pub read_seq: i64,
    /// The last message that has come to one of their devices, as far as that was said.
    pub delivered_seq: i64,
}

impl Receipt {
    /// The same as others see it: what has been read has been delivered.
    #[must_use]
    pub fn shown(self) -> Self {
        Self { delivered_seq: self.delivered_seq.max(self.read_seq), ..self }
    }
}

/// Where a mark has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The last message that the person has read, as their own devices see it.
    pub read_seq: i64,
    /// The channel's head when it was marked.
    pub head: i64,
    /// The same as others see it, if it has moved for them.
    pub read: Option<i64>,
    /// The last message that was delivered, if it has moved for others.
    pub delivered: Option<i64>,
}

/// How far somebody else has read in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadBy {
    /// Who.
    pub user_id: UserId,
    /// The last message that they have read; 0 when there is none.
    #[schema(example = 38)]
    pub read_seq: i64,
    /// The last message that has come to one of their devices; not below `read_seq`.
    #[schema(example = 40)]
    pub delivered_seq: i64,
}
