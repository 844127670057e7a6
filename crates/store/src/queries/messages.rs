//! History.

use diesel::prelude::*;
use tertulia_domain::{ChannelId, Message, MessageId, MessageView, UserId};

use super::channels::place;
use super::{Conn, RunQueryDsl, files, reactions, threads};
use crate::rows::MessageRow;
use crate::schema::messages;
use crate::types::Id;
use crate::{Error, History, HistoryPart, Place};

/// A message, and the place of `user` in its channel. Needs one snapshot.
pub(crate) async fn by_id(
    conn: &mut Conn,
    id: MessageId,
    user: UserId,
) -> Result<Option<(Place, MessageView)>, Error> {
    let rows = messages::table
        .filter(messages::id.eq(Id(id)))
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    let Some(message) = files::messages_of(conn, rows).await?.pop() else { return Ok(None) };
    let Some(place) = place(conn, message.channel_id, user).await? else { return Ok(None) };
    let view = views(conn, vec![message], user).await?.pop();
    Ok(view.map(|view| (place, view)))
}

/// A page of history, newest first, and the place of `user` in the channel: one contiguous range
/// of the index on `(channel_id, seq)`. Needs one snapshot.
pub(crate) async fn history(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    part: HistoryPart,
    limit: i64,
) -> Result<Option<(Place, History)>, Error> {
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let mut items = match part {
        HistoryPart::Newest => before(conn, channel, i64::MAX, limit + 1).await?,
        HistoryPart::Before(seq) => before(conn, channel, seq, limit + 1).await?,
        HistoryPart::After(seq) => after(conn, channel, seq, limit).await?,
        HistoryPart::Around(seq) => {
            let mut newer = after(conn, channel, seq - 1, limit - limit / 2).await?;
            let room = limit + 1 - i64::try_from(newer.len()).unwrap_or(limit);
            newer.extend(before(conn, channel, seq, room).await?);
            newer
        }
    };
    // A page goes on towards the beginning: places are dense from 1, so the last one shows whether
    // there is more.
    items.truncate(usize::try_from(limit).unwrap_or_default());
    let next = items.last().map(|message| message.seq).filter(|seq| *seq > 1);
    let items = views(conn, items, user).await?;
    Ok(Some((place, History { items, next })))
}

/// These messages as one person sees them.
pub(crate) async fn views(
    conn: &mut Conn,
    messages: Vec<Message>,
    user: UserId,
) -> Result<Vec<MessageView>, Error> {
    let mut views: Vec<MessageView> = messages.into_iter().map(MessageView::from).collect();
    threads::quote(conn, &mut views).await?;
    reactions::add_to(conn, &mut views, user).await?;
    Ok(views)
}

async fn before(
    conn: &mut Conn,
    channel: ChannelId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, Error> {
    let rows: Vec<MessageRow> = messages::table
        .filter(messages::channel_id.eq(Id(channel)))
        .filter(messages::seq.lt(seq))
        .order(messages::seq.desc())
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    files::messages_of(conn, rows).await
}

async fn after(
    conn: &mut Conn,
    channel: ChannelId,
    seq: i64,
    limit: i64,
) -> Result<Vec<Message>, Error> {
    let rows: Vec<MessageRow> = messages::table
        .filter(messages::channel_id.eq(Id(channel)))
        .filter(messages::seq.gt(seq))
        .order(messages::seq)
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    let mut items = files::messages_of(conn, rows).await?;
    items.reverse();
    Ok(items)
}
