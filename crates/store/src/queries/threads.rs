//! Threads: what answers a message, and who follows that.

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::select;
use tertulia_domain::{ChannelId, MessageId, MessageView, Quote, UserId};

use super::channels::place;
use super::messages::views;
use super::{Conn, RunQueryDsl, files};
use crate::fragment::KeyIn;
use crate::rows::{MessageRow, all};
use crate::schema::{messages, thread_follows};
use crate::types::Id;
use crate::{Error, Place, Thread};

/// Adds what they answer to those of these messages that answer any: one statement for all.
pub(crate) async fn quote(conn: &mut Conn, views: &mut [MessageView]) -> Result<(), Error> {
    let answered: BTreeSet<MessageId> =
        views.iter().filter_map(|view| view.message.reply_to).collect();
    if answered.is_empty() {
        return Ok(());
    }
    let rows: Vec<MessageRow> = messages::table
        .filter(KeyIn::ids("id", answered))
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    let found: Vec<tertulia_domain::Message> = all(rows)?;
    let quotes: HashMap<MessageId, Quote> =
        found.into_iter().map(|message| (message.id, Quote::from(message))).collect();
    for view in views {
        view.quote = view.message.reply_to.and_then(|id| quotes.get(&id).cloned());
    }
    Ok(())
}

/// Up to `limit` replies of a message's thread whose place is above `after`, oldest first, and the
/// place of `user` in its channel. Needs one snapshot.
pub(crate) async fn replies(
    conn: &mut Conn,
    message: MessageId,
    user: UserId,
    after: i64,
    limit: i64,
) -> Result<Option<(Place, Thread)>, Error> {
    let Some((channel, author)) = lies_in(conn, message).await? else { return Ok(None) };
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let rows: Vec<MessageRow> = messages::table
        .filter(messages::thread_id.eq(Some(Id(message))))
        .filter(messages::seq.gt(after))
        .order(messages::seq)
        .limit(limit + 1)
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    let mut items = files::messages_of(conn, rows).await?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|message| message.seq);
    let items = views(conn, items, user).await?;
    let following = is_followed(conn, message, author, user).await?;
    Ok(Some((place, Thread { items, next, following })))
}

/// Where a message lies, and who said it.
pub(crate) async fn lies_in(
    conn: &mut Conn,
    message: MessageId,
) -> Result<Option<(ChannelId, UserId)>, Error> {
    let found: Option<(Id<ChannelId>, Id<UserId>)> = messages::table
        .filter(messages::id.eq(Id(message)))
        .select((messages::channel_id, messages::author_id))
        .get_result(conn)
        .await
        .optional()?;
    Ok(found.map(|(channel, author)| (channel.0, author.0)))
}

/// Whether somebody follows a thread: as they said, or else because they began it or replied.
async fn is_followed(
    conn: &mut Conn,
    root: MessageId,
    author: UserId,
    user: UserId,
) -> Result<bool, Error> {
    let said: Option<i16> = thread_follows::table
        .filter(thread_follows::message_id.eq(Id(root)))
        .filter(thread_follows::user_id.eq(Id(user)))
        .select(thread_follows::following)
        .get_result(conn)
        .await
        .optional()?;
    if said.is_some() || author == user {
        return Ok(said.is_none_or(|following| following == 1));
    }
    let own = messages::table
        .filter(messages::thread_id.eq(Some(Id(root))))
        .filter(messages::author_id.eq(Id(user)));
    Ok(select(exists(own)).get_result(conn).await?)
}

/// The place of somebody in a message's channel, and the message with which its thread began: its
/// own, when it is no reply. Needs one snapshot.
pub(crate) async fn root_of(
    conn: &mut Conn,
    message: MessageId,
    user: UserId,
) -> Result<Option<(Place, MessageId)>, Error> {
    let found: Option<(Id<ChannelId>, Option<Id<MessageId>>)> = messages::table
        .filter(messages::id.eq(Id(message)))
        .select((messages::channel_id, messages::thread_id))
        .get_result(conn)
        .await
        .optional()?;
    let Some((channel, thread)) = found else { return Ok(None) };
    let place = place(conn, channel.0, user).await?;
    Ok(place.map(|place| (place, thread.map_or(message, |thread| thread.0))))
}

/// Notes whether somebody follows a thread.
pub(crate) async fn follow(
    conn: &mut Conn,
    root: MessageId,
    user: UserId,
    following: bool,
) -> Result<(), Error> {
    let following = i16::from(following);
    diesel::insert_into(thread_follows::table)
        .values((
            thread_follows::message_id.eq(Id(root)),
            thread_follows::user_id.eq(Id(user)),
            thread_follows::following.eq(following),
        ))
        .on_conflict((thread_follows::message_id, thread_follows::user_id))
        .do_update()
        .set(thread_follows::following.eq(following))
        .execute(conn)
        .await?;
    Ok(())
}
