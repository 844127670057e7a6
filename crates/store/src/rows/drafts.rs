//! Rows of what people have begun to write.

use diesel::prelude::{Insertable, Queryable, Selectable};
use tertulia_domain::{ChannelId, Draft, FileId, MessageId, UserId};
use uuid::Uuid;

use crate::Error;
use crate::schema::drafts;
use crate::types::{At, Id};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = drafts, treat_none_as_default_value = false)]
pub(crate) struct DraftRow {
    user_id: Id<UserId>,
    channel_id: Id<ChannelId>,
    reply_to: Id<MessageId>,
    content: String,
    attachments: Vec<u8>,
    written: i16,
    updated_at: At,
    user_rev: i64,
}

impl TryFrom<DraftRow> for Draft {
    type Error = Error;

    fn try_from(row: DraftRow) -> Result<Self, Error> {
        let file = |bytes: &[u8]| {
            let id = Uuid::from_slice(bytes).map_err(|_| Error::Corrupt("draft attachments"))?;
            Ok(FileId::from(id))
        };
        Ok(Self {
            user: row.user_id.0,
            channel_id: row.channel_id.0,
            reply_to: Some(row.reply_to.0).filter(|id| !id.uuid().is_nil()),
            content: row.content,
            attachments: row.attachments.chunks(16).map(file).collect::<Result<_, Error>>()?,
            updated_at: row.updated_at.0,
            rev: row.user_rev,
        })
    }
}

impl From<Draft> for DraftRow {
    fn from(draft: Draft) -> Self {
        Self {
            user_id: Id(draft.user),
            channel_id: Id(draft.channel_id),
            reply_to: Id(answered(draft.reply_to)),
            written: i16::from(!draft.is_empty()),
            content: draft.content,
            attachments: draft.attachments.iter().flat_map(|id| id.uuid().into_bytes()).collect(),
            updated_at: At(draft.updated_at),
            user_rev: draft.rev,
        }
    }
}

/// What a draft answers, as a part of its key.
pub(crate) fn answered(reply_to: Option<MessageId>) -> MessageId {
    reply_to.unwrap_or(MessageId::from(Uuid::nil()))
}
