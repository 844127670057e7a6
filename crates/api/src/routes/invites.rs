//! Links into channels.

use actix_web::web::Data;
use tertulia_chat::{Chat, DoorView, InviteDraft, NewInviteView};
use tertulia_domain::{ChannelId, Invite, InviteId, Member, Page, Timestamp};
use utoipa::ToSchema;

use super::paging::{Part, page};
use super::{Answer, InPath, created, done, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, time};

/// How long a link is good, and for how many.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"expires_at": "2099-11-21T09:30:00.000Z", "max_uses": 25}))]
pub(crate) struct NewInvite {
    /// When it is good no more; without it, not before somebody revokes it.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64)]
    expires_at: Option<Timestamp>,
    /// How many people it lets in; without it, as many as come.
    #[schema(minimum = 1, maximum = 10000)]
    max_uses: Option<i32>,
}

impl Input for NewInvite {
    fn read(fields: &mut Fields) -> Option<Self> {
        let expires_at = fields.optional("expires_at", time);
        let max_uses = fields.optional_number("max_uses", 1..=10_000);
        let max_uses = max_uses?.and_then(|uses| i32::try_from(uses).ok());
        Some(Self { expires_at: expires_at?, max_uses })
    }
}

/// Make a link into a channel.
///
/// The owner and moderators may, of any channel but a direct conversation; at most 100 at a time. Its code
/// is shown this once.
#[utoipa::path(
    post, path = "/api/v1/channels/{channel}/invites", operation_id = "create_invite",
    tag = "invites",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = NewInvite, description = "How long it is good; may be `{}`."),
    responses(
        (status = 201, description = "The link, with its code.", body = NewInviteView,
            headers(("location" = String, description = "Where it can be revoked."))),
        Unauthenticated, Forbidden, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn create_invite(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(new): Body<NewInvite>,
) -> Answer {
    let draft = InviteDraft { expires_at: new.expires_at, max_uses: new.max_uses };
    let made = chat.create_invite(&caller, channel, draft).await?;
    let location = format!("/api/v1/channels/{channel}/invites/{}", made.invite.id);
    Ok(created(&location, &made))
}

/// List the links into a channel.
///
/// For its owner and moderators: those that are good, the newest first, without their codes.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/invites", operation_id = "list_invites",
    tag = "invites",
    params(("channel" = ChannelId, Path, description = "The channel."), Part),
    responses(
        (status = 200, description = "A page of links.", body = Page<Invite>),
        Unauthenticated, Forbidden, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_invites(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.invites(&caller, channel, part.request()).await?)))
}

/// Revoke a link into a channel.
///
/// The owner and moderators may. From that moment on it leads nowhere.
#[utoipa::path(
    delete, path = "/api/v1/channels/{channel}/invites/{invite}", operation_id = "revoke_invite",
    tag = "invites",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("invite" = InviteId, Path, description = "The link."),
    ),
    responses(
        (status = 204, description = "It is revoked."),
        Unauthenticated, Forbidden, NotFound, Unwritable,
    )
)]
pub(crate) async fn revoke_invite(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, invite)): InPath<(ChannelId, InviteId)>,
) -> Answer {
    chat.revoke_invite(&caller, channel, invite).await?;
    Ok(done())
}

/// See where a link leads.
///
/// To who is banned there it leads nowhere, as one that is revoked, over or used up.
#[utoipa::path(
    get, path = "/api/v1/invites/{code}", operation_id = "get_invite", tag = "invites",
    params(("code" = String, Path, description = "The link's code.", max_length = 64)),
    responses(
        (status = 200, description = "The channel.", body = DoorView),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn get_invite(
    chat: Data<Chat>,
    caller: Caller,
    InPath(code): InPath<String>,
) -> Answer {
    Ok(ok(&chat.look_in(&caller, &code).await?))
}

/// Come into a channel by a link.
///
/// Who is in it already uses nothing up.
#[utoipa::path(
    post, path = "/api/v1/invites/{code}/join", operation_id = "join_by_invite", tag = "invites",
    params(("code" = String, Path, description = "The link's code.", max_length = 64)),
    responses(
        (status = 200, description = "One's place in the channel.", body = Member),
        Unauthenticated, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn join_by_invite(
    chat: Data<Chat>,
    caller: Caller,
    InPath(code): InPath<String>,
) -> Answer {
    Ok(ok(&chat.join_by_invite(&caller, &code).await?))
}
