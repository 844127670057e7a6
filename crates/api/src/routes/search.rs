//! Looking for messages.

use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_domain::{Fault, Page, SearchHit, SearchQuery};
use utoipa::IntoParams;

use super::paging::{self, page};
use super::{Answer, ok};
use crate::docs::problems::{BadQuery, Unauthenticated, Unavailable};
use crate::extract::{Caller, Query};
use crate::fields::{Fields, Input};

/// What is looked for, and which part of what is found.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Looking {
    /// Words, all of which a message has to say; beginnings (`hel*`), phrases (`"green tea"`), and
    /// what it must not say (`-milk`). `from:ann` is said by one of those named, `in:general` in one
    /// of the channels named, by name or id; `after:2026-11-20` from the beginning of that day (UTC)
    /// on, `before:2026-11-21` until then; `has:file`, `has:link`. At most 16 of all of these.
    #[param(value_type = String, min_length = 1, max_length = 256, example = "hello")]
    q: SearchQuery,
    /// The `next` of the page before; without it, from the newest on.
    #[param(value_type = Option<String>, required = false, min_length = 1, max_length = 1024,
        pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many messages at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Input for Looking {
    fn read(fields: &mut Fields) -> Option<Self> {
        let mut faults = Vec::new();
        let q = fields.required("q", |text| {
            SearchQuery::parse(&text).map_err(|mut found| {
                let last = found.pop();
                faults = found;
                last.unwrap_or(Fault::new("invalid", "a query"))
            })
        });
        for fault in faults {
            fields.fault::<()>("q", fault);
        }
        let cursor = paging::cursor(fields, Some);
        let limit = paging::limit(fields);
        Some(Self { q: q?, cursor: cursor?, limit: limit? })
    }
}

/// Find messages.
///
/// In the channels that one may read now, by what they say now, the newest first. Words are compared
/// without case and diacritics; in scripts that do not divide words, and of emoji, any part is found.
/// What was just said is found as soon as it is indexed, within a second or so; what was edited or
/// deleted is not found by what it said from that moment on.
#[utoipa::path(
    get, path = "/api/v1/search", operation_id = "search", tag = "messages",
    params(Looking),
    responses(
        (status = 200, description = "A page of messages.", body = Page<SearchHit>),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn search(
    chat: Data<Chat>,
    caller: Caller,
    Query(looking): Query<Looking>,
) -> Answer {
    let Looking { q, cursor, limit } = looking;
    Ok(ok(&page(chat.search(&caller, q, cursor.as_deref(), limit).await?)))
}
