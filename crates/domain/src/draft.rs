//! What people have begun to write.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{ChannelId, DraftText, FileId, MessageId, Timestamp, UserId};

/// Which draft: a person has one for each channel, and one for each message there that they answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DraftKey {
    /// Whose.
    pub user: UserId,
    /// Where it is to be said.
    pub channel: ChannelId,
    /// What it answers.
    pub reply_to: Option<MessageId>,
}

/// What somebody has begun to write, as all of their own devices see it, and nobody else. Emptied, it
/// stays for a while, to say so to those devices that were away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Draft {
    /// Whose.
    #[serde(skip)]
    pub user: UserId,
    /// Where it is to be said.
    pub channel_id: ChannelId,
    /// The message of the same channel that it answers: a draft for each, and one that answers none.
    pub reply_to: Option<MessageId>,
    /// Markdown, kept as it is; empty when the draft is.
    #[schema(example = "Hello, every", max_length = 4000)]
    pub content: String,
    /// The files that are to go with it: as many as were one's own and in no message when the draft
    /// was written.
    #[schema(max_items = 10)]
    pub attachments: Vec<FileId>,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// The rev of one's own feed that last changed it; 0 when there has never been one.
    #[schema(example = 7)]
    pub rev: i64,
}

impl Draft {
    /// How many a person may have.
    pub const MAX: i64 = 500;

    /// One that has never been written.
    pub fn unwritten(key: DraftKey, now: Timestamp) -> Self {
        Self {
            user: key.user,
            channel_id: key.channel,
            reply_to: key.reply_to,
            content: String::new(),
            attachments: Vec::new(),
            updated_at: now,
            rev: 0,
        }
    }

    /// Which it is.
    pub fn key(&self) -> DraftKey {
        DraftKey { user: self.user, channel: self.channel_id, reply_to: self.reply_to }
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.attachments.is_empty()
    }
}

/// What a draft is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDraft {
    /// Which.
    pub key: DraftKey,
    /// What it says.
    pub content: DraftText,
    /// The files that are to go with it; at most 10, none twice.
    pub attachments: Vec<FileId>,
}
