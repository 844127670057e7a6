//! What messages said before they were edited.

use diesel::prelude::*;
use tertulia_domain::{
    ChannelId, MessageEdition, MessageId, Page, PageRequest, Rewritten, Timestamp, UserId,
};

use super::channels::place;
use super::threads::lies_in;
use super::{Conn, RunQueryDsl};
use crate::fragment::KeyIn;
use crate::schema::{message_edits, messages};
use crate::types::{At, Id};
use crate::{Error, Place};

/// Of what a message said before, the first is kept and the newest of the others, as many as this.
const MAX_EDITIONS: i32 = 100;

/// Keeps what messages said. An edit adds one, so that one more than there may be is all that goes.
pub(crate) async fn keep(conn: &mut Conn, rewritten: Vec<Rewritten>) -> Result<(), Error> {
    for old in rewritten {
        diesel::insert_into(message_edits::table)
            .values((
                message_edits::message_id.eq(Id(old.message)),
                message_edits::version.eq(old.version),
                message_edits::content.eq(old.content),
                message_edits::said_at.eq(At(old.said_at)),
            ))
            .execute(conn)
            .await?;
        if old.version > MAX_EDITIONS {
            let beyond = message_edits::table
                .filter(message_edits::message_id.eq(Id(old.message)))
                .filter(message_edits::version.gt(0))
                .filter(message_edits::version.le(old.version - MAX_EDITIONS));
            diesel::delete(beyond).execute(conn).await?;
        }
    }
    Ok(())
}

/// Erases what these messages said.
pub(crate) async fn erase(conn: &mut Conn, messages: Vec<MessageId>) -> Result<(), Error> {
    let theirs = message_edits::table.filter(KeyIn::ids("message_id", messages));
    diesel::delete(theirs).execute(conn).await?;
    Ok(())
}

/// Erases what messages of a deleted channel below a place said.
pub(crate) async fn purge(
    conn: &mut Conn,
    channel: Id<ChannelId>,
    below: i64,
) -> Result<(), Error> {
    let theirs = messages::table
        .filter(messages::channel_id.eq(channel))
        .filter(messages::seq.lt(below))
        .select(messages::id);
    let old = message_edits::table.filter(message_edits::message_id.eq_any(theirs));
    diesel::delete(old).execute(conn).await?;
    Ok(())
}

/// What a message said before, the last first, and the place of `user` in its channel. Needs one
/// snapshot.
pub(crate) async fn editions(
    conn: &mut Conn,
    message: MessageId,
    user: UserId,
    page: PageRequest,
) -> Result<Option<(Place, Page<MessageEdition>)>, Error> {
    let Some((channel, _)) = lies_in(conn, message).await? else { return Ok(None) };
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let before = page.after.as_deref().and_then(|after| after.parse().ok()).unwrap_or(i32::MAX);
    let rows: Vec<(i32, String, At)> = message_edits::table
        .filter(message_edits::message_id.eq(Id(message)))
        .filter(message_edits::version.lt(before))
        .order(message_edits::version.desc())
        .limit(page.limit + 1)
        .select((message_edits::version, message_edits::content, message_edits::said_at))
        .load(conn)
        .await?;
    let edition = |(version, content, At(said_at)): (i32, String, At)| {
        let said_at: Timestamp = said_at;
        MessageEdition { version, content, said_at }
    };
    let editions = rows.into_iter().map(edition).collect();
    Ok(Some((
        place,
        Page::of(editions, page.limit, |old: &MessageEdition| old.version.to_string()),
    )))
}
