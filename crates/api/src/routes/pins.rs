//! What is pinned, and what was said before it was edited.

use actix_web::web::Data;
use tertulia_chat::{Chat, HistoryPage};
use tertulia_domain::{ChannelId, MessageEdition, MessageId, Page, PageRequest};
use utoipa::IntoParams;

use super::paging::{self, page};
use super::{Answer, InPath, done, ok};
use crate::docs::problems::{
    BadQuery, Conflict, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Caller, Query};
use crate::fields::{Fields, Input};

/// Part of a message's editions.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EditionPart {
    /// The `next` of the page before; without it, from the last edition.
    #[param(value_type = Option<String>, required = false, min_length = 1, max_length = 1024,
        pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many editions at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Input for EditionPart {
    fn read(fields: &mut Fields) -> Option<Self> {
        let version = |key: &String| {
            let version: Option<i32> = key.parse().ok();
            version.is_some_and(|version| version >= 0 && version.to_string() == *key)
        };
        let cursor = paging::cursor(fields, |key| Some(key).filter(version));
        let limit = paging::limit(fields);
        Some(Self { cursor: cursor?, limit: limit? })
    }
}

/// List pinned messages.
///
/// All of them, the last pinned first: at most 50.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/pins", operation_id = "list_pins", tag = "messages",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 200, description = "What is pinned.", body = HistoryPage),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn list_pins(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    Ok(ok(&chat.pins(&caller, channel).await?))
}

/// Pin a message.
///
/// Moderators may, and everybody in groups and direct conversations. The channel says so.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/pins/{message}", operation_id = "pin_message",
    tag = "messages",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("message" = MessageId, Path, description = "A message of it."),
    ),
    responses(
        (status = 204, description = "It is pinned."),
        Unauthenticated, Forbidden, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn pin_message(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, message)): InPath<(ChannelId, MessageId)>,
) -> Answer {
    chat.pin(&caller, channel, message, true).await?;
    Ok(done())
}

/// Let go of a pinned message.
///
/// Who may pin it may.
#[utoipa::path(
    delete, path = "/api/v1/channels/{channel}/pins/{message}", operation_id = "unpin_message",
    tag = "messages",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("message" = MessageId, Path, description = "A message of it."),
    ),
    responses(
        (status = 204, description = "It is not pinned."),
        Unauthenticated, Forbidden, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn unpin_message(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, message)): InPath<(ChannelId, MessageId)>,
) -> Answer {
    chat.pin(&caller, channel, message, false).await?;
    Ok(done())
}

/// Read what a message said before.
///
/// Each time that it was edited, the last first; the newest hundred, and what it said first. Of a
/// deleted message nothing is left.
#[utoipa::path(
    get, path = "/api/v1/messages/{message}/edits", operation_id = "list_edits", tag = "messages",
    params(("message" = MessageId, Path, description = "The message."), EditionPart),
    responses(
        (status = 200, description = "A page of editions.", body = Page<MessageEdition>),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_edits(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
    Query(EditionPart { cursor, limit }): Query<EditionPart>,
) -> Answer {
    let part = PageRequest { after: cursor, limit };
    Ok(ok(&page(chat.editions(&caller, message, part).await?)))
}
