//! What handlers take: who asks, and what they say, already parsed.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError};
use bytes::BytesMut;
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use tertulia_chat::{Chat, Client, Error};

use crate::Config;
use crate::fields::{Fields, Input, Object};
use crate::problem::Problem;

/// The largest body of a request: 256 KiB.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// A body that is not there after this time is not waited for any longer. (Actix has a deadline
/// for heads only.)
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Who asks: proven by `Authorization: Bearer`.
pub(crate) struct Caller(pub(crate) tertulia_chat::Caller);

impl std::ops::Deref for Caller {
    type Target = tertulia_chat::Caller;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).map(Self))
    }
}

fn authenticate(request: &HttpRequest) -> Result<tertulia_chat::Caller, Problem> {
    // The limits have asked already, if there are any.
    let known = request.extensions().get::<tertulia_chat::Caller>().copied();
    let caller = if let Some(caller) = known {
        caller
    } else {
        let token = bearer(request.headers()).ok_or(Error::Unauthenticated)?;
        chat(request)?.authenticate(token)?
    };
    request.extensions_mut().insert(caller.user);
    let address = Some(config(request)?.client_address(request));
    Ok(tertulia_chat::Caller { address, ..caller })
}

/// The token of an `Authorization: Bearer` header, whose scheme is compared without case.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The device that asks.
pub(crate) struct Device(pub(crate) Client);

impl FromRequest for Device {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(header::USER_AGENT);
        let user_agent = user_agent.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let client = config(request).map(|config| Client {
            address: config.client_address(request),
            user_agent: user_agent.to_owned(),
        });
        ready(client.map(Self))
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: Input + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.content_type().to_ascii_lowercase();
        let payload = payload.take();
        let declared = declared_length(request.headers());
        let packed = is_packed(request.headers());
        Box::pin(async move {
            if kind != "application/json" || packed {
                return Err(unsupported("application/json"));
            }
            let bytes = read_body(payload, declared).await?;
            let Object(map) = serde_json::from_slice(&bytes).map_err(|error| json(&error))?;
            Ok(Self(Fields::of_object(map).read()?))
        })
    }
}

/// A body that is JSON or a form.
pub(crate) struct BodyOrForm<T>(pub(crate) T);

impl<T: Input + 'static> FromRequest for BodyOrForm<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request.content_type().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let payload = payload.take();
            let declared = declared_length(request.headers());
            let packed = is_packed(request.headers());
            return Box::pin(async move {
                if packed {
                    return Err(unsupported("application/x-www-form-urlencoded"));
                }
                let bytes = read_body(payload, declared).await?;
                Ok(Self(Fields::of_form(&bytes).read()?))
            });
        }
        let body = Body::<T>::from_request(request, payload);
        Box::pin(async move { body.await.map(|Body(input)| Self(input)) })
    }
}

/// The query string.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: Input> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let fields = Fields::of_query(request.query_string());
        ready(fields.read().map(Self).map_err(Problem::from))
    }
}

/// The query string of an operation that has no parameters.
struct NoQuery;

impl Input for NoQuery {
    fn read(_: &mut Fields) -> Option<Self> {
        Some(Self)
    }
}

/// Refuses parameters where an operation has none; where it has some, [`Query`] does. Where one has to
/// sign in, that is said first.
pub(crate) async fn refuse_query<B: MessageBody + 'static>(
    without_query: Rc<[(Method, bool)]>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
    let operation = without_query.iter().find(|(its, _)| its == method);
    if let Some((_, protected)) = operation
        && let Err(faults) = Fields::of_query(request.query_string()).read::<NoQuery>()
    {
        let stranger = protected.then(|| authenticate(request.request()).err()).flatten();
        let problem = stranger.unwrap_or_else(|| faults.into());
        return Ok(request.into_response(problem.error_response()).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

pub(crate) fn chat(request: &HttpRequest) -> Result<&Chat, Problem> {
    request.app_data::<Data<Chat>>().map(|chat| &***chat).ok_or(Problem::from(Error::Internal))
}

pub(crate) fn config(request: &HttpRequest) -> Result<&Config, Problem> {
    request
        .app_data::<Data<Config>>()
        .map(|config| &***config)
        .ok_or(Problem::from(Error::Internal))
}

pub(crate) fn declared_length(headers: &HeaderMap) -> usize {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|text| text.parse().ok()).unwrap_or_default()
}

async fn read_body(mut payload: Payload, declared: usize) -> Result<BytesMut, Problem> {
    if declared > MAX_BODY {
        return Err(Problem::too_large(MAX_BODY));
    }
    let mut body = BytesMut::with_capacity(declared);
    let read = async {
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::malformed("the body could not be read"))?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Problem::too_large(MAX_BODY));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(())
    };
    let late = |_| {
        let status = StatusCode::REQUEST_TIMEOUT;
        Problem::new(status, "request_timeout", "the body took too long")
    };
    tokio::time::timeout(BODY_DEADLINE, read).await.map_err(late)??;
    Ok(body)
}

/// Whether a body is compressed. Nothing is unpacked here: what is small when packed may be huge.
pub(crate) fn is_packed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING);
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn unsupported(expected: &'static str) -> Problem {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let detail = format!("this path takes {expected}, not compressed");
    Problem::new(status, "unsupported_media_type", detail)
}

/// What is wrong with a text that should be a JSON object, without quoting it.
pub(crate) fn json(error: &serde_json::Error) -> Problem {
    // Two things that other parsers take; what they are called is tested.
    let why = error.to_string();
    let what = match error.classify() {
        serde_json::error::Category::Data => {
            "a JSON object in which no field comes twice is needed"
        }
        _ if why.starts_with("recursion limit exceeded") => "the JSON is nested too deeply",
        _ if why.contains("surrogate") || why.contains("of hex escape") => {
            "an escape is only half of a character: a lone surrogate"
        }
        _ => "this is not JSON",
    };
    Problem::malformed(format!("{what} (line {}, column {})", error.line(), error.column()))
}
