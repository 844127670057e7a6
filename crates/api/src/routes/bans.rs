//! Who may not come into a channel.

use actix_web::web::Data;
use serde::{Deserialize, Deserializer};
use tertulia_chat::{BanDraft, BanView, Chat, Whom};
use tertulia_domain::{BanReason, ChannelId, Page, Timestamp};
use utoipa::ToSchema;

use super::paging::{Part, page};
use super::{Answer, InPath, done, made, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, time};

/// Why and how long.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Spam", "expires_at": "2099-11-21T09:30:00.000Z"}))]
pub(crate) struct NewBan {
    /// Why; only moderators see it.
    #[schema(value_type = Option<String>, required = false, max_length = 500,
        pattern = r"^[^\x00]*$")]
    reason: BanReason,
    /// When it is over; without it, not before somebody lifts it.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64)]
    expires_at: Option<Timestamp>,
}

impl Input for NewBan {
    fn read(fields: &mut Fields) -> Option<Self> {
        let reason = fields.optional("reason", |text| BanReason::parse(&text));
        let expires_at = fields.optional("expires_at", time);
        Some(Self { reason: reason?.unwrap_or_default(), expires_at: expires_at? })
    }
}

/// Somebody in a path: their id, or `@` and their username.
pub(crate) struct Named(Whom);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix('@') {
            // No name has a NUL, and PostgreSQL cannot be asked for one.
            Some(name) if name.contains('\0') => Err(serde::de::Error::custom("no name")),
            Some(name) => Ok(Self(Whom::Username(name.to_owned()))),
            None => text.parse().map(|id| Self(Whom::Id(id))).map_err(serde::de::Error::custom),
        }
    }
}

/// List who is banned from a channel.
///
/// For its owner and moderators: everybody who is banned now, in the order of their ids.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/bans", operation_id = "list_bans", tag = "members",
    params(("channel" = ChannelId, Path, description = "The channel."), Part),
    responses(
        (status = 200, description = "A page of bans.", body = Page<BanView>),
        Unauthenticated, Forbidden, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_bans(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.bans(&caller, channel, part.request()).await?)))
}

/// Ban somebody from a channel.
///
/// The owner and moderators may: anybody who is not in it, and members of a lower role. From that
/// moment on they see nothing of it, even if it is public, and cannot come in by any way. Everybody
/// there hears that they are banned; why and how long, only moderators. Again with something else,
/// it becomes that.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/bans/{user}", operation_id = "ban_user",
    tag = "members",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("user" = String, Path, description = "Their id, or `@` and their username.",
            max_length = 128, example = "@eve"),
    ),
    request_body(content = NewBan, description = "Why and how long; may be `{}`."),
    responses(
        (status = 201, description = "They are banned now.", body = BanView,
            headers(("location" = String, description = "Where it is."))),
        (status = 200, description = "They were banned; the ban as it is now.", body = BanView),
        Unauthenticated, Forbidden, NotFound, BadBody, Unwritable,
    )
)]
pub(crate) async fn ban_user(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, whom)): InPath<(ChannelId, Named)>,
    Body(new): Body<NewBan>,
) -> Answer {
    let draft = BanDraft { reason: new.reason, expires_at: new.expires_at };
    let (ban, new) = chat.ban(&caller, channel, whom.0, draft).await?;
    Ok(made(new, &format!("/api/v1/channels/{channel}/bans/{}", ban.user.id), &ban))
}

/// Let somebody come into a channel again.
///
/// They are not in it by that. A ban that is over is none.
#[utoipa::path(
    delete, path = "/api/v1/channels/{channel}/bans/{user}", operation_id = "unban_user",
    tag = "members",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("user" = String, Path, description = "Their id, or `@` and their username.",
            max_length = 128, example = "@eve"),
    ),
    responses(
        (status = 204, description = "They may come."),
        Unauthenticated, Forbidden, NotFound, Unwritable,
    )
)]
pub(crate) async fn unban_user(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, whom)): InPath<(ChannelId, Named)>,
) -> Answer {
    chat.unban(&caller, channel, whom.0).await?;
    Ok(done())
}
