//! What happens around every request: its id, its line in the log, and whom it may call.

use std::time::Instant;

use actix_cors::CorsError;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};
use tertulia_domain::UserId;
use uuid::Uuid;

use crate::problem::Problem;
use crate::server::Course;

mod protect;
mod unread;

pub(crate) use protect::protect;
use unread::{Holding, Unread};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives every request an id, which its answer carries, and one line in the log: without its query,
/// its headers or its body, which may hold secrets.
pub(crate) async fn log(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = Instant::now();
    let id = new_id();
    let method = request.method().clone();
    let path = request.path().to_owned();
    let mut response = shape(next.call(request).await?);
    // Who knows the code of a link gets into a channel.
    let pattern = response.request().match_pattern();
    let path = pattern.filter(|pattern| pattern.contains("{code}")).unwrap_or(path);
    let status = response.status().as_u16();
    let user = response.request().extensions().get::<UserId>().map(ToString::to_string);
    let ms = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX) / 1000;
    if status >= 500 {
        tracing::error!(request_id = id, %method, path, status, ms, user, "request");
    } else {
        tracing::info!(request_id = id, %method, path, status, ms, user, "request");
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// A name for a request.
pub(crate) fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Keeps a connection's account of what it waits for, and hangs up on who goes on sending a body
/// that has been answered.
pub(crate) async fn hang_up(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let _answering = request.conn_data::<Course>().map(Course::answering);
    let unread = Unread::hold(&mut request);
    let response = next.call(request).await?;
    Ok(match unread {
        None => response.map_into_left_body(),
        Some(unread) => response
            .map_body(|_, body| Holding { answer: body.boxed(), _unread: unread })
            .map_into_right_body(),
    })
}

/// Gives a refused preflight the shape of all other problems.
fn shape<B: MessageBody + 'static>(
    response: ServiceResponse<B>,
) -> ServiceResponse<impl MessageBody> {
    let refused = response.response().error().and_then(|error| error.as_error::<CorsError>());
    let Some(refused) = refused else { return response.map_into_left_body() };
    let problem = Problem::new(StatusCode::FORBIDDEN, "forbidden", refused.to_string());
    response.into_response(problem.error_response()).map_into_right_body()
}
