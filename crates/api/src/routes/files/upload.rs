//! A file comes in: never held, bounded in time as in size.

use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::{Stream, StreamExt};
use tertulia_chat::{Chat, Error, Upload};
use tertulia_domain::{Fault, Faults, File, FileName};
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::super::{Answer, created};
use crate::docs::problems::{Conflict, TooManyRequests, Unauthenticated, Unwritable};
use crate::extract::{Caller, declared_length, is_packed};
use crate::problem::Problem;

/// Who sends nothing for as long is not waited for.
const STALL: Duration = Duration::from_secs(10);

/// Who is slower than this over all is not either, in bytes a second, after a start.
const SLOWEST: u64 = 4 * 1024;
const START: Duration = Duration::from_mins(1);

/// What a body has beside the file: boundaries and headers.
const AROUND: u64 = 16 * 1024;

/// A form with one file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a body; `upload_file` reads it")]
pub(crate) struct NewFile {
    /// Its bytes. Its name is kept, cut to its last path component; its type is found by looking.
    #[schema(value_type = String, format = Binary, max_length = 104_857_600)]
    file: Vec<u8>,
}

/// Send a file.
///
/// To be attached to a message within 24 hours, else it is forgotten. The server says how large a
/// file may be (100 MiB, unless it is set otherwise), and how much a person may keep.
#[utoipa::path(
    post, path = "/api/v1/files", operation_id = "upload_file", tag = "files",
    request_body(content = NewFile, content_type = "multipart/form-data",
        description = "One part, called `file`."),
    responses(
        (status = 201, description = "The file.", body = File,
            headers(("location" = String, description = "Where it is."))),
        (status = 400, description = "`malformed`: the body cannot be read.",
            content_type = "application/problem+json", body = Problem),
        (status = 408, description = "`request_timeout`: the body took too long.",
            content_type = "application/problem+json", body = Problem),
        (status = 413, description = "`payload_too_large`: the file is larger than files may be.",
            content_type = "application/problem+json", body = Problem),
        (status = 415, description = "`unsupported_media_type`: the body is of another type.",
            content_type = "application/problem+json", body = Problem),
        (status = 422, description = "`invalid`: the form has not just one `file`.",
            content_type = "application/problem+json", body = Problem),
        Unauthenticated, Conflict, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn upload_file(
    request: HttpRequest,
    chat: Data<Chat>,
    caller: Caller,
    payload: Payload,
) -> Answer {
    let max = chat.max_file_bytes();
    let begin = async |name| chat.upload(&caller, name).await;
    let file = receive(&request, payload, max, begin).await?;
    let file = file.ok_or(Error::Internal)?;
    Ok(created(&format!("/api/v1/files/{}", file.id), &file))
}

/// Takes in the one file of a form, of at most `max` bytes, by the upload that `begin` begins.
pub(super) async fn receive(
    request: &HttpRequest,
    payload: Payload,
    max: u64,
    begin: impl AsyncFnOnce(FileName) -> Result<Upload, Error>,
) -> Result<Option<File>, Problem> {
    if request.content_type() != "multipart/form-data" || is_packed(request.headers()) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        let detail = "this path takes multipart/form-data, not compressed";
        return Err(Problem::new(status, "unsupported_media_type", detail));
    }
    if declared_length(request.headers()) as u64 > max.saturating_add(AROUND) {
        return Err(Error::TooLarge(max).into());
    }
    let mut form = Form::new(Multipart::new(request.headers(), payload.into_inner()));
    let Some(mut part) = form.next_part().await? else {
        return Err(fault("missing", "this part is needed"));
    };
    let mut upload = begin(name(&part)).await?;
    while let Some(bytes) = form.next(&mut part).await? {
        form.received += bytes.len() as u64;
        upload.write(bytes).await?;
    }
    drop(part);
    // Only with its end is a form whole: what was cut off is not kept.
    if form.next_part().await?.is_some() {
        return Err(fault("not_allowed", "one file, not several"));
    }
    Ok(upload.finish().await?)
}

/// What its sender calls it, if they say so.
fn name(part: &Field) -> FileName {
    let disposition = part.content_disposition();
    let said = disposition.and_then(|it| {
        let extended = it.get_filename_ext();
        let extended = extended.map(|name| String::from_utf8_lossy(&name.value).into_owned());
        extended.or_else(|| it.get_filename().map(str::to_owned))
    });
    FileName::clean(&said.unwrap_or_default())
}

fn fault(code: &'static str, message: &'static str) -> Problem {
    Faults::one("file", Fault::new(code, message)).into()
}

/// A body in parts whose sender must keep pace.
struct Form {
    multipart: Multipart,
    begun: Instant,
    received: u64,
}

impl Form {
    fn new(multipart: Multipart) -> Self {
        Self { multipart, begun: Instant::now(), received: 0 }
    }

    /// The next part, which must be a `file`.
    async fn next_part(&mut self) -> Result<Option<Field>, Problem> {
        let deadline = self.deadline();
        let part = timeout_at(deadline, self.multipart.next()).await.map_err(|_| late())?;
        let Some(part) = part.transpose().map_err(|error| unreadable(&error))? else {
            return Ok(None);
        };
        match part.name() {
            Some("file") => Ok(Some(part)),
            name => {
                let name: String = name.unwrap_or_default().chars().take(64).collect();
                let why = Fault::new("unknown_field", "there is no such field");
                Err(Faults::one(name, why).into())
            }
        }
    }

    /// The next bytes of a part.
    async fn next<T>(
        &self,
        part: &mut (impl Stream<Item = Result<T, actix_multipart::MultipartError>> + Unpin),
    ) -> Result<Option<T>, Problem> {
        let next = timeout_at(self.deadline(), part.next()).await.map_err(|_| late())?;
        next.transpose().map_err(|error| unreadable(&error))
    }

    fn deadline(&self) -> Instant {
        let slowest = self.begun + START + Duration::from_secs(self.received / SLOWEST);
        slowest.min(Instant::now() + STALL)
    }
}

fn late() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the body took too long")
}

/// What is wrong with a form, without quoting it.
fn unreadable(error: &actix_multipart::MultipartError) -> Problem {
    tracing::debug!(%error, "a form could not be read");
    Problem::malformed("the form cannot be read, or was cut off")
}
