//! What one has begun to write.

use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_domain::{ChannelId, Draft, DraftText, FileId, MessageId, Page, PageRequest};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::paging::{self, page};
use super::{Answer, InPath, done, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, files, id};

/// What a draft is to be.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": "Hello, every"}))]
pub(crate) struct NewDraft {
    /// Markdown, kept as it is; no NUL. With nothing in it and no attachments, the draft is emptied.
    #[schema(value_type = String, max_length = 4000, pattern = r"^[^\x00]*$")]
    pub(crate) content: DraftText,
    /// The message of the same channel that it answers: there is a draft for each.
    pub(crate) reply_to: Option<MessageId>,
    /// One's own files that belong to no message yet, in the order in which they are to be shown.
    #[schema(value_type = Option<Vec<FileId>>, max_items = 10)]
    pub(crate) attachments: Vec<FileId>,
}

impl Input for NewDraft {
    fn read(fields: &mut Fields) -> Option<Self> {
        let content = fields.required("content", DraftText::parse);
        let reply_to = fields.optional("reply_to", id);
        let attachments = files(fields);
        Some(Self { content: content?, reply_to: reply_to?, attachments: attachments? })
    }
}

/// Which draft of a channel.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The message that it answers; without it, the draft that answers none.
    #[param(value_type = Option<MessageId>, required = false)]
    reply_to: Option<MessageId>,
}

impl Input for Which {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { reply_to: fields.optional("reply_to", id)? })
    }
}

/// Part of a list whose keys are those of drafts.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DraftPart {
    /// The `next` of the page before; without it, the list from its beginning.
    #[param(required = false, min_length = 1, max_length = 1024, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Input for DraftPart {
    fn read(fields: &mut Fields) -> Option<Self> {
        let is_id = |text: &str| Uuid::parse_str(text).is_ok();
        let cursor = paging::cursor(fields, |key| {
            let (channel, reply_to) = key.split_once(' ')?;
            (is_id(channel) && is_id(reply_to)).then_some(key)
        });
        let limit = paging::limit(fields);
        Some(Self { cursor: cursor?, limit: limit? })
    }
}

/// Keep a draft.
///
/// What one has begun to write in a channel, or in answer to a message there, as all of one's own
/// devices see it; nobody else does. It is answered once it is on disk: what comes within a second of
/// the last time waits for the second to pass, and is answered with what was written last. It goes
/// when one sends it with `draft: true`, and when one leaves the channel. A person may have 500.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/draft", operation_id = "set_draft", tag = "drafts",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = NewDraft, description = "What one has begun to write."),
    responses(
        (status = 200, description = "The draft.", body = Draft),
        Unauthenticated, Forbidden, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn set_draft(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(new): Body<NewDraft>,
) -> Answer {
    let NewDraft { content, reply_to, attachments } = new;
    Ok(ok(&chat.set_draft(&caller, channel, reply_to, content, attachments)?.await?))
}

/// Empty a draft.
///
/// Where there is none, it stays so.
#[utoipa::path(
    delete, path = "/api/v1/channels/{channel}/draft", operation_id = "delete_draft",
    tag = "drafts",
    params(("channel" = ChannelId, Path, description = "The channel."), Which),
    responses(
        (status = 204, description = "It is empty."),
        Unauthenticated, Forbidden, NotFound, BadQuery, Unwritable,
    )
)]
pub(crate) async fn delete_draft(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Query(which): Query<Which>,
) -> Answer {
    let nothing = DraftText::default();
    chat.set_draft(&caller, channel, which.reply_to, nothing, Vec::new())?.await?;
    Ok(done())
}

/// List one's drafts.
///
/// In the channels that one is in, the newest channel first.
#[utoipa::path(
    get, path = "/api/v1/users/me/drafts", operation_id = "list_own_drafts", tag = "drafts",
    params(DraftPart),
    responses(
        (status = 200, description = "A page of drafts.", body = Page<Draft>),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_own_drafts(
    chat: Data<Chat>,
    caller: Caller,
    Query(part): Query<DraftPart>,
) -> Answer {
    let part = PageRequest { after: part.cursor, limit: part.limit };
    Ok(ok(&page(chat.drafts(&caller, part).await?)))
}
