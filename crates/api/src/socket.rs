//! `GET /api/v1/ws`: the socket's handshake.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::ws;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use bytes::Bytes;
use tertulia_chat::{Caller, Chat, Error, Rule};
use tertulia_domain::Timestamp;
use tertulia_realtime::{CloseReason, Connection, Worker};

use crate::extract::{bearer, config};
use crate::fields::{Fields, Input, text, time};
use crate::problem::Problem;
use crate::server::{self, Course};

mod frames;
mod incoming;
mod limited;
mod looking;
mod session;

pub use frames::CLIENT_FRAMES;
pub(crate) use incoming::MAX_MESSAGE;
pub(crate) use looking::{MAX_FOCUS, MAX_VISITS};
pub(crate) use session::MAX_UNANSWERED;

/// The subprotocol, echoed when a client offers it.
const PROTOCOL: &str = "tertulia.v1";

/// What a browser offers beside it, since it can set no header: `ticket.<ticket>`.
const TICKET_PREFIX: &str = "ticket.";

/// Opens a socket. All that is refused is refused before the upgrade.
pub(crate) async fn connect(
    request: HttpRequest,
    payload: Payload,
    chat: Data<Chat>,
    worker: Data<Worker>,
) -> Result<HttpResponse, Problem> {
    if !config(&request)?.knows_origin(&request) {
        return Err(Error::Forbidden("pages of this origin may not connect").into());
    }
    if let Err(error) = ws::verify_handshake(request.head()) {
        return Ok(upgrade_required(error));
    }
    // Not before: what is no handshake is told so first.
    let opening = Fields::of_query(request.query_string()).read::<Opening>();
    let Opening { since, ticket } = opening.or_else(|faults| {
        // Nor before one has shown something; a ticket is not used up by it.
        match (bearer(request.headers()), offered_ticket(&request)) {
            (Some(token), _) => chat.authenticate(token).map(drop)?,
            (None, Some(_)) => {}
            (None, None) => return Err(Error::Unauthenticated.into()),
        }
        Err(Problem::from(faults))
    })?;
    let caller = authenticate(&request, &chat, ticket.as_deref()).await?;
    let address = Some(config(&request)?.client_address(&request));
    let caller = Caller { address, ..caller };
    let throttle = chat.throttle();
    let opened = throttle.take(&[throttle.charge(Rule::Sockets, caller.user)], |_| {});
    opened.map_err(Error::from)?;
    if worker.is_draining() {
        return Err(Error::Unavailable.into());
    }
    let connection = worker.connect(caller.user, caller.session);
    // The session may have ended between the proof and the moment from which its end is heard.
    chat.still(caller)?;
    let mut response = ws::handshake_response(request.head());
    if offered(&request).any(|protocol| protocol == PROTOCOL) {
        let protocol = HeaderValue::from_static(PROTOCOL);
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, protocol));
    }
    let course = request.conn_data::<Course>().map(Course::becomes_socket);
    let body = Outgoing { connection: connection.clone(), _course: course };
    let session = session::Session::new(Chat::clone(&chat), caller, connection, since);
    actix_web::rt::spawn(session.run(payload));
    let response = response.message_body(BoxBody::new(body)).map_err(|_| Error::Internal)?;
    Ok(response.into())
}

/// What is no handshake is told what would be one (RFC 6455 §4.4, RFC 9110 §15.5.22).
fn upgrade_required(error: ws::HandshakeError) -> HttpResponse {
    let detail = format!("a WebSocket handshake: {error}");
    let problem = Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail);
    let mut response = problem.error_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

/// The query of a handshake.
struct Opening {
    /// The server time of the client's last `ready`.
    since: Option<Timestamp>,
    ticket: Option<String>,
}

impl Input for Opening {
    fn read(fields: &mut Fields) -> Option<Self> {
        let since = fields.optional("since", time);
        let ticket = fields.optional("ticket", text(512));
        Some(Self { since: since?, ticket: ticket? })
    }
}

async fn authenticate(
    request: &HttpRequest,
    chat: &Chat,
    ticket: Option<&str>,
) -> Result<Caller, Problem> {
    if let Some(token) = bearer(request.headers()) {
        return Ok(chat.authenticate(token)?);
    }
    let ticket = offered_ticket(request).or(ticket).ok_or(Error::Unauthenticated)?;
    Ok(chat.redeem(ticket).await?)
}

fn offered_ticket(request: &HttpRequest) -> Option<&str> {
    offered(request).find_map(|protocol| protocol.strip_prefix(TICKET_PREFIX))
}

fn offered(request: &HttpRequest) -> impl Iterator<Item = &str> {
    request
        .headers()
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// What is written to the socket: the body of the 101 response, straight from the outbox. All that
/// waits goes into one write.
struct Outgoing {
    connection: Connection,
    /// From now on the outbox and the heartbeat say who is too slow.
    _course: Option<server::Socket>,
}

impl MessageBody for Outgoing {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.connection.poll_next(cx).map(|chunk| chunk.map(Ok))
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // The connection has gone: the session must not wait for what it will never send.
        self.connection.close(CloseReason::Normal);
    }
}
