//! Messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChannelId, File, Mentions, MessageId, ReactionView, Timestamp, UserId};

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// Said by a person.
    Text,
    /// Said by a person, with files.
    File,
    /// Said by the channel itself: `event` says what happened. It counts in no unread, and cannot be
    /// edited.
    System,
}

/// What the channel itself tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SystemEvent {
    /// The author has renamed it; the content is its name now.
    Renamed,
    /// The author has changed its topic; the content is the topic now.
    Topic,
    /// The author has pinned the message that this one answers.
    Pinned,
}

/// What somebody wants of a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// In which channel.
    pub channel: ChannelId,
    /// Which message.
    pub message: MessageId,
    /// Who asks.
    pub by: UserId,
    /// Whether it shall be pinned.
    pub pinned: bool,
}

/// What a message said before it was edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageEdition {
    /// 0 is what it said first; then, how often it had been edited.
    #[schema(example = 0)]
    pub version: i32,
    /// What it said.
    #[schema(example = "Helo!", max_length = 4000)]
    pub content: String,
    /// When it began to say so.
    pub said_at: Timestamp,
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
    /// What the channel itself tells of; absent in what people say.
    pub event: Option<SystemEvent>,
    /// Markdown kept as plain text; may be empty beside files, and is once deleted.
    #[schema(example = "Hello!", max_length = 4000)]
    pub content: String,
    /// The message of the same channel that it answers.
    pub reply_to: Option<MessageId>,
    /// The message with which the thread began that it belongs to; absent when it is no reply.
    pub thread_id: Option<MessageId>,
    /// How many replies its own thread has that are not deleted.
    #[schema(example = 0)]
    pub reply_count: i64,
    /// When the last reply came to its own thread, deleted since or not.
    pub last_reply_at: Option<Timestamp>,
    /// When it was pinned, as long as it is.
    pub pinned_at: Option<Timestamp>,
    /// By whom.
    pub pinned_by: Option<UserId>,
    /// Whom it mentions who was in the channel: what counts for them.
    pub mentions: Mentions,
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

impl Message {
    /// Whether something has happened to it since it was sent.
    pub fn has_changed(&self) -> bool {
        self.edited_at.is_some() || self.last_reply_at.is_some() || self.pinned_at.is_some()
    }
}

/// The beginning of a message, as a reply to it shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Quote {
    /// Which message.
    pub id: MessageId,
    /// Who said it.
    pub author_id: UserId,
    /// Its first 200 characters; empty once it is deleted.
    #[schema(example = "Hello!", max_length = 200)]
    pub content: String,
    /// Whether it is deleted.
    pub deleted: bool,
}

impl Quote {
    /// How many characters of a message are quoted.
    pub const MAX_CHARS: usize = 200;
}

impl From<Message> for Quote {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            author_id: message.author_id,
            content: message.content.chars().take(Self::MAX_CHARS).collect(),
            deleted: message.deleted_at.is_some(),
        }
    }
}

/// A message as one person sees it in an answer: frames, which are for everybody, have the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MessageView {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// What it answers, as that stands now.
    pub quote: Option<Quote>,
    /// With what people have reacted, in the order of the emoji's code points.
    #[schema(max_items = 50)]
    pub reactions: Vec<ReactionView>,
}

impl From<Message> for MessageView {
    /// A message to which nobody has reacted.
    fn from(message: Message) -> Self {
        Self { message, quote: None, reactions: Vec::new() }
    }
}
