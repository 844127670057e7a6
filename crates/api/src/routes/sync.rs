//! What a client missed.

use actix_web::web::Data;
use tertulia_chat::{Chat, Delta, FeedCursor};
use tertulia_domain::ChannelId;
use utoipa::IntoParams;

use super::paging::MAX_COUNT;
use super::{Answer, InPath, ok};
use crate::docs::problems::{BadQuery, NotFound, Unauthenticated, Unavailable};
use crate::extract::{Caller, Query};
use crate::fields::{Fields, Input, text};

/// Where a client stands in a feed.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Since {
    /// The epoch that `since` belongs to; may be missing when `since` is 0.
    #[param(required = false, max_length = 64)]
    epoch: Option<String>,
    /// The last rev that the client has.
    #[param(
        rename = "since",
        required = false,
        minimum = 0,
        maximum = 9_007_199_254_740_991_i64,
        default = 0
    )]
    rev: i64,
    /// How many changes at most.
    #[param(required = false, minimum = 1, maximum = 500, default = 100)]
    limit: i64,
}

impl Input for Since {
    fn read(fields: &mut Fields) -> Option<Self> {
        let epoch = fields.optional("epoch", text(64));
        let rev = fields.number("since", 0, 0..=MAX_COUNT);
        let limit = fields.number("limit", 100, 1..=500);
        Some(Self { epoch: epoch?, rev: rev?, limit: limit? })
    }
}

impl Since {
    fn cursor(self) -> (FeedCursor, i64) {
        (FeedCursor { epoch: self.epoch, rev: self.rev }, self.limit)
    }
}

/// What happened in a channel.
///
/// The changes after `since`, as the same frames that sockets get, in the order of their revs. If
/// there is `more`, go on from the last item's `rev`; if not, the client is at `head`. With
/// `reset`, drop what you hold of the channel, and fetch its newest page.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}/changes", operation_id = "channel_changes",
    tag = "sync",
    params(("channel" = ChannelId, Path, description = "The channel."), Since),
    responses(
        (status = 200, description = "What happened.", body = Delta),
        Unauthenticated, NotFound, BadQuery, Unavailable,
    )
)]
pub(crate) async fn channel_changes(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Query(since): Query<Since>,
) -> Answer {
    let (cursor, limit) = since.cursor();
    Ok(ok(&chat.channel_changes(&caller, channel, &cursor, limit).await?))
}

/// What happened to oneself.
///
/// The changes of one's own feed (`me`): channels that one came into, left, or was removed from.
#[utoipa::path(
    get, path = "/api/v1/users/me/changes", operation_id = "own_changes", tag = "sync",
    params(Since),
    responses(
        (status = 200, description = "What happened.", body = Delta),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn own_changes(
    chat: Data<Chat>,
    caller: Caller,
    Query(since): Query<Since>,
) -> Answer {
    let (cursor, limit) = since.cursor();
    Ok(ok(&chat.own_changes(&caller, &cursor, limit).await?))
}
