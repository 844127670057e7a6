//! What can be asked over HTTP: every path once, here, and one file a topic.

use std::rc::Rc;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Route, dev, guard};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, method_not_allowed};

mod admin;
mod auth;
mod bans;
mod channels;
mod conversations;
mod drafts;
mod etag;
mod files;
mod guests;
mod home;
mod idempotency;
mod invitations;
mod invites;
mod limits;
mod members;
mod messages;
mod notifications;
mod pages;
mod paging;
mod pins;
mod reactions;
mod reads;
mod search;
mod status;
mod sync;
mod threads;
mod users;

pub(crate) use drafts::NewDraft;
pub(crate) use home::Draining;
pub(crate) use paging::{MAX_COUNT, MAX_LIMIT, opaque};
pub(crate) use status::NewStatus;

/// Registers operations, and names them for the OpenAPI document and its tests.
macro_rules! operations {
    ($($path:literal { $($method:ident $module:ident::$handler:ident),+ })+) => {
        fn configure_operations(service: &mut ServiceConfig) {
            $(service.service(resource($path, [
                $((stringify!($method), on::$method().to($module::$handler))),+
            ]));)+
        }

        /// What the document says of each operation.
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($($module::$handler),+),+))]
        pub(crate) struct Documented;

        /// Method and path of each operation.
        #[cfg(test)]
        pub(crate) const OPERATIONS: &[(&str, &str)] =
            &[$($((stringify!($method), $path)),+),+];
    };
}

// Literals before parameters: the first path that fits is taken.
operations! {
    "/" { get home::home }
    "/health" { get home::health }
    "/ready" { get home::ready }
    "/api/v1/limits" { get limits::limits }

    "/api/v1/auth/register" { post auth::register }
    "/api/v1/auth/login" { post auth::log_in }
    "/api/v1/auth/refresh" { post auth::refresh }
    "/api/v1/auth/logout" { post auth::log_out }
    "/api/v1/auth/password" { post auth::change_password }
    "/api/v1/auth/email" { post auth::change_email }
    "/api/v1/auth/guest" { post guests::enter_as_guest }
    "/api/v1/auth/guest/upgrade" { post guests::upgrade_guest }
    "/api/v1/auth/tickets" { post auth::create_ticket }
    "/api/v1/auth/me" { get auth::me }
    "/api/v1/auth/sessions" { get auth::list_sessions, delete auth::end_all_sessions }
    "/api/v1/auth/sessions/{session}" { delete auth::end_session }

    "/api/v1/users" { get users::list_users }
    "/api/v1/users/me" {
        get users::own_account,
        patch users::update_own_account,
        delete users::delete_own_account
    }
    "/api/v1/users/me/channels" { get users::list_own_channels }
    "/api/v1/users/me/status" { get status::own_status, put status::set_status }
    "/api/v1/users/me/drafts" { get drafts::list_own_drafts }
    "/api/v1/users/me/changes" { get sync::own_changes }
    "/api/v1/users/me/invitations" { get invitations::list_own_invitations }
    "/api/v1/users/me/invitations/{channel}/accept" { post invitations::accept_invitation }
    "/api/v1/users/me/invitations/{channel}/decline" { post invitations::decline_invitation }
    "/api/v1/users/by-username/{username}" { get users::get_user_by_username }
    "/api/v1/users/me/avatar" { put files::set_avatar, delete files::delete_avatar }
    "/api/v1/users/{user}" { get users::get_user }
    "/api/v1/users/{user}/avatar" { get files::get_avatar }
    "/api/v1/users/{user}/avatar/small" { get files::get_small_avatar }
    "/api/v1/users/{user}/avatar/links" { post files::create_avatar_link }

    "/api/v1/search" { get search::search }

    "/api/v1/channels" { get channels::list_channels, post channels::create_channel }
    "/api/v1/channels/{channel}" {
        get channels::get_channel,
        patch channels::update_channel,
        delete channels::delete_channel
    }
    "/api/v1/channels/{channel}/join" { post members::join_channel }
    "/api/v1/channels/{channel}/leave" { post members::leave_channel }
    "/api/v1/channels/{channel}/members" { get members::list_members, post members::add_member }
    "/api/v1/channels/{channel}/members/{user}" {
        put members::set_role,
        delete members::remove_member
    }
    "/api/v1/channels/{channel}/members/{user}/mute" {
        put members::mute_member,
        delete members::unmute_member
    }
    "/api/v1/channels/{channel}/owner" { put members::set_owner }
    "/api/v1/channels/{channel}/bans" { get bans::list_bans }
    "/api/v1/channels/{channel}/bans/{user}" { put bans::ban_user, delete bans::unban_user }
    "/api/v1/channels/{channel}/invites" {
        get invites::list_invites,
        post invites::create_invite
    }
    "/api/v1/channels/{channel}/invites/{invite}" { delete invites::revoke_invite }
    "/api/v1/channels/{channel}/invitations" { post invitations::invite_user }
    "/api/v1/channels/{channel}/messages" {
        get messages::list_messages,
        post messages::send_message
    }
    "/api/v1/channels/{channel}/draft" { put drafts::set_draft, delete drafts::delete_draft }
    "/api/v1/channels/{channel}/read" { put reads::mark_read }
    "/api/v1/channels/{channel}/unread" { post reads::mark_unread }
    "/api/v1/channels/{channel}/reads" { get reads::list_reads }
    "/api/v1/channels/{channel}/changes" { get sync::channel_changes }
    "/api/v1/channels/{channel}/notifications" { put notifications::set_notifications }

    "/api/v1/notifications" { get notifications::list_notifications }
    "/api/v1/notifications/read" { post notifications::read_notifications }
    "/api/v1/notifications/{notification}/read" { put notifications::read_notification }

    "/api/v1/admin/claim" { post admin::claim_admin }
    "/api/v1/admin/users" { get admin::list_users, post admin::create_user }
    "/api/v1/admin/users/{user}" { get admin::get_user, patch admin::update_user }
    "/api/v1/admin/channels" { get admin::list_channels }
    "/api/v1/admin/channels/{channel}" { get admin::get_channel, delete admin::delete_channel }
    "/api/v1/admin/statistics" { get admin::statistics }
    "/api/v1/admin/audit" { get admin::list_audit }

    "/api/v1/invites/{code}" { get invites::get_invite }
    "/api/v1/invites/{code}/join" { post invites::join_by_invite }

    "/api/v1/conversations" { post conversations::create_conversation }

    "/api/v1/files" { post files::upload_file }
    "/api/v1/files/{file}" { get files::download_file, delete files::delete_file }
    "/api/v1/files/{file}/thumbnail" { get files::download_thumbnail }
    "/api/v1/files/{file}/links" { post files::create_file_link }

    "/api/v1/messages/{message}/reads" { get reads::list_message_reads }
    "/api/v1/messages/{message}" {
        get messages::get_message,
        patch messages::edit_message,
        delete messages::delete_message
    }
    "/api/v1/channels/{channel}/pins" { get pins::list_pins }
    "/api/v1/channels/{channel}/pins/{message}" {
        put pins::pin_message,
        delete pins::unpin_message
    }
    "/api/v1/messages/{message}/edits" { get pins::list_edits }
    "/api/v1/messages/{message}/replies" { get threads::list_replies }
    "/api/v1/messages/{message}/follow" {
        put threads::follow_thread,
        delete threads::unfollow_thread
    }
    "/api/v1/messages/{message}/reactions/{emoji}" {
        get reactions::list_reactors,
        put reactions::add_reaction,
        delete reactions::remove_reaction
    }
}

/// Registers every path of the server, and what answers on all others.
pub(crate) fn configure(service: &mut ServiceConfig) {
    configure_operations(service);
    service
        .service(resource("/api/v1/ws", [("get", on::get().to(crate::socket::connect))]))
        .service(resource("/openapi.json", [("get", on::get().to(pages::openapi_json))]))
        .service(resource("/docs", [("get", on::get().to(pages::to_swagger_ui))]))
        .service(resource("/docs/{file:.*}", [("get", on::get().to(pages::swagger_ui))]))
        .service(resource("/redoc", [("get", on::get().to(pages::redoc))]))
        .default_service(
            web::to(not_found)
                .wrap(from_fn(|request, next| crate::limits::enforce("", request, next))),
        );
}

/// Nothing is at this path.
async fn not_found() -> Answer {
    Err(Problem::not_found())
}

/// A path with all that it takes. Other methods are answered 405.
fn resource<const N: usize>(
    path: &'static str,
    routes: [(&'static str, Route); N],
) -> impl HttpServiceFactory {
    let mut allowed = Vec::with_capacity(N + 1);
    let mut resource = web::resource(path);
    for (method, route) in routes {
        allowed.push(method.to_ascii_uppercase());
        if method == "get" {
            allowed.push("HEAD".to_owned());
        }
        resource = resource.route(route);
    }
    let allowed = allowed.join(", ");
    let without_query = crate::docs::without_query(path);
    resource
        .default_service(web::to(move || std::future::ready(method_not_allowed(&allowed))))
        .wrap(from_fn(move |request, next| {
            crate::extract::refuse_query(Rc::clone(&without_query), request, next)
        }))
        .wrap(from_fn(move |request, next| crate::limits::enforce(path, request, next)))
}

/// Routes by method, as the table of operations names them.
mod on {
    use super::{Route, guard, web};

    /// `GET`, and `HEAD`, whose answer goes without its body.
    pub(super) fn get() -> Route {
        web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
    }

    pub(super) use web::{delete, patch, post, put};
}

/// What bodies hold, for the tests of the document.
#[cfg(test)]
pub(crate) mod inputs {
    pub(crate) use super::admin::UserOrder;
    pub(crate) use super::auth::{
        Credentials, EmailChange, NewAccount, PasswordChange, RefreshToken,
    };
    pub(crate) use super::bans::NewBan;
    pub(crate) use super::channels::{ChannelEdit, NewChannel};
    pub(crate) use super::drafts::NewDraft;
    pub(crate) use super::guests::{NewGuest, SigningUp};
    pub(crate) use super::invitations::Invited;
    pub(crate) use super::invites::NewInvite;
    pub(crate) use super::members::{NewMember, NewMute, NewOwner, NewRole};
    pub(crate) use super::messages::{MessageEdit, NewMessage};
    pub(crate) use super::notifications::{NewSetting, UpTo};
    pub(crate) use super::reads::Place;
    pub(crate) use super::status::NewStatus;
    pub(crate) use super::users::{AccountEdit, AccountEnd};
}

/// What a handler gives.
type Answer = Result<HttpResponse, Problem>;

/// 200 with the thing. Answers belong to who asked, at the moment they asked: nobody keeps them.
fn ok(thing: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header(NO_STORE).json(thing)
}

/// 201 with the thing, and where it is.
fn created(location: &str, thing: &impl Serialize) -> HttpResponse {
    let mut response = HttpResponse::Created();
    response.insert_header(NO_STORE).insert_header((header::LOCATION, location)).json(thing)
}

/// 201 when the thing was made, 200 when it was there.
fn made(new: bool, location: &str, thing: &impl Serialize) -> HttpResponse {
    if new { created(location, thing) } else { ok(thing) }
}

/// 204: it is done, and there is nothing to say.
fn done() -> HttpResponse {
    HttpResponse::NoContent().insert_header(NO_STORE).finish()
}

const NO_STORE: (HeaderName, &str) = (header::CACHE_CONTROL, "no-store");

/// What the path names. What cannot be a name is the name of nothing.
struct InPath<T>(T);

impl<T: DeserializeOwned + 'static> FromRequest for InPath<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        let named = path.map(|path| Self(path.into_inner())).map_err(|_| Problem::not_found());
        std::future::ready(named)
    }
}

#[cfg(test)]
mod tests;
