//! What people say.

use actix_web::HttpResponse;
use actix_web::web::Data;
use tertulia_chat::{Chat, HistoryPage, HistoryPart, MessageDraft};
use tertulia_domain::{ChannelId, Fault, FileId, Message, MessageBody, MessageId, MessageView};
use utoipa::{IntoParams, ToSchema};

use super::etag::{self, IfMatch, IfNoneMatch};
use super::paging::{self, MAX_COUNT, opaque};
use super::{Answer, InPath, NO_STORE, done, made, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, NotFound, Silenced, Stale, Unauthenticated,
    Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, content, id, message_id};

/// A message to be sent.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": "Hello!"}))]
pub(crate) struct NewMessage {
    /// A `UUIDv7` of the client's choice. Sent again with the same id, the same message is answered
    /// and nothing is said twice.
    #[schema(value_type = Option<String>, format = Uuid,
        pattern = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")]
    id: Option<MessageId>,
    /// Markdown, kept as it is; more than white space, no NUL. May be missing beside attachments.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 4000,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    content: Option<MessageBody>,
    /// The message of the same channel that it answers.
    reply_to: Option<MessageId>,
    /// One's own files that belong to no message yet, in the order in which they are to be shown.
    #[schema(value_type = Option<Vec<FileId>>, max_items = 10)]
    attachments: Vec<FileId>,
    /// Whether it is what stands in one's draft for that place, which is then emptied with it.
    #[schema(value_type = Option<bool>, required = false, default = false)]
    draft: bool,
}

impl Input for NewMessage {
    fn read(fields: &mut Fields) -> Option<Self> {
        let own = fields.optional("id", message_id);
        let said = content(fields);
        let reply_to = fields.optional("reply_to", id);
        let draft = fields.switch("draft");
        let (content, attachments) = said?;
        let draft = draft?.unwrap_or_default();
        Some(Self { id: own?, content, reply_to: reply_to?, attachments, draft })
    }
}

/// What a message is to say now.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": "Hello, everybody!"}))]
pub(crate) struct MessageEdit {
    /// Markdown, kept as it is; more than white space, no NUL.
    #[schema(value_type = String, min_length = 1, max_length = 4000,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$")]
    content: MessageBody,
}

impl Input for MessageEdit {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { content: fields.required("content", MessageBody::parse)? })
    }
}

/// Which part of a history: the newest, unless one of these says otherwise.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct History {
    /// The `next` of the page before.
    #[param(value_type = Option<String>, required = false, min_length = 1, max_length = 1024,
        pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<i64>,
    /// Messages whose `seq` is below this.
    #[param(required = false, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    before: Option<i64>,
    /// Those right above this `seq`.
    #[param(required = false, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    after: Option<i64>,
    /// Those on both sides of this `seq`, and the message itself.
    #[param(required = false, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    around: Option<i64>,
    /// How many messages at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Input for History {
    fn read(fields: &mut Fields) -> Option<Self> {
        let cursor = paging::cursor(fields, |key| place(&key));
        let before = fields.optional_number("before", 1..=MAX_COUNT);
        let after = fields.optional_number("after", 0..=MAX_COUNT);
        let around = fields.optional_number("around", 1..=MAX_COUNT);
        let limit = paging::limit(fields);
        let (cursor, before, after, around) = (cursor?, before?, after?, around?);
        if [cursor, before, after, around].iter().flatten().count() > 1 {
            let why = "only one of cursor, before, after and around";
            return fields.fault("", Fault::new("not_allowed", why));
        }
        Some(Self { cursor, before, after, around, limit: limit? })
    }
}

impl History {
    fn part(&self) -> HistoryPart {
        match (self.cursor.or(self.before), self.after, self.around) {
            (Some(seq), ..) => HistoryPart::Before(seq),
            (_, Some(seq), _) => HistoryPart::After(seq),
            (.., Some(seq)) => HistoryPart::Around(seq),
            (None, None, None) => HistoryPart::Newest,
        }
    }
}

/// A message, with the tag of what it says.
fn tagged(mut response: HttpResponse, message: &Message) -> HttpResponse {
    let (name, tag) = etag::of(message);
    if let Ok(tag) = tag.parse() {
        response.headers_mut().insert(name, tag);
    }
    response
}

/// Send a message.
///
/// Answered once it is on disk. With an `id`, it can be sent again when the answer was lost.
#[utoipa::path(
    post, path = "/api/v1/channels/{channel}/messages", operation_id = "send_message",
    tag = "messages",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = NewMessage, description = "The message."),
    responses(
        (status = 201, description = "The message.", body = MessageView, headers(
            ("etag" = String, description = "Of its content."),
            ("location" = String, description = "Where it is."),
        )),
        (status = 200, description = "The message that was sent with this id before, as it is now.",
            body = MessageView, headers(("etag" = String, description = "Of its content."))),
        Unauthenticated, Silenced, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn send_message(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(new): Body<NewMessage>,
) -> Answer {
    let draft = MessageDraft {
        id: new.id,
        body: new.content,
        reply_to: new.reply_to,
        attachments: new.attachments,
        drafted: new.draft,
    };
    let (message, new) = chat.send(&caller, channel, draft)?.await?;
    let location = format!("/api/v1/messages/{}", message.id);
    let view = match message.reply_to {
        None if new => MessageView::from(message),
        _ => chat.message(&caller, message.id).await?,
    };
    Ok(tagged(made(new, &location, &view), &view.message))
}

/// Read a channel's history.
///
/// Newest first; `next` leads to older messages. Deleted ones are tombstones.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/messages", operation_id = "list_messages",
    tag = "messages",
    params(("channel" = ChannelId, Path, description = "The channel."), History),
    responses(
        (status = 200, description = "A page of messages.", body = HistoryPage),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_messages(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Query(history): Query<History>,
) -> Answer {
    let page = chat.history(&caller, channel, history.part(), history.limit).await?;
    Ok(ok(&HistoryPage { next: page.next.map(opaque), ..page }))
}

/// A message.
///
/// Of a deleted one, its tombstone.
#[utoipa::path(
    get, path = "/api/v1/messages/{message}", operation_id = "get_message", tag = "messages",
    params(
        ("message" = MessageId, Path, description = "The message."),
        ("if-none-match" = Option<String>, Header, max_length = 1000, example = "\"v1\"",
            description = "The `ETag` of what the client has."),
    ),
    responses(
        (status = 200, description = "The message.", body = MessageView,
            headers(("etag" = String, description = "Of its content."))),
        (status = 304, description = "It says what it said.",
            headers(("etag" = String, description = "Of its content."))),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn get_message(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
    known: IfNoneMatch,
) -> Answer {
    let view = chat.message(&caller, message).await?;
    if known.holds(&view.message) {
        let response = HttpResponse::NotModified().insert_header(NO_STORE).finish();
        return Ok(tagged(response, &view.message));
    }
    Ok(tagged(ok(&view), &view.message))
}

/// Edit one's message.
///
/// Its author may, while still a member.
#[utoipa::path(
    patch, path = "/api/v1/messages/{message}", operation_id = "edit_message", tag = "messages",
    params(
        ("message" = MessageId, Path, description = "The message."),
        ("if-match" = Option<String>, Header, max_length = 1000, example = "\"v1\"",
            description = "The `ETag` of what is to be changed: of anything else, it is not."),
    ),
    request_body(content = MessageEdit, description = "What it is to say."),
    responses(
        (status = 200, description = "The message as it is now.", body = MessageView,
            headers(("etag" = String, description = "Of its content."))),
        Unauthenticated, Forbidden, NotFound, Conflict, Stale, BadBody, Unwritable,
    )
)]
pub(crate) async fn edit_message(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
    IfMatch(expect): IfMatch,
    Body(edit): Body<MessageEdit>,
) -> Answer {
    let (message, _) = chat.edit(&caller, message, edit.content, expect)?.await?;
    let view = chat.message(&caller, message.id).await?;
    Ok(tagged(ok(&view), &view.message))
}

/// Delete a message.
///
/// Its author may, and the channel's owner. What it said is erased; a tombstone stays in its place.
#[utoipa::path(
    delete, path = "/api/v1/messages/{message}", operation_id = "delete_message",
    tag = "messages",
    params(
        ("message" = MessageId, Path, description = "The message."),
        ("if-match" = Option<String>, Header, max_length = 1000, example = "\"v1\"",
            description = "The `ETag` of what is to be deleted: anything else is not."),
    ),
    responses(
        (status = 204, description = "It is deleted."),
        Unauthenticated, Forbidden, NotFound, Stale, Unwritable,
    )
)]
pub(crate) async fn delete_message(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
    IfMatch(expect): IfMatch,
) -> Answer {
    chat.delete(&caller, message, expect)?.await?;
    Ok(done())
}

/// The place that a cursor of history holds, in the one way in which it is written.
pub(super) fn place(key: &str) -> Option<i64> {
    key.parse().ok().filter(|seq: &i64| *seq > 0 && seq.to_string() == key)
}
