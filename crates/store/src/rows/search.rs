//! Rows of the index.

use diesel::prelude::{Queryable, Selectable};
use tertulia_domain::{ChannelId, ChannelKind, MessageId, Timestamp, UserId};

use crate::Findable;
use crate::fulltext::document;
use crate::rows::{channel_kind_code, message_kind};
use crate::schema::messages;
use crate::types::{At, Id};

/// What the index needs of a message.
#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
pub(crate) struct FindableRow {
    pub(crate) id: Id<MessageId>,
    pub(crate) channel_id: Id<ChannelId>,
    pub(crate) rev: i64,
    author_id: Id<UserId>,
    kind: i16,
    content: String,
    version: i32,
    created_at: At,
    deleted_at: Option<At>,
}

/// A message, and the kind of its channel.
impl TryFrom<(FindableRow, i16)> for Findable {
    type Error = crate::Error;

    fn try_from((row, channel): (FindableRow, i16)) -> Result<Self, crate::Error> {
        let is_public = channel == channel_kind_code(ChannelKind::Public);
        let created_at: Timestamp = row.created_at.0;
        let (kind, event) = message_kind(row.kind)?;
        let said = row.deleted_at.is_none() && event.is_none();
        let document = said
            .then(|| document(row.channel_id.0, is_public, row.author_id.0, kind, &row.content));
        Ok(Self {
            message: row.id.0,
            channel: row.channel_id.0,
            version: row.version,
            created_at,
            document,
        })
    }
}
