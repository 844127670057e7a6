//! Files: sending them, fetching them, deleting them.

use std::future::ready;

use actix_web::body::SizedStream;
use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use futures_util::{StreamExt, stream};
use tertulia_chat::{Chat, Error, FileLinkView};
use tertulia_domain::FileId;
use utoipa::IntoParams;

use self::ranges::{Wanted, wanted};
use super::{Answer, InPath, NO_STORE, done};
use crate::docs::problems::{
    BadQuery, Conflict, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Caller, Query, chat};
use crate::fields::{Fields, Input, text};
use crate::problem::Problem;

mod avatars;
mod ranges;
mod served;
mod upload;

pub(crate) use avatars::{
    __path_create_avatar_link, __path_delete_avatar, __path_get_avatar, __path_get_small_avatar,
    __path_set_avatar, create_avatar_link, delete_avatar, get_avatar, get_small_avatar, set_avatar,
};
pub(crate) use upload::{__path_upload_file, upload_file};

/// How the caller proves who they are where no header can be sent.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Link {
    /// Of `POST /api/v1/files/{file}/links`, instead of an access token.
    #[param(value_type = Option<String>, required = false, max_length = 256)]
    link: Option<String>,
}

impl Input for Link {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { link: fields.optional("link", text(256))? })
    }
}

/// Whether it is a link that is to prove who asks.
fn brings_link(request: &HttpRequest) -> bool {
    let signed_in = request.headers().contains_key(header::AUTHORIZATION);
    !signed_in && request.query_string().contains("link=")
}

/// Who fetches a file: by an access token, or by a link to it.
pub(crate) struct Reader(tertulia_chat::Caller);

impl FromRequest for Reader {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut who = || {
            if brings_link(request) {
                let Query(Link { link }) =
                    Query::<Link>::from_request(request, payload).into_inner()?;
                let InPath(file) = InPath::<FileId>::from_request(request, payload).into_inner()?;
                let caller = chat(request)?.authenticate_link(&link.unwrap_or_default(), file)?;
                request.extensions_mut().insert(caller.user);
                return Ok(caller);
            }
            let Caller(caller) = Caller::from_request(request, payload).into_inner()?;
            Query::<Link>::from_request(request, payload).into_inner()?;
            Ok(caller)
        };
        std::future::ready(who().map(Self))
    }
}

/// Fetch a file.
///
/// Who sent it may, and whoever may read a message that it belongs to, at this moment: when that
/// ends, so does a download. Always an attachment; images are shown by their thumbnails, or where a
/// page embeds them.
#[utoipa::path(
    get, path = "/api/v1/files/{file}", operation_id = "download_file", tag = "files",
    params(
        ("file" = FileId, Path, description = "The file."),
        Link,
        ("range" = Option<String>, Header, max_length = 1000, example = "bytes=0-99",
            description = "One range of its bytes."),
        ("if-range" = Option<String>, Header, max_length = 1000,
            description = "The `ETag` of what the client has a part of."),
        ("if-none-match" = Option<String>, Header, max_length = 1000,
            description = "The `ETag` of what the client has."),
    ),
    responses(
        (status = 200, description = "The file.", content_type = "application/octet-stream",
            headers(
                ("etag" = String, description = "Of its content."),
                ("content-disposition" = String, description = "Its name."),
            )),
        (status = 206, description = "The part that was asked for.",
            content_type = "application/octet-stream",
            headers(("content-range" = String, description = "Which part."))),
        (status = 304, description = "The client has it.",
            headers(("etag" = String, description = "Of its content."))),
        (status = 416, description = "`range_not_satisfiable`: it has no such part.",
            content_type = "application/problem+json", body = Problem,
            headers(("content-range" = String, description = "How large it is."))),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn download_file(
    request: HttpRequest,
    chat: Data<Chat>,
    Reader(caller): Reader,
    InPath(file): InPath<FileId>,
) -> Answer {
    let file = chat.file(&caller, file).await?;
    let tag = format!("\"{}\"", file.sha256);
    let size = u64::try_from(file.size).unwrap_or_default();
    if ranges::is_held(request.headers(), &tag) {
        return Ok(served::plainly(HttpResponse::NotModified(), &tag).finish());
    }
    let (status, range) = match wanted(request.headers(), &tag, size) {
        Wanted::All => (StatusCode::OK, None),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, Some(range)),
        Wanted::Nothing => return Ok(not_satisfiable(size)),
    };
    let mut response = served::plainly(HttpResponse::build(status), &tag);
    response
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_TYPE, served::content_type(&file.content_type)))
        .insert_header((header::CONTENT_DISPOSITION, served::attachment(&file.name)));
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    if let Some(range) = &range {
        let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        response.insert_header((header::CONTENT_RANGE, part));
    }
    if request.method() == Method::HEAD || length == 0 {
        let nothing = stream::empty::<Result<bytes::Bytes, actix_web::Error>>();
        return Ok(response.body(SizedStream::new(length, nothing)));
    }
    let content = chat.file_content(&caller, &file, range).await?;
    // The length is said already: what ends early is hung up on, and no client takes it for whole.
    let id = file.id;
    let content = content.scan((), move |(), piece| {
        let piece = piece.inspect_err(|error| match error {
            Error::NotFound | Error::Unauthenticated => {
                tracing::info!(file = %id, "a download was ended: it is no longer the reader's");
            }
            error => tracing::warn!(%error, file = %id, "a download was cut off"),
        });
        ready(piece.ok().map(Ok::<_, actix_web::Error>))
    });
    Ok(response.body(SizedStream::new(length, content.boxed_local())))
}

/// Fetch a file's thumbnail.
///
/// A small image, at most 480 pixels wide and high, made anew from what was sent. For whoever may
/// fetch the file.
#[utoipa::path(
    get, path = "/api/v1/files/{file}/thumbnail", operation_id = "download_thumbnail",
    tag = "files",
    params(
        ("file" = FileId, Path, description = "The file."),
        Link,
        ("if-none-match" = Option<String>, Header, max_length = 1000,
            description = "The `ETag` of what the client has."),
    ),
    responses(
        (status = 200, description = "A small image: JPEG, or PNG where something shines through.",
            content_type = "image/jpeg",
            headers(("etag" = String, description = "Of its content."))),
        (status = 304, description = "The client has it.",
            headers(("etag" = String, description = "Of its content."))),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn download_thumbnail(
    request: HttpRequest,
    chat: Data<Chat>,
    Reader(caller): Reader,
    InPath(file): InPath<FileId>,
) -> Answer {
    let (file, small, content_type) = chat.thumbnail(&caller, file).await?;
    let tag = format!("\"{}-thumbnail\"", file.sha256);
    if ranges::is_held(request.headers(), &tag) {
        return Ok(served::plainly(HttpResponse::NotModified(), &tag).finish());
    }
    let mut response = served::plainly(HttpResponse::Ok(), &tag);
    response.insert_header((header::CONTENT_DISPOSITION, "inline"));
    Ok(response.insert_header((header::CONTENT_TYPE, content_type)).body(small))
}

/// Get a link to a file.
///
/// For `<img>` and the like, which can send no `Authorization`. It is good for 60 s, as long as the
/// session that asks lives and its person may read the file.
#[utoipa::path(
    post, path = "/api/v1/files/{file}/links", operation_id = "create_file_link", tag = "files",
    params(("file" = FileId, Path, description = "The file.")),
    responses(
        (status = 201, description = "The link.", body = FileLinkView),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn create_file_link(
    chat: Data<Chat>,
    caller: Caller,
    InPath(file): InPath<FileId>,
) -> Answer {
    let link = chat.file_link(&caller, file).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(link))
}

/// Delete a file.
///
/// One's own, while it belongs to no message; then it goes with the message.
#[utoipa::path(
    delete, path = "/api/v1/files/{file}", operation_id = "delete_file", tag = "files",
    params(("file" = FileId, Path, description = "The file.")),
    responses(
        (status = 204, description = "It is deleted."),
        Unauthenticated, Forbidden, NotFound, Conflict, Unwritable,
    )
)]
pub(crate) async fn delete_file(
    chat: Data<Chat>,
    caller: Caller,
    InPath(file): InPath<FileId>,
) -> Answer {
    chat.delete_file(&caller, file).await?;
    Ok(done())
}

fn not_satisfiable(size: u64) -> HttpResponse {
    let status = StatusCode::RANGE_NOT_SATISFIABLE;
    let detail = format!("it has {size} bytes");
    let problem = Problem::new(status, "range_not_satisfiable", detail);
    let mut response = actix_web::ResponseError::error_response(&problem);
    if let Ok(range) = HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}
