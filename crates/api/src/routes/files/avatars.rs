//! Images of people.

use actix_web::dev::Payload as Body;
use actix_web::http::header;
use actix_web::web::{Data, Payload};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use tertulia_chat::{AvatarLinkView, AvatarSize, Chat, OwnView};
use tertulia_domain::{FileId, UserId};
use utoipa::{IntoParams, ToSchema};

use super::upload::receive;
use super::{Answer, InPath, NO_STORE, brings_link, done, ranges, served};
use crate::docs::problems::{
    BadQuery, Conflict, NotFound, TooManyRequests, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Caller, Query, chat};
use crate::fields::{Fields, Input, id, text};
use crate::problem::Problem;

/// A form with an image.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body; `set_avatar` reads it")]
pub(crate) struct NewAvatar {
    /// A PNG, JPEG, GIF or WebP of at most 25 megapixels and 10 MiB.
    #[schema(value_type = String, format = Binary, max_length = 10_485_760)]
    file: Vec<u8>,
}

/// Which image, and how the caller proves who they are where no header can be sent.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// The `avatar` of the person: with it, this address never means another image.
    #[param(value_type = Option<FileId>, required = false)]
    version: Option<FileId>,
    /// Of `POST /api/v1/users/{user}/avatar/links`, instead of an access token, with the `version`
    /// for which it was made.
    #[param(value_type = Option<String>, required = false, max_length = 256)]
    link: Option<String>,
}

impl Input for Which {
    fn read(fields: &mut Fields) -> Option<Self> {
        let version = fields.optional("version", id);
        let link = fields.optional("link", text(256));
        Some(Self { version: version?, link: link? })
    }
}

/// Who looks at which image.
pub(crate) struct Viewer {
    caller: tertulia_chat::Caller,
    version: Option<FileId>,
    /// Whether the address stays good: one with a link does not.
    lasts: bool,
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, body: &mut Body) -> Self::Future {
        let mut who = || {
            if brings_link(request) {
                let Query(Which { version, link }) =
                    Query::<Which>::from_request(request, body).into_inner()?;
                if let Some((link, file)) = link.zip(version) {
                    let caller = chat(request)?.authenticate_link(&link, file)?;
                    request.extensions_mut().insert(caller.user);
                    return Ok(Self { caller, version, lasts: false });
                }
            }
            let Caller(caller) = Caller::from_request(request, body).into_inner()?;
            let Query(Which { version, .. }) =
                Query::<Which>::from_request(request, body).into_inner()?;
            Ok(Self { caller, version, lasts: version.is_some() })
        };
        std::future::ready(who())
    }
}

/// Change one's image.
///
/// A square out of its middle is made anew, at most 512 pixels wide and high, and a small one of 96:
/// of what was sent nothing else is kept. It counts as one's files do.
#[utoipa::path(
    put, path = "/api/v1/users/me/avatar", operation_id = "set_avatar", tag = "users",
    request_body(content = NewAvatar, content_type = "multipart/form-data",
        description = "One part, called `file`."),
    responses(
        (status = 200, description = "One's account as it is now.", body = OwnView),
        (status = 400, description = "`malformed`: the body cannot be read.",
            content_type = "application/problem+json", body = Problem),
        (status = 408, description = "`request_timeout`: the body took too long.",
            content_type = "application/problem+json", body = Problem),
        (status = 413, description = "`payload_too_large`: the image is larger than one may be.",
            content_type = "application/problem+json", body = Problem),
        (status = 415, description = "`unsupported_media_type`: the body is of another type.",
            content_type = "application/problem+json", body = Problem),
        (status = 422, description = "`invalid`: the form has not just one `file`, or it is no image \
            that can be looked into.",
            content_type = "application/problem+json", body = Problem),
        Unauthenticated, Conflict, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn set_avatar(
    request: HttpRequest,
    chat: Data<Chat>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let max = chat.max_avatar_bytes();
    receive(&request, payload, max, async |_| chat.upload_avatar(&caller).await).await?;
    Ok(super::super::ok(&chat.oneself(&caller).await?))
}

/// Take one's image away.
#[utoipa::path(
    delete, path = "/api/v1/users/me/avatar", operation_id = "delete_avatar", tag = "users",
    description = "Where there is none, it stays so.",
    responses(
        (status = 204, description = "There is none."),
        Unauthenticated, Unwritable,
    )
)]
pub(crate) async fn delete_avatar(chat: Data<Chat>, caller: Caller) -> Answer {
    chat.remove_avatar(&caller).await?;
    Ok(done())
}

/// Fetch somebody's image.
///
/// At most 512 pixels wide and high. With the person's `avatar` as `version`, the address never means
/// another image, and can be kept for ever.
#[utoipa::path(
    get, path = "/api/v1/users/{user}/avatar", operation_id = "get_avatar", tag = "users",
    params(
        ("user" = UserId, Path, description = "Who."),
        Which,
        ("if-none-match" = Option<String>, Header, max_length = 1000,
            description = "The `ETag` of what the client has."),
    ),
    responses(
        (status = 200, description = "The image: JPEG, or PNG where something shines through.",
            content_type = "image/jpeg",
            headers(("etag" = String, description = "Of this image."))),
        (status = 304, description = "The client has it.",
            headers(("etag" = String, description = "Of this image."))),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn get_avatar(
    request: HttpRequest,
    chat: Data<Chat>,
    viewer: Viewer,
    InPath(user): InPath<UserId>,
) -> Answer {
    show(&request, &chat, &viewer, user, AvatarSize::Large).await
}

/// Fetch a small image of somebody.
///
/// At most 96 pixels wide and high; as the larger one in all else.
#[utoipa::path(
    get, path = "/api/v1/users/{user}/avatar/small", operation_id = "get_small_avatar",
    tag = "users",
    params(
        ("user" = UserId, Path, description = "Who."),
        Which,
        ("if-none-match" = Option<String>, Header, max_length = 1000,
            description = "The `ETag` of what the client has."),
    ),
    responses(
        (status = 200, description = "The image: JPEG, or PNG where something shines through.",
            content_type = "image/jpeg",
            headers(("etag" = String, description = "Of this image."))),
        (status = 304, description = "The client has it.",
            headers(("etag" = String, description = "Of this image."))),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn get_small_avatar(
    request: HttpRequest,
    chat: Data<Chat>,
    viewer: Viewer,
    InPath(user): InPath<UserId>,
) -> Answer {
    show(&request, &chat, &viewer, user, AvatarSize::Small).await
}

/// Get links to somebody's image.
///
/// For `<img>` and the like, which can send no `Authorization`. They are good for 60 s, as long as the
/// session that asks lives and the image is the person's.
#[utoipa::path(
    post, path = "/api/v1/users/{user}/avatar/links", operation_id = "create_avatar_link",
    tag = "users",
    params(("user" = UserId, Path, description = "Who.")),
    responses(
        (status = 201, description = "The links.", body = AvatarLinkView),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn create_avatar_link(
    chat: Data<Chat>,
    caller: Caller,
    InPath(user): InPath<UserId>,
) -> Answer {
    let link = chat.avatar_link(&caller, user).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(link))
}

async fn show(
    request: &HttpRequest,
    chat: &Chat,
    viewer: &Viewer,
    user: UserId,
    size: AvatarSize,
) -> Answer {
    let (id, image, content_type) = chat.avatar(&viewer.caller, user, viewer.version, size).await?;
    let tag = match size {
        AvatarSize::Large => format!("\"{id}\""),
        AvatarSize::Small => format!("\"{id}-small\""),
    };
    let mut response = if ranges::is_held(request.headers(), &tag) {
        served::plainly(HttpResponse::NotModified(), &tag)
    } else {
        served::plainly(HttpResponse::Ok(), &tag)
    };
    if viewer.lasts {
        let for_ever = "private, max-age=31536000, immutable";
        response.insert_header((header::CACHE_CONTROL, for_ever));
    }
    if ranges::is_held(request.headers(), &tag) {
        return Ok(response.finish());
    }
    response.insert_header((header::CONTENT_DISPOSITION, "inline"));
    Ok(response.insert_header((header::CONTENT_TYPE, content_type)).body(image))
}
