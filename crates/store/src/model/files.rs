//! What the operations on files take and give.

use tertulia_domain::{FileId, FileName, Timestamp, UserId};

/// A file that is about to come in.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Chosen by the server.
    pub id: FileId,
    /// Who sends it.
    pub owner: UserId,
    /// What they call it.
    pub name: FileName,
    /// When it is begun.
    pub created_at: Timestamp,
    /// Whether it is to be an image of its owner, which no message can take up.
    pub avatar: bool,
}

/// What one person may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileLimits {
    /// In all their files together.
    pub bytes: i64,
    /// Files that belong to no message, those that are coming in too.
    pub unattached: i64,
}

/// Whether a file may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may have as many bytes.
    Admitted {
        /// At least one.
        room: i64,
    },
    /// Its owner has too many that belong to no message.
    TooMany,
    /// Its owner has no room left.
    Full,
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub struct FileContent {
    /// In bytes.
    pub size: i64,
    /// By its content.
    pub content_type: &'static str,
    /// Of its content.
    pub sha256: [u8; 32],
    /// Of an image, in pixels.
    pub width: Option<i32>,
    /// Of an image, in pixels.
    pub height: Option<i32>,
    /// Whether there is a small image of it.
    pub thumbnail: bool,
}

/// What became of a file that its owner wanted gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is.
    Deleted,
    /// It belongs to a message, and goes with that.
    Attached,
    /// They have no such file.
    Unknown,
}
