//! Pinned messages.

use std::collections::BTreeSet;

use diesel::dsl::count_star;
use diesel::prelude::*;
use tertulia_domain::{ChannelId, MAX_PINS, MessageView, UserId};

use super::channels::place;
use super::messages::views;
use super::{Conn, RunQueryDsl, files};
use crate::fragment::KeyIn;
use crate::rows::MessageRow;
use crate::schema::messages;
use crate::types::Id;
use crate::{Error, Place};

/// How many messages are pinned in those of these channels where any are.
pub(crate) async fn count(
    conn: &mut Conn,
    channels: BTreeSet<ChannelId>,
) -> Result<Vec<(ChannelId, i64)>, Error> {
    let rows: Vec<(Id<ChannelId>, i64)> = messages::table
        .filter(KeyIn::ids("channel_id", channels))
        .filter(messages::pinned_at.is_not_null())
        .group_by(messages::channel_id)
        .select((messages::channel_id, count_star()))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(channel, count)| (channel.0, count)).collect())
}

/// What is pinned in a channel, the last first, and the place of `user` in it. Needs one snapshot.
pub(crate) async fn of_channel(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
) -> Result<Option<(Place, Vec<MessageView>)>, Error> {
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let rows: Vec<MessageRow> = messages::table
        .filter(messages::channel_id.eq(Id(channel)))
        .filter(messages::pinned_at.is_not_null())
        .order((messages::pinned_at.desc(), messages::seq.desc()))
        .limit(MAX_PINS)
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    let messages = files::messages_of(conn, rows).await?;
    Ok(Some((place, views(conn, messages, user).await?)))
}
