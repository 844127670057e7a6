//! Who is in a channel, and as what.

use actix_web::web::Data;
use tertulia_chat::{ChannelView, Chat};
use tertulia_domain::{ChannelId, Fault, Member, Page, Role, Timestamp, UserId};
use utoipa::ToSchema;

use super::paging::{Part, page};
use super::{Answer, InPath, done, made, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, id, time};

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

/// What somebody is to be.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "moderator"}))]
pub(crate) struct NewRole {
    /// Their new role.
    #[schema(value_type = GivenRole)]
    role: Role,
}

/// A role that can be given. The owner's is handed on.
#[expect(dead_code, reason = "what the document says of a role")]
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum GivenRole {
    /// Speaks.
    Member,
    /// Changes the channel; adds, removes, mutes and bans members; deletes anyone's messages.
    Moderator,
}

impl Input for NewRole {
    fn read(fields: &mut Fields) -> Option<Self> {
        let role = fields.required("role", |text| match text.as_str() {
            "member" => Ok(Role::Member),
            "moderator" => Ok(Role::Moderator),
            _ => Err(Fault::new("unknown_kind", "member or moderator")),
        });
        Some(Self { role: role? })
    }
}

/// Whose a channel is to be.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user_id": "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a"}))]
pub(crate) struct NewOwner {
    /// A member's account.
    user_id: UserId,
}

impl Input for NewOwner {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { user_id: fields.required("user_id", id)? })
    }
}

/// How long somebody is to be silent.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"until": "2099-11-21T09:30:00.000Z"}))]
pub(crate) struct NewMute {
    /// When they may write again.
    #[schema(value_type = String, format = DateTime, max_length = 64)]
    until: Timestamp,
}

impl Input for NewMute {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { until: fields.required("until", time)? })
    }
}

/// Come into a public channel.
///
/// Coming in twice does nothing more.
#[utoipa::path(
    post, path = "/api/v1/channels/{channel}/join", operation_id = "join_channel",
    tag = "members",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 200, description = "One's place in it.", body = Member),
        Unauthenticated, Forbidden, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn join_channel(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    Ok(ok(&chat.join(&caller, channel).await?))
}

/// Leave a channel.
///
/// Its owner cannot, but of a group: a channel never stands without one. The group is then owned by the
/// moderator who has been in it longest, else by the member who has; who is the last deletes it instead.
#[utoipa::path(
    post, path = "/api/v1/channels/{channel}/leave", operation_id = "leave_channel",
    tag = "members",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 204, description = "One is out of it."),
        Unauthenticated, Forbidden, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn leave_channel(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    chat.leave(&caller, channel).await?;
    Ok(done())
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
/// The owner and moderators of a channel may, and every member of a group. They see all of its history.
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
/// The owner and moderators may, of members of a lower role. From that moment on they see nothing of a
/// private channel.
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

/// Make somebody a member or a moderator.
///
/// The owner may. A guest cannot be a moderator.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/members/{user}", operation_id = "set_role",
    tag = "members",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("user" = UserId, Path, description = "Who."),
    ),
    request_body(content = NewRole, description = "What they are to be."),
    responses(
        (status = 200, description = "Their place in the channel now.", body = Member),
        Unauthenticated, Forbidden, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn set_role(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, user)): InPath<(ChannelId, UserId)>,
    Body(new): Body<NewRole>,
) -> Answer {
    Ok(ok(&chat.set_role(&caller, channel, user, new.role).await?))
}

/// Hand a channel on.
///
/// The owner may, to another member who is no guest, and is a moderator from then on.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/owner", operation_id = "set_owner", tag = "members",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = NewOwner, description = "To whom."),
    responses(
        (status = 200, description = "The channel as it is now.", body = ChannelView),
        Unauthenticated, Forbidden, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn set_owner(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(new): Body<NewOwner>,
) -> Answer {
    Ok(ok(&chat.transfer(&caller, channel, new.user_id).await?))
}

/// Mute somebody for a time.
///
/// The owner and moderators may, of members of a lower role. Who is muted reads on, and writes, edits and
/// reacts no more; going out and coming in again does not end it.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/members/{user}/mute", operation_id = "mute_member",
    tag = "members",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("user" = UserId, Path, description = "Who."),
    ),
    request_body(content = NewMute, description = "For how long."),
    responses(
        (status = 200, description = "Their place in the channel now.", body = Member),
        Unauthenticated, Forbidden, NotFound, BadBody, Unwritable,
    )
)]
pub(crate) async fn mute_member(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, user)): InPath<(ChannelId, UserId)>,
    Body(new): Body<NewMute>,
) -> Answer {
    Ok(ok(&chat.mute(&caller, channel, user, Some(new.until)).await?))
}

/// Let somebody write again.
///
/// Who was not muted stays so.
#[utoipa::path(
    delete, path = "/api/v1/channels/{channel}/members/{user}/mute",
    operation_id = "unmute_member", tag = "members",
    params(
        ("channel" = ChannelId, Path, description = "The channel."),
        ("user" = UserId, Path, description = "Who."),
    ),
    responses(
        (status = 204, description = "They may write."),
        Unauthenticated, Forbidden, NotFound, Unwritable,
    )
)]
pub(crate) async fn unmute_member(
    chat: Data<Chat>,
    caller: Caller,
    InPath((channel, user)): InPath<(ChannelId, UserId)>,
) -> Answer {
    chat.mute(&caller, channel, user, None).await?;
    Ok(done())
}
