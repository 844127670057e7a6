//! Who is in a channel.

use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_domain::{ChannelId, Member, Page, UserId};
use utoipa::ToSchema;

use super::paging::{Part, page};
use super::{Answer, InPath, done, made, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, id};

/// Who is to be brought in.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user_id": "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a"}))]
pub(crate) struct NewMember {
    /// Their account.
    user_id: UserId,
}

impl Input for NewMember {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { user_id: fields.required("user_id", id)? })
    }
}

/// List a channel's members.
///
/// Those who are in it now, in the order of their ids.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/members", operation_id = "list_members",
    tag = "members",
    params(("channel" = ChannelId, Path, description = "The channel."), Part),
    responses(
        (status = 200, description = "A page of members.", body = Page<Member>),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_members(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.members(&caller, channel, part.request()).await?)))
}

/// Bring somebody into a channel.
///
/// The owner of a channel may, and every member of a group. They see all of its history.
#[utoipa::path(
    post, path = "/api/v1/channels/{channel}/members", operation_id = "add_member",
    tag = "members",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = NewMember, description = "Who."),
    responses(
        (status = 201, description = "They are in it now.", body = Member,
            headers(("location" = String, description = "Their place in the channel."))),
        (status = 200, description = "They were in it.", body = Member),
        Unauthenticated, Forbidden, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn add_member(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(new): Body<NewMember>,
) -> Answer {
    let (member, new) = chat.add_member(&caller, channel, new.user_id).await?;
    let location = format!("/api/v1/channels/{channel}/members/{}", member.user_id);
    Ok(made(new, &location, &member))
}

/// Send somebody out of a channel.
///
/// The owner may. From that moment on they see nothing of a private channel.
#[utoipa::path(
    delete, path = "/api/v1/channels/{channel}/members/{user}", operation_id = "remove_member",
    tag = "members",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("user" = UserId, Path, description = "Who."),
    ),
    responses(
        (status = 204, description = "They are out of it."),
        Unauthenticated, Forbidden, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn remove_member(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, user)): InPath<(ChannelId, UserId)>,
) -> Answer {
    chat.remove_member(&caller, channel, user).await?;
    Ok(done())
}
