//! How one wants to be seen.

use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_domain::{Availability, Emoji, Fault, OwnStatus, Status, StatusText, Timestamp};
use utoipa::ToSchema;

use super::{Answer, ok};
use crate::docs::problems::{BadBody, Unauthenticated, Unavailable, Unwritable};
use crate::extract::{Body, Caller};
use crate::fields::{Fields, Input, time};

/// How one wants to be seen.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "dnd", "text": "At lunch", "emoji": "🍜", "expires_at": "2099-11-21T10:30:00.000Z"}))]
pub(crate) struct NewStatus {
    /// How one wants to be seen.
    status: Availability,
    /// In one's own words, on one line; empty without it.
    #[schema(value_type = Option<String>, required = false, max_length = 100,
        pattern = r"^[^\x00-\x1f]*$")]
    text: StatusText,
    /// In one emoji.
    #[schema(value_type = Option<String>, max_length = 64)]
    emoji: Option<Emoji>,
    /// When all of this is over; without it, not before one says otherwise.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64)]
    expires_at: Option<Timestamp>,
}

impl Input for NewStatus {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status = fields.required("status", |text| match text.as_str() {
            "online" => Ok(Availability::Online),
            "away" => Ok(Availability::Away),
            "dnd" => Ok(Availability::Dnd),
            "invisible" => Ok(Availability::Invisible),
            _ => Err(Fault::new("unknown_status", "online, away, dnd or invisible")),
        });
        let text = fields.optional("text", |text| StatusText::parse(&text));
        let emoji = fields.optional("emoji", |text| Emoji::parse(&text));
        let expires_at = fields.optional("expires_at", time);
        Some(Self {
            status: status?,
            text: text?.unwrap_or_default(),
            emoji: emoji?,
            expires_at: expires_at?,
        })
    }
}

impl From<NewStatus> for Status {
    fn from(new: NewStatus) -> Self {
        Self {
            status: new.status,
            text: new.text.into_string(),
            emoji: new.emoji,
            expires_at: new.expires_at,
        }
    }
}

/// How one wants to be seen.
///
/// With whether one's receipts and when one was last there can be seen.
#[utoipa::path(
    get, path = "/api/v1/users/me/status", operation_id = "own_status", tag = "users",
    responses(
        (status = 200, description = "How one wants to be seen.", body = OwnStatus),
        Unauthenticated, Unavailable,
    )
)]
pub(crate) async fn own_status(chat: Data<Chat>, caller: Caller) -> Answer {
    Ok(ok(&chat.status(&caller).await?))
}

/// Say how one wants to be seen.
///
/// Those who share a channel with one see it; `invisible` looks to them as if one were not there: one's
/// typing and reading are not shown either. All of one's devices hear of it.
#[utoipa::path(
    put, path = "/api/v1/users/me/status", operation_id = "set_status", tag = "users",
    request_body(content = NewStatus, description = "How one wants to be seen."),
    responses(
        (status = 200, description = "How one wants to be seen now.", body = OwnStatus),
        Unauthenticated, BadBody, Unwritable,
    )
)]
pub(crate) async fn set_status(
    chat: Data<Chat>,
    caller: Caller,
    Body(new): Body<NewStatus>,
) -> Answer {
    Ok(ok(&chat.set_status(&caller, new.into()).await?))
}
