//! Reacting to what people say.

use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_domain::{Emoji, Faults, MessageId, Page, ReactedBy, ReactionView};

use super::paging::{Part, page};
use super::{Answer, InPath, done, ok};
use crate::docs::problems::{
    BadEmoji, BadQuery, Conflict, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Caller, Query};
use crate::problem::Problem;

/// The emoji that the path names.
fn emoji(text: &str) -> Result<Emoji, Problem> {
    Emoji::parse(text).map_err(|fault| Faults::one("emoji", fault).into())
}

/// React to a message.
///
/// Members may. With one emoji as often as one likes: it counts once. A message has at most 50
/// different ones.
#[utoipa::path(
    put, path = "/api/v1/messages/{message}/reactions/{emoji}", operation_id = "add_reaction",
    tag = "reactions",
    params(
        ("message" = MessageId, Path, description = "The message."),
        ("emoji" = String, Path, max_length = 64, example = "👍",
            description = "One emoji, percent-encoded."),
    ),
    responses(
        (status = 200, description = "How it stands now.", body = ReactionView),
        Unauthenticated, Forbidden, NotFound, Conflict, BadEmoji, Unwritable,
    )
)]
pub(crate) async fn add_reaction(
    chat: Data<Chat>,
    caller: Caller,
    InPath((message, text)): InPath<(MessageId, String)>,
) -> Answer {
    Ok(ok(&chat.react(&caller, message, emoji(&text)?, true)?.await?))
}

/// Take a reaction back.
///
/// One's own. What is not there can be taken back as well.
#[utoipa::path(
    delete, path = "/api/v1/messages/{message}/reactions/{emoji}",
    operation_id = "remove_reaction", tag = "reactions",
    params(
        ("message" = MessageId, Path, description = "The message."),
        ("emoji" = String, Path, max_length = 64, example = "👍",
            description = "One emoji, percent-encoded."),
    ),
    responses(
        (status = 204, description = "It is not there."),
        Unauthenticated, Forbidden, NotFound, Conflict, BadEmoji, Unwritable,
    )
)]
pub(crate) async fn remove_reaction(
    chat: Data<Chat>,
    caller: Caller,
    InPath((message, text)): InPath<(MessageId, String)>,
) -> Answer {
    chat.react(&caller, message, emoji(&text)?, false)?.await?;
    Ok(done())
}

/// List who has reacted with an emoji.
///
/// In the order of their ids.
#[utoipa::path(
    get, path = "/api/v1/messages/{message}/reactions/{emoji}", operation_id = "list_reactors",
    tag = "reactions",
    params(
        ("message" = MessageId, Path, description = "The message."),
        ("emoji" = String, Path, max_length = 64, example = "👍",
            description = "One emoji, percent-encoded."),
        Part,
    ),
    responses(
        (status = 200, description = "A page of people.", body = Page<ReactedBy>),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_reactors(
    chat: Data<Chat>,
    caller: Caller,
    InPath((message, text)): InPath<(MessageId, String)>,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.reactors(&caller, message, emoji(&text)?, part.request()).await?)))
}
