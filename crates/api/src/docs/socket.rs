//! The WebSocket's handshake, as the document shows it. What is said over it, OpenAPI has no words
//! for.

use super::problems::{BadQuery, Forbidden, Unauthenticated, Unavailable};

/// Open a WebSocket.
///
/// All that one may hear, and one's own requests, as JSON frames: `docs/PROTOCOL.md` describes
/// them. Proof of identity is an `Authorization` header, or, for browsers, a ticket from `POST
/// /api/v1/auth/tickets`: as subprotocols `tertulia.v1, ticket.<ticket>`, or as `?ticket=<ticket>`.
#[utoipa::path(
    get, path = "/api/v1/ws", operation_id = "connect", tag = "socket",
    params(
        ("ticket" = Option<String>, Query, max_length = 512, description = "A ticket."),
        ("since" = Option<String>, Query, max_length = 64, example = "2026-11-21T09:30:00.000Z",
            description = "The `server_time` of an earlier `ready`: channels that have not moved \
                since are left out of this one."),
        ("sec-websocket-protocol" = Option<String>, Header, max_length = 1024,
            example = "tertulia.v1, ticket.…", description = "`tertulia.v1`, and a ticket."),
    ),
    security(("bearer" = []), ("password" = []), ()),
    responses(
        (status = 101, description = "The socket is open; `ready` is its first frame."),
        Unauthenticated, Forbidden, BadQuery,
        (status = 426, description = "This is no WebSocket handshake.",
            body = crate::problem::Problem, content_type = "application/problem+json"),
        Unavailable,
    )
)]
#[expect(dead_code, reason = "only the document reads it: `crate::socket` answers")]
fn connect() {}
