//! What a client had better not exceed, as it is listed.

use serde::Serialize;
use tertulia_chat::{Chat, Rule};
use tertulia_domain::MessageBody;
use utoipa::ToSchema;

use crate::extract::MAX_BODY;
use crate::fields::MAX_ATTACHMENTS;
use crate::routes::MAX_LIMIT;
use crate::socket::{MAX_FOCUS, MAX_MESSAGE, MAX_UNANSWERED, MAX_VISITS};

/// What a client had better not exceed: how large things may be, and how often things may be done.
#[derive(Serialize, ToSchema)]
pub(crate) struct LimitsView {
    /// Bytes of a frame on the socket.
    #[schema(example = 65_536)]
    frame_bytes: usize,
    /// Frames that wait for their replies; then the socket is not read from.
    #[schema(example = 64)]
    unanswered_frames: usize,
    /// Channels that a socket may look at.
    #[schema(example = 20)]
    focused_channels: usize,
    /// Public channels that a socket may hear without its user being in them.
    #[schema(example = 20)]
    subscriptions: usize,
    /// Characters of a message.
    #[schema(example = 4000)]
    content_characters: usize,
    /// Files of a message.
    #[schema(example = 10)]
    attachments: usize,
    /// Bytes of a file.
    #[schema(example = 104_857_600)]
    file_bytes: u64,
    /// Bytes of all of a person's files together.
    #[schema(example = 2_147_483_648_u64)]
    files_bytes: u64,
    /// Bytes of the body of a request, but for uploads.
    #[schema(example = 262_144)]
    body_bytes: usize,
    /// Items of a page of a list.
    #[schema(example = 100)]
    page_items: i64,
    /// How often things may be done; nothing when the limits are switched off.
    rates: Vec<Rate>,
}

/// How often something may be done, on one node.
#[derive(Serialize, ToSchema)]
struct Rate {
    /// As the headers `RateLimit` and `RateLimit-Policy` call it.
    #[schema(value_type = String, example = "messages")]
    name: &'static str,
    /// For whom it counts: `address`, `account_and_address`, `account`, `session`, `socket`,
    /// `account_and_channel` or `account_and_message`.
    #[schema(value_type = String, example = "account")]
    scope: &'static str,
    /// So many may come at once.
    #[schema(example = 300)]
    burst: u32,
    /// Over so many seconds as many come back, one after the other.
    #[schema(example = 60)]
    period_seconds: u32,
}

impl LimitsView {
    pub(crate) fn of(chat: &Chat) -> Self {
        let files = chat.file_options();
        let limits = chat.throttle().limits();
        let rate = |rule: &Rule| {
            let limit = limits?.get(*rule);
            let (name, scope) = (rule.name(), rule.scope().name());
            Some(Rate { name, scope, burst: limit.burst(), period_seconds: limit.seconds() })
        };
        Self {
            frame_bytes: MAX_MESSAGE,
            unanswered_frames: MAX_UNANSWERED,
            focused_channels: MAX_FOCUS,
            subscriptions: MAX_VISITS,
            content_characters: MessageBody::MAX_CHARS,
            attachments: MAX_ATTACHMENTS,
            file_bytes: files.max_bytes,
            files_bytes: files.quota_bytes,
            body_bytes: MAX_BODY,
            page_items: MAX_LIMIT,
            rates: Rule::ALL.iter().filter_map(rate).collect(),
        }
    }
}
