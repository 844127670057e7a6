//! What one is told of, and what one wants to be told of.

use actix_web::web::Data;
use tertulia_chat::{Chat, InboxPage};
use tertulia_domain::{
    ChannelId, Fault, Inbox, Notification, NotificationId, NotificationLevel, NotificationSetting,
    PageRequest, Timestamp,
};
use utoipa::{IntoParams, ToSchema};

use super::paging::{self, MAX_COUNT, opaque};
use super::{Answer, InPath, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Forbidden, NotFound, Unauthenticated, Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input, id, time};

/// Part of what one was told of.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InboxPart {
    /// Only what is unread (`true`), or everything (`false`).
    #[param(required = false, default = false)]
    unread: bool,
    /// The `next` of the page before; without it, the list from its beginning.
    #[param(required = false, min_length = 1, max_length = 1024, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Input for InboxPart {
    fn read(fields: &mut Fields) -> Option<Self> {
        let unread = fields.optional("unread", |text| match text.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(Fault::new("wrong_type", "true or false")),
        });
        let cursor = paging::cursor(fields, |key| {
            let place = key.parse::<i64>().ok().filter(|place| (1..=MAX_COUNT).contains(place));
            place.map(|place| place.to_string())
        });
        let limit = paging::limit(fields);
        Some(Self { unread: unread?.unwrap_or_default(), cursor: cursor?, limit: limit? })
    }
}

/// List what one was told of.
///
/// The newest first: messages that mention one, answer one or were said to one alone, and
/// invitations. It says where that is; of what one may not see any more it has nothing. Kept are the
/// last 1,000, for 90 days. What is `read` was read by itself, with all others, or with its channel.
#[utoipa::path(
    get, path = "/api/v1/notifications", operation_id = "list_notifications",
    tag = "notifications",
    params(InboxPart),
    responses(
        (status = 200, description = "A page of notifications.", body = InboxPage),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_notifications(
    chat: Data<Chat>,
    caller: Caller,
    Query(part): Query<InboxPart>,
) -> Answer {
    let request = PageRequest { after: part.cursor, limit: part.limit };
    let page = chat.notifications(&caller, part.unread, request).await?;
    Ok(ok(&InboxPage { next: page.next.map(opaque), ..page }))
}

/// Mark a notification read.
///
/// All of one's devices hear of it.
#[utoipa::path(
    put, path = "/api/v1/notifications/{notification}/read", operation_id = "read_notification",
    tag = "notifications",
    params(("notification" = NotificationId, Path, description = "The notification.")),
    responses(
        (status = 200, description = "The notification.", body = Notification),
        Unauthenticated, NotFound, Unwritable,
    )
)]
pub(crate) async fn read_notification(
    chat: Data<Chat>,
    caller: Caller,
    InPath(notification): InPath<NotificationId>,
) -> Answer {
    Ok(ok(&chat.read_notification(&caller, notification).await?))
}

/// Up to where notifications are read.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct UpTo {
    /// The last one that is; without it, all are.
    up_to: Option<NotificationId>,
}

impl Input for UpTo {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { up_to: fields.optional("up_to", id)? })
    }
}

/// Mark all notifications read.
///
/// Or all that were made up to one. All of one's devices hear of it.
#[utoipa::path(
    post, path = "/api/v1/notifications/read", operation_id = "read_notifications",
    tag = "notifications",
    request_body(content = UpTo, description = "Up to where."),
    responses(
        (status = 200, description = "Up to where all are read.", body = Inbox),
        Unauthenticated, BadBody, Unwritable,
    )
)]
pub(crate) async fn read_notifications(
    chat: Data<Chat>,
    caller: Caller,
    Body(UpTo { up_to }): Body<UpTo>,
) -> Answer {
    Ok(ok(&chat.read_notifications(&caller, up_to).await?))
}

/// What one wants to be told of in a channel.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"level": "mentions", "muted_until": "2099-11-21T10:30:00.000Z"}))]
pub(crate) struct NewSetting {
    /// Of what.
    level: NotificationLevel,
    /// Until when of nothing; without it, from now on.
    #[schema(value_type = Option<String>, format = DateTime, max_length = 64)]
    muted_until: Option<Timestamp>,
}

impl Input for NewSetting {
    fn read(fields: &mut Fields) -> Option<Self> {
        let level = fields.required("level", |text| match text.as_str() {
            "all" => Ok(NotificationLevel::All),
            "mentions" => Ok(NotificationLevel::Mentions),
            "nothing" => Ok(NotificationLevel::Nothing),
            _ => Err(Fault::new("unknown_level", "all, mentions or nothing")),
        });
        let muted_until = fields.optional("muted_until", time);
        Some(Self { level: level?, muted_until: muted_until? })
    }
}

/// Say what one wants to be told of in a channel.
///
/// `all`: in a direct conversation, every message; elsewhere as `mentions`, and one's clients may tell
/// of every message. `mentions`: of mentions and replies. Until somebody says otherwise it is `mentions`
/// in channels, and `all` in conversations. Counts stay as they are. All of one's devices hear of it.
#[utoipa::path(
    put, path = "/api/v1/channels/{channel}/notifications", operation_id = "set_notifications",
    tag = "notifications",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = NewSetting, description = "Of what."),
    responses(
        (status = 200, description = "What one is told of now.", body = NotificationSetting),
        Unauthenticated, Forbidden, NotFound, BadBody, Unwritable,
    )
)]
pub(crate) async fn set_notifications(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(new): Body<NewSetting>,
) -> Answer {
    let setting = NotificationSetting { level: new.level, muted_until: new.muted_until };
    Ok(ok(&chat.set_notifications(&caller, channel, setting).await?))
}
