//! Asking one person into a channel.

use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_domain::{ChannelId, Invitation, Member, Page, UserId};
use utoipa::ToSchema;

use super::paging::{Part, page};
use super::{Answer, InPath, done, made, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, NotFound, TooManyRequests, Unauthenticated,
    Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, id};

/// Who is asked.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user_id": "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a"}))]
pub(crate) struct Invited {
    /// Their account.
    user_id: UserId,
}

impl Input for Invited {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { user_id: fields.required("user_id", id)? })
    }
}

/// Ask somebody to come into a channel.
///
/// Members of a public channel or of a group may; of a private channel, its owner and moderators. Only who is
/// asked can answer.
#[utoipa::path(
    post, path = "/api/v1/channels/{channel}/invitations", operation_id = "invite_user",
    tag = "invites",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = Invited, description = "Who."),
    responses(
        (status = 201, description = "The invitation.", body = Invitation,
            headers(("location" = String, description = "Where they find it."))),
        (status = 200, description = "The invitation that they have not answered.",
            body = Invitation),
        Unauthenticated, Forbidden, NotFound, Conflict, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn invite_user(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(new): Body<Invited>,
) -> Answer {
    let (invitation, new) = chat.invite(&caller, channel, new.user_id).await?;
    Ok(made(new, "/api/v1/users/me/invitations", &invitation))
}

/// List one's invitations.
///
/// Those that one has not answered, the newest channel first.
#[utoipa::path(
    get, path = "/api/v1/users/me/invitations", operation_id = "list_own_invitations",
    tag = "invites",
    params(Part),
    responses(
        (status = 200, description = "A page of invitations.", body = Page<Invitation>),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_own_invitations(
    chat: Data<Chat>,
    caller: Caller,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.invitations(&caller, part.request()).await?)))
}

/// Accept an invitation.
///
/// One is in the channel then.
#[utoipa::path(
    post, path = "/api/v1/users/me/invitations/{channel}/accept",
    operation_id = "accept_invitation", tag = "invites",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 200, description = "One's place in the channel.", body = Member),
        Unauthenticated, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn accept_invitation(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    Ok(ok(&chat.accept(&caller, channel).await?))
}

/// Decline an invitation.
///
/// Nobody is told; one may be asked again.
#[utoipa::path(
    post, path = "/api/v1/users/me/invitations/{channel}/decline",
    operation_id = "decline_invitation", tag = "invites",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 204, description = "It is declined."),
        Unauthenticated, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn decline_invitation(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    chat.decline(&caller, channel).await?;
    Ok(done())
}
