//! The one shape of every error: RFC 9457 `application/problem+json`, and its codes, which error
//! replies on the socket share.

use std::borrow::Cow;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use tertulia_chat::{Error, Rule};
use tertulia_domain::{Fault, Faults, FieldFault};
use utoipa::ToSchema;

/// The longest wait that clients are told of: who waits for it asks again. A mute may last for years,
/// and a timer of more than 24 days goes off at once in browsers.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the `code` says which problem it is.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "about:blank")]
    kind: &'static str,
    /// The status, in words.
    #[schema(value_type = String, example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// Stable, `snake_case`: what programs look at.
    #[schema(value_type = String, example = "invalid")]
    pub(crate) code: &'static str,
    /// A sentence for people.
    #[schema(value_type = String, example = "the input is not valid")]
    pub(crate) detail: Cow<'static, str>,
    /// All that is wrong with the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FieldFault>,
    #[serde(skip)]
    retry_after: Option<Duration>,
    /// Which limit it is about.
    #[serde(skip)]
    pub(crate) limited: Option<Rule>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl Problem {
    /// A problem with this status, code and sentence.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            limited: None,
        }
    }

    /// What cannot be read at all.
    pub(crate) fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// Nothing is at this path, as far as the caller may know.
    pub(crate) fn not_found() -> Self {
        Self::from(Error::NotFound)
    }

    /// A body above the limit, in bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let detail = format!("at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", detail)
    }

    /// The same with one more fault, if it is of those that say all that is wrong with an input.
    pub(crate) fn with(mut self, field: &'static str, fault: Fault) -> Self {
        if self.code == "invalid" {
            let (code, message) = (fault.code, fault.message);
            self.errors.push(FieldFault { field: field.into(), code, message });
        }
        self
    }

    /// How long a client should wait before it tries again; at most a day.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    fn waiting(self, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after.min(LONGEST_WAIT)), ..self }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        let problem = |status, code| Self::new(status, code, detail);
        match error {
            Error::Unauthenticated => problem(StatusCode::UNAUTHORIZED, "unauthenticated"),
            Error::WrongCredentials => problem(StatusCode::UNAUTHORIZED, "wrong_credentials"),
            Error::WrongPassword => problem(StatusCode::FORBIDDEN, "wrong_password"),
            Error::Disabled => problem(StatusCode::FORBIDDEN, "account_disabled"),
            Error::NotFound => problem(StatusCode::NOT_FOUND, "not_found"),
            Error::Forbidden(_) => problem(StatusCode::FORBIDDEN, "forbidden"),
            Error::Muted(wait) => problem(StatusCode::FORBIDDEN, "muted").waiting(wait),
            Error::SlowMode(wait) => {
                problem(StatusCode::TOO_MANY_REQUESTS, "slow_mode").waiting(wait)
            }
            Error::Conflict(code, _) => problem(StatusCode::CONFLICT, code),
            Error::Invalid(faults) => faults.into(),
            Error::TooLarge(_) => problem(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Error::Stale => problem(StatusCode::PRECONDITION_FAILED, "stale"),
            Error::Limited(refused) => {
                let problem = problem(StatusCode::TOO_MANY_REQUESTS, "too_many_requests");
                Self { limited: Some(refused.rule), ..problem.waiting(refused.wait) }
            }
            Error::TooManyRequests(wait) => {
                problem(StatusCode::TOO_MANY_REQUESTS, "too_many_requests").waiting(wait)
            }
            Error::Overloaded(wait) => {
                problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded").waiting(wait)
            }
            Error::Timeout => {
                problem(StatusCode::SERVICE_UNAVAILABLE, "timeout").waiting(Duration::from_secs(1))
            }
            Error::Full => problem(StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
            Error::Unavailable => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable")
                .waiting(Duration::from_secs(1)),
            Error::Internal => problem(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl From<Faults> for Problem {
    fn from(faults: Faults) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let problem = Self::new(status, "invalid", "the input is not valid");
        Self { errors: faults.into_vec(), ..problem }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(wait) = self.retry_after {
            // Rounded up: who waits for so long is let through.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response.body(serde_json::to_vec(self).unwrap_or_default())
    }
}

/// `Allow` of a path that exists for other methods.
pub(crate) fn method_not_allowed(allowed: &str) -> HttpResponse {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let problem = Problem::new(status, "method_not_allowed", format!("this path takes {allowed}"));
    let mut response = problem.error_response();
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(HeaderName::from_static("allow"), value);
    }
    response
}
