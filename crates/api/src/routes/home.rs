//! Whether the server is there, and where to go from here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use tertulia_chat::Chat;
use utoipa::ToSchema;

use super::{NO_STORE, ok, pages};
use crate::Config;

/// How long the database may take to answer before the server counts as not ready.
const READY_DEADLINE: Duration = Duration::from_secs(2);

/// Whether the server is being stopped; set once by whoever stops it.
pub(crate) struct Draining(pub(crate) Arc<AtomicBool>);

/// What this server is.
#[derive(Serialize, ToSchema)]
struct About {
    /// What it calls itself.
    #[schema(example = "Tertulia")]
    message: String,
    /// Its version.
    #[schema(value_type = String, example = "0.1.0")]
    version: &'static str,
    /// Where its documentation is.
    #[schema(value_type = String, example = "/docs")]
    docs: &'static str,
}

/// The process answers.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
}

/// Whether requests should be sent here.
#[derive(Serialize, ToSchema)]
struct Readiness {
    /// `ready`, `degraded` (requests should still be sent here) or `not_ready`.
    #[schema(value_type = String, example = "ready")]
    status: &'static str,
    /// What this follows from.
    checks: Checks,
}

/// What a server needs to be ready.
#[derive(Serialize, ToSchema)]
struct Checks {
    /// The database answers, and has the tables of this version.
    database: bool,
    /// The server is not being stopped.
    serving: bool,
    /// Where there is a bus to other nodes: that it works. Without it this node hears of what happens on
    /// others a second later, and of who is there and who types not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    bus: Option<bool>,
}

/// What this server is.
///
/// A page for browsers; JSON for everybody else.
#[utoipa::path(
    get, path = "/", operation_id = "home", tag = "server", security(()),
    responses((status = 200, description = "What this server is.", content(
        (About = "application/json"), (String = "text/html")
    )))
)]
pub(crate) async fn home(request: HttpRequest, config: Data<Config>) -> HttpResponse {
    let accepts = request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let mut response = if accepts.into_iter().any(|accept| accept.contains("text/html")) {
        pages::home(&config.app_name)
    } else {
        let message = config.app_name.clone();
        ok(&About { message, version: env!("CARGO_PKG_VERSION"), docs: "/docs" })
    };
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("accept"));
    response
}

/// Whether the process lives.
///
/// Says nothing of the database: restarting the process would not help that.
#[utoipa::path(
    get, path = "/health", operation_id = "health", tag = "server", security(()),
    responses((status = 200, description = "It does.", body = Health))
)]
pub(crate) async fn health() -> HttpResponse {
    ok(&Health { status: "ok" })
}

/// Whether requests should be sent here.
///
/// For whatever balances load: not while the database is away, nor while the server is being
/// stopped. While only the bus to other nodes is away, they should, and `status` is `degraded`.
#[utoipa::path(
    get, path = "/ready", operation_id = "ready", tag = "server", security(()),
    responses(
        (status = 200, description = "They should.", body = Readiness),
        (status = 503, description = "They should not, now.", body = Readiness,
            content_type = "application/json"),
    )
)]
pub(crate) async fn ready(chat: Data<Chat>, draining: Data<Draining>) -> HttpResponse {
    let database = tokio::time::timeout(READY_DEADLINE, chat.is_ready()).await.unwrap_or(false);
    let serving = !draining.0.load(Ordering::Acquire);
    let bus = chat.bus().is_connected();
    let checks = Checks { database, serving, bus };
    if database && serving {
        let status = if bus == Some(false) { "degraded" } else { "ready" };
        return ok(&Readiness { status, checks });
    }
    let not_ready = Readiness { status: "not_ready", checks };
    HttpResponse::ServiceUnavailable().insert_header(NO_STORE).json(not_ready)
}
