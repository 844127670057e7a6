//! How far people have read.

use actix_web::web::Data;
use tertulia_chat::{Chat, ReadView};
use tertulia_domain::{ChannelId, MessageId, Page, ReadBy};
use utoipa::ToSchema;

use super::paging::{MAX_COUNT, Part, page};
use super::{Answer, InPath, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input};

/// A message, by its place.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seq": 1}))]
pub(crate) struct Place {
    /// The message's place in its channel.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    seq: i64,
}

impl Input for Place {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { seq: fields.required_number("seq", 1..=MAX_COUNT)? })
    }
}

/// Mark a channel read.
///
/// Up to the message at `seq`, which must be there; never back. All of one's devices see it, and
/// those who look at the channel, unless one's receipts are off. It is answered once it is on disk:
/// what comes within a second of the last time waits for the second to pass.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/read", operation_id = "mark_read", tag = "reading",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = Place, description = "The last message that one has read."),
    responses(
        (status = 200, description = "How far one has read.", body = ReadView),
        Unauthenticated, Forbidden, NotFound, BadBody, Unwritable,
    )
)]
pub(crate) async fn mark_read(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(Place { seq }): Body<Place>,
) -> Answer {
    Ok(ok(&chat.read(&caller, channel, seq).await?))
}

/// Mark a channel unread.
///
/// From the message at `seq` on, which must be there; never forward. Only one's own devices see it.
#[utoipa::path(
    post, path = "/api/v1/channels/{channel}/unread", operation_id = "mark_unread",
    tag = "reading",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = Place, description = "The first message that is to be unread."),
    responses(
        (status = 200, description = "How far one has read.", body = ReadView),
        Unauthenticated, Forbidden, NotFound, BadBody, Unwritable,
    )
)]
pub(crate) async fn mark_unread(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(Place { seq }): Body<Place>,
) -> Answer {
    Ok(ok(&chat.mark_unread(&caller, channel, seq).await?))
}

/// List how far the others in a channel have read.
///
/// In the order of their ids; without those whose receipts are off, and nobody at all while one's
/// own are.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/reads", operation_id = "list_reads", tag = "reading",
    params(("channel" = ChannelId, Path, description = "The channel."), Part),
    responses(
        (status = 200, description = "A page of people.", body = Page<ReadBy>),
        Unauthenticated, Forbidden, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_reads(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.reads(&caller, channel, part.request()).await?)))
}

/// List whom a message has reached.
///
/// The others in its channel to whom it was delivered, with how far they have read; without its
/// author and those whose receipts are off, and nobody at all while one's own are. A page may have
/// fewer items than asked for.
#[utoipa::path(
    get, path = "/api/v1/messages/{message}/reads", operation_id = "list_message_reads",
    tag = "reading",
    params(("message" = MessageId, Path, description = "The message."), Part),
    responses(
        (status = 200, description = "A page of people.", body = Page<ReadBy>),
        Unauthenticated, Forbidden, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_message_reads(
    chat: Data<Chat>,
    caller: Caller,
    InPath(message): InPath<MessageId>,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.message_reads(&caller, message, part.request()).await?)))
}
