//! Rows of files.

use data_encoding::HEXLOWER;
use diesel::prelude::{Insertable, Queryable, Selectable};
use tertulia_domain::{File, FileId, MessageId, StoredFile, UserId};

use crate::Error;
use crate::schema::files;
use crate::types::{At, Id};

/// A file of which all bytes are there.
pub(crate) const COMPLETE: i16 = 1;

/// One that is still coming in.
pub(crate) const UPLOADING: i16 = 0;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = files, treat_none_as_default_value = false)]
pub(crate) struct FileRow {
    pub(crate) id: Id<FileId>,
    pub(crate) owner_id: Id<UserId>,
    pub(crate) name: String,
    pub(crate) size: i64,
    pub(crate) content_type: String,
    pub(crate) sha256: Vec<u8>,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) thumbnail: i16,
    pub(crate) state: i16,
    pub(crate) message_id: Option<Id<MessageId>>,
    pub(crate) position: i16,
    pub(crate) created_at: At,
    pub(crate) deleted_at: Option<At>,
    pub(crate) avatar: i16,
}

impl From<FileRow> for StoredFile {
    fn from(row: FileRow) -> Self {
        Self {
            owner: row.owner_id.0,
            message: row.message_id.map(|id| id.0),
            file: File {
                id: row.id.0,
                name: row.name,
                size: row.size,
                content_type: row.content_type,
                sha256: HEXLOWER.encode(&row.sha256),
                width: row.width,
                height: row.height,
                thumbnail: row.thumbnail != 0,
            },
        }
    }
}

impl TryFrom<FileRow> for File {
    type Error = Error;

    fn try_from(row: FileRow) -> Result<Self, Error> {
        Ok(StoredFile::from(row).file)
    }
}
