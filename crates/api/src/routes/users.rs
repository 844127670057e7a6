//! People.

use actix_web::web::Data;
use tertulia_chat::{Chat, OwnChannelView, OwnView, PersonView, ProfileEdit};
use tertulia_domain::{Bio, DisplayName, Fault, Page, Profile, UserId, Username};
use utoipa::ToSchema;

use super::paging::{Part, Search, page};
use super::{Answer, InPath, done, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, NotFound, TooManyRequests, Unauthenticated, Unavailable,
    Unwritable, WrongPassword,
};
use crate::extract::{Body, Caller, Device, Query};
use crate::fields::{Fields, Input, text};
use crate::problem::Problem;

/// What changes of how one is seen: at least one of these.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display_name": "Ann Lee", "bio": "Likes tea."}))]
pub(crate) struct AccountEdit {
    /// The new display name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64,
        pattern = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$")]
    display_name: Option<DisplayName>,
    /// The new text about oneself, which may be empty.
    #[schema(value_type = Option<String>, max_length = 500, pattern = r"^[^\x00]*$")]
    bio: Option<Bio>,
    /// Whether others see how far one has read, and one how far others have.
    receipts: Option<bool>,
    /// Whether others see when one was last there.
    last_seen: Option<bool>,
}

impl Input for AccountEdit {
    fn read(fields: &mut Fields) -> Option<Self> {
        let display_name = fields.optional("display_name", |text| DisplayName::parse(&text));
        let bio = fields.optional("bio", |text| Bio::parse(&text));
        let receipts = fields.switch("receipts");
        let last_seen = fields.switch("last_seen");
        let edit = Self {
            display_name: display_name?,
            bio: bio?,
            receipts: receipts?,
            last_seen: last_seen?,
        };
        let unseen = edit.receipts.is_none() && edit.last_seen.is_none();
        if unseen && edit.display_name.is_none() && edit.bio.is_none() {
            let fields_of = "display_name, bio, receipts or last_seen";
            return fields.fault("", Fault::new("nothing_to_change", fields_of));
        }
        Some(edit)
    }
}

/// The end of an account.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"password": "correct horse battery staple", "messages": "erase"}))]
pub(crate) struct AccountEnd {
    /// One's password; guests have none.
    #[schema(format = Password, max_length = 1024)]
    password: Option<String>,
    /// What becomes of one's messages.
    #[schema(value_type = Option<MessagesFate>, required = false, default = "keep")]
    messages: MessagesFate,
}

/// What becomes of the messages of a deleted account.
#[derive(Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum MessagesFate {
    /// They stay, as a deleted user's.
    Keep,
    /// They are erased; tombstones stay in their places.
    Erase,
}

impl Input for AccountEnd {
    fn read(fields: &mut Fields) -> Option<Self> {
        let password = fields.optional("password", text(1024));
        let messages = fields.optional("messages", |text| match text.as_str() {
            "keep" => Ok(MessagesFate::Keep),
            "erase" => Ok(MessagesFate::Erase),
            _ => Err(Fault::new("unknown_kind", "keep or erase")),
        });
        Some(Self { password: password?, messages: messages?.unwrap_or(MessagesFate::Keep) })
    }
}

/// Delete one's account.
///
/// One is signed out everywhere, and all that is personal (name, e-mail address, text about oneself,
/// password, devices, addresses) is erased, at once. One's channels are left soon after, each handed
/// to its oldest moderator or member, or deleted when nobody is in it; messages that are to be erased
/// follow. The server's last admin cannot go.
#[utoipa::path(
    delete, path = "/api/v1/users/me", operation_id = "delete_own_account", tag = "users",
    request_body(content = AccountEnd, description = "One's password, and what is to be kept."),
    responses(
        (status = 204, description = "It is deleted."),
        Unauthenticated, WrongPassword, Conflict, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn delete_own_account(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    Body(end): Body<AccountEnd>,
) -> Answer {
    let erase = end.messages == MessagesFate::Erase;
    chat.delete_account(&caller, end.password.as_deref(), erase, &client).await?;
    Ok(done())
}

/// Oneself.
///
/// With what nobody else sees.
#[utoipa::path(
    get, path = "/api/v1/users/me", operation_id = "own_account", tag = "users",
    responses(
        (status = 200, description = "One's account.", body = OwnView),
        Unauthenticated, Unavailable,
    )
)]
pub(crate) async fn own_account(chat: Data<Chat>, caller: Caller) -> Answer {
    Ok(ok(&chat.oneself(&caller).await?))
}

/// Change how one is seen.
///
/// What is not named stays as it is.
#[utoipa::path(
    patch, path = "/api/v1/users/me", operation_id = "update_own_account", tag = "users",
    request_body(content = AccountEdit, description = "What changes."),
    responses(
        (status = 200, description = "One's account as it is now.", body = OwnView),
        Unauthenticated, BadBody, Unwritable,
    )
)]
pub(crate) async fn update_own_account(
    chat: Data<Chat>,
    caller: Caller,
    Body(edit): Body<AccountEdit>,
) -> Answer {
    chat.show(&caller, edit.receipts, edit.last_seen).await?;
    let edit = ProfileEdit { display_name: edit.display_name, bio: edit.bio };
    chat.update_profile(&caller, edit).await?;
    Ok(ok(&chat.oneself(&caller).await?))
}

/// List one's channels.
///
/// The channels and conversations that one is in, the newest first, each with its last message and
/// how much of it is unread.
#[utoipa::path(
    get, path = "/api/v1/users/me/channels", operation_id = "list_own_channels", tag = "channels",
    params(Part),
    responses(
        (status = 200, description = "A page of channels.", body = Page<OwnChannelView>),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_own_channels(
    chat: Data<Chat>,
    caller: Caller,
    Query(part): Query<Part>,
) -> Answer {
    Ok(ok(&page(chat.own_channels(&caller, part.request()).await?)))
}

/// List or find people.
///
/// Everybody, or those whose username begins with `query`, by username.
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "list_users", tag = "users",
    params(Search),
    responses(
        (status = 200, description = "A page of people.", body = Page<Profile>),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_users(
    chat: Data<Chat>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Answer {
    Ok(ok(&page(chat.profiles(&caller, &search.query, search.request()).await?)))
}

/// Somebody, by id.
///
/// Every signed-in account may see every profile.
#[utoipa::path(
    get, path = "/api/v1/users/{user}", operation_id = "get_user", tag = "users",
    params(("user" = UserId, Path, description = "Who.")),
    responses(
        (status = 200, description = "Their profile.", body = PersonView),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn get_user(
    chat: Data<Chat>,
    caller: Caller,
    InPath(user): InPath<UserId>,
) -> Answer {
    Ok(ok(&chat.person(&caller, user).await?))
}

/// Somebody, by username.
///
/// Usernames are compared without case.
#[utoipa::path(
    get, path = "/api/v1/users/by-username/{username}", operation_id = "get_user_by_username",
    tag = "users",
    params(("username" = String, Path, description = "Their username.",
        min_length = 2, max_length = 32, example = "ann")),
    responses(
        (status = 200, description = "Their profile.", body = PersonView),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn get_user_by_username(
    chat: Data<Chat>,
    caller: Caller,
    InPath(username): InPath<String>,
) -> Answer {
    let username = Username::parse(&username).map_err(|_| Problem::not_found())?;
    Ok(ok(&chat.person_by_username(&caller, username.as_str()).await?))
}
