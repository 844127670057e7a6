//! Files that people send.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{FileId, MessageId, UserId};

/// A file as everybody who may read it sees it. It never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct File {
    /// Chosen by the server.
    pub id: FileId,
    /// What its sender called it: one path component, nothing in it that is invisible.
    #[schema(example = "holiday.jpg", min_length = 1, max_length = 255)]
    pub name: String,
    /// In bytes.
    #[schema(example = 482_113, minimum = 0)]
    pub size: i64,
    /// What it is by its content, whatever its name says.
    #[schema(example = "image/jpeg", max_length = 127)]
    pub content_type: String,
    /// Of its content, as 64 hexadecimal digits.
    #[schema(
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        min_length = 64,
        max_length = 64
    )]
    pub sha256: String,
    /// Of an image, in pixels, as it is to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 4000, minimum = 1)]
    pub width: Option<i32>,
    /// Of an image, in pixels, as it is to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 3000, minimum = 1)]
    pub height: Option<i32>,
    /// Whether there is a small image of it to show.
    #[schema(example = true)]
    pub thumbnail: bool,
}

/// A file of which all bytes are there, with what decides who may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// The file.
    pub file: File,
    /// Who sent it.
    pub owner: UserId,
    /// The message that it belongs to, once it does.
    pub message: Option<MessageId>,
}
