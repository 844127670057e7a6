//! How much is too much.

use actix_web::HttpResponse;
use actix_web::web::Data;
use tertulia_chat::Chat;

use super::ok;
use crate::limits::LimitsView;

/// How much is too much.
///
/// How large things may be, and how often things may be done. Every answer says in `RateLimit-Policy`
/// which of these it counted for, and in `RateLimit` what is left of them; of those for signing in and
/// up, which one cannot know of before, only when they are too many.
#[utoipa::path(
    get, path = "/api/v1/limits", operation_id = "limits", tag = "server", security(()),
    responses((status = 200, description = "The limits.", body = LimitsView))
)]
pub(crate) async fn limits(chat: Data<Chat>) -> HttpResponse {
    ok(&LimitsView::of(&chat))
}
