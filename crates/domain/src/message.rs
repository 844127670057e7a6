//! Messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelId, File, MessageId, Timestamp, UserId};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Said by a person.
    Text,
    /// Said by a person, with files.
    File,
}

/// A message as everybody in its channel sees it. Deleted, it is a tombstone: the place stays, the
/// content does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Message {
    /// Chosen by the client that sent it, or by the server.
    pub id: MessageId,
    /// Where it was said; never changes.
    pub channel_id: ChannelId,
    /// Its place in the channel: 1, 2, 3 …, dense, never changes.
    #[schema(example = 1)]
    pub seq: i64,
    /// The channel's rev that last changed it.
    #[schema(example = 3)]
    pub rev: i64,
    /// Who said it.
    pub author_id: UserId,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: MessageKind,
    /// Markdown kept as plain text; may be empty beside files, and is once deleted.
    #[schema(example = "Hello!", max_length = 4000)]
    pub content: String,
    /// The message of the same channel that it answers.
    pub reply_to: Option<MessageId>,
    /// The files that belong to it, in its sender's order; gone once it is deleted.
    #[schema(max_items = 10)]
    pub attachments: Vec<File>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its content last changed.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// How often its content changed: what an `ETag` of it says.
    #[serde(skip)]
    pub version: i32,
}
