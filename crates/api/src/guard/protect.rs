//! What browsers are told of every answer, and by which names this server may be called.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, ResponseError};

use crate::Config;
use crate::problem::Problem;

/// What holds for all answers.
const ALWAYS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What holds for answers that do not say otherwise: they are no pages, they belong to who asked, at the
/// moment they asked, and no page of another origin may show them without asking as a script does.
const UNLESS_SAID: [(HeaderName, &str); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// For a year (RFC 6797); other names of the same domain are not ours to speak for.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Refuses requests that call this server by a name that is not its own, and says to browsers what
/// its answers are for.
pub(crate) async fn protect(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let config = request.app_data::<Data<Config>>();
    let only_tls = config.is_some_and(|config| config.is_only_tls());
    let mut response = if config.is_some_and(|config| config.knows_host(host.unwrap_or_default())) {
        next.call(request).await?.map_into_left_body()
    } else {
        let status = StatusCode::MISDIRECTED_REQUEST;
        let detail = "this server is not called so; set PUBLIC_URL if it should be";
        let problem = Problem::new(status, "unknown_host", detail);
        request.into_response(problem.error_response()).map_into_right_body()
    };
    say(response.headers_mut(), only_tls);
    Ok(response)
}

fn say(headers: &mut HeaderMap, only_tls: bool) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in UNLESS_SAID {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if only_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
}
