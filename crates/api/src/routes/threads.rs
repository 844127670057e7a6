//! What answers a message.

use actix_web::web::Data;
use tertulia_chat::{Chat, RepliesPage};
use tertulia_domain::MessageId;
use utoipa::IntoParams;

use super::messages::place;
use super::paging::{self, opaque};
use super::{Answer, InPath, done, ok};
use crate::docs::problems::{
    BadQuery, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Caller, Query};
use crate::fields::{Fields, Input};

/// Part of a thread.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ThreadPart {
    /// The `next` of the page before; without it, the thread from its beginning.
    #[param(value_type = Option<String>, required = false, min_length = 1, max_length = 1024,
        pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<i64>,
    /// How many replies at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Input for ThreadPart {
    fn read(fields: &mut Fields) -> Option<Self> {
        let cursor = paging::cursor(fields, |key| place(&key));
        let limit = paging::limit(fields);
        Some(Self { cursor: cursor?, limit: limit? })
    }
}

/// Read a thread.
///
/// The replies to a message with which it began, oldest first. They stand in the channel as well.
/// Of a deleted message they stay.
#[utoipa::path(
    get, path = "/api/v1/messages/{message}/replies", operation_id = "list_replies",
    tag = "messages",
    params(("message" = MessageId, Path, description = "The message."), ThreadPart),
    responses(
        (status = 200, description = "A page of replies.", body = RepliesPage),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_replies(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
    Query(part): Query<ThreadPart>,
) -> Answer {
    let after = part.cursor.unwrap_or_default();
    let page = chat.replies(&caller, message, after, part.limit).await?;
    Ok(ok(&RepliesPage { next: page.next.map(opaque), ..page }))
}

/// Follow a thread.
///
/// The one that the message begins or belongs to. Who began it and who replied follow it already,
/// unless they said that they do not.
#[utoipa::path(
    put, path = "/api/v1/messages/{message}/follow", operation_id = "follow_thread",
    tag = "messages",
    params(("message" = MessageId, Path, description = "The message.")),
    responses(
        (status = 204, description = "One follows it."),
        Unauthenticated, Forbidden, NotFound, Unwritable,
    )
)]
pub(crate) async fn follow_thread(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
) -> Answer {
    chat.follow(&caller, message, true).await?;
    Ok(done())
}

/// Follow a thread no longer.
///
/// Replying changes nothing about that.
#[utoipa::path(
    delete, path = "/api/v1/messages/{message}/follow", operation_id = "unfollow_thread",
    tag = "messages",
    params(("message" = MessageId, Path, description = "The message.")),
    responses(
        (status = 204, description = "One does not follow it."),
        Unauthenticated, Forbidden, NotFound, Unwritable,
    )
)]
pub(crate) async fn unfollow_thread(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
) -> Answer {
    chat.follow(&caller, message, false).await?;
    Ok(done())
}
