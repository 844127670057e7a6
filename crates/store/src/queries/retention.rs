//! What is dead leaves the database: each function removes one bounded piece, in a transaction of
//! its own, and says how much that was, or `None` when nothing is due. All that they go by is in the
//! database. Nodes that purge at once pass over what another one is at.

use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{
    ChannelId, Feed, FeedId, MessageId, MessageKind, SessionId, Timestamp, UserId,
};

use super::{
    Conn, RunQueryDsl, claimed, drafts, files, history, indexing, mentions, notifications,
    reactions,
};
use crate::Error;
use crate::fragment::KeyIn;
use crate::rows::{HorizonRow, message_kind_code};
use crate::schema::{channels, horizons, members, messages, refresh_tokens, sessions, tickets};
use crate::types::{At, Id};

/// Entries of the search index in one piece.
const MAX_ENTRIES: i64 = 50;

/// Sessions in one piece, beside their tokens.
const MAX_SESSIONS: i64 = 50;

/// Up to `limit` messages of a channel that is deleted.
pub(crate) async fn purge_messages(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Option<usize>, Error> {
    let due: Option<Id<ChannelId>> = claimed!(
        channels::table
            .filter(channels::deleted_at.is_not_null())
            .filter(channels::messages_purged_at.is_null())
            .order(channels::deleted_at)
            .limit(1)
            .select(channels::id)
    )
    .get_result(conn)
    .await
    .optional()?;
    let Some(channel) = due else { return Ok(None) };
    match drafts::purge(conn, channel, limit).await? {
        0 => {}
        removed => return Ok(Some(removed)),
    }
    let first: Option<i64> = messages::table
        .filter(messages::channel_id.eq(channel))
        .order(messages::seq)
        .limit(1)
        .select(messages::seq)
        .get_result(conn)
        .await
        .optional()?;
    let Some(first) = first else {
        // Nothing comes after a deletion: the log decides under the lock of the channel's feed.
        diesel::update(channels::table.filter(channels::id.eq(channel)))
            .set(channels::messages_purged_at.eq(Some(At(now))))
            .execute(conn)
            .await?;
        return Ok(Some(0));
    };
    // What people made of them goes first, as long as there is any.
    match reactions::purge(conn, channel, first + limit, limit).await? {
        0 => {}
        removed => return Ok(Some(removed)),
    }
    // Then what is found of them, a little at a time: it is overwritten word for word.
    match indexing::purge(conn, channel, first + limit, MAX_ENTRIES).await? {
        0 => {}
        removed => return Ok(Some(removed)),
    }
    history::purge(conn, channel, first + limit).await?;
    mentions::purge(conn, channel, first + limit).await?;
    notifications::purge(conn, channel, first + limit).await?;
    // What they brought goes with them.
    let brought: Vec<Id<MessageId>> = messages::table
        .filter(messages::channel_id.eq(channel))
        .filter(messages::seq.lt(first + limit))
        .filter(messages::kind.eq(message_kind_code(MessageKind::File, None)))
        .select(messages::id)
        .load(conn)
        .await?;
    files::delete_of(conn, brought.into_iter().map(|id| id.0).collect(), now).await?;
    // Places are dense, so this is as many rows.
    let removed = diesel::delete(
        messages::table
            .filter(messages::channel_id.eq(channel))
            .filter(messages::seq.lt(first + limit)),
    )
    .execute(conn)
    .await?;
    Ok(Some(removed))
}

/// Up to `limit` memberships of a channel that was deleted before then. Their people's own feeds
/// lose rows: who has not seen them begins anew.
pub(crate) async fn purge_members(
    conn: &mut Conn,
    deleted_before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Option<usize>, Error> {
    let due: Option<Id<ChannelId>> = claimed!(
        channels::table
            .filter(channels::deleted_at.is_not_null())
            .filter(channels::deleted_at.lt(At(deleted_before)))
            .filter(channels::members_purged_at.is_null())
            .order(channels::deleted_at)
            .limit(1)
            .select(channels::id)
    )
    .get_result(conn)
    .await
    .optional()?;
    let Some(channel) = due else { return Ok(None) };
    let some: Vec<(Id<UserId>, i64)> = members::table
        .filter(members::channel_id.eq(channel))
        .order(members::user_id)
        .limit(limit)
        .select((members::user_id, members::user_rev))
        .load(conn)
        .await?;
    let Some((last, _)) = some.last().copied() else {
        diesel::update(channels::table.filter(channels::id.eq(channel)))
            .set(channels::members_purged_at.eq(Some(At(now))))
            .execute(conn)
            .await?;
        return Ok(Some(0));
    };
    // In the order of their ids: two nodes that purge two channels of the same people wait for each
    // other, and never in a circle.
    let rows: Vec<_> = some
        .into_iter()
        .map(|(user, rev)| HorizonRow { feed_id: Id(Feed::Me(user.0).id()), rev })
        .collect();
    let newer = horizons::rev.lt(excluded(horizons::rev));
    let newest = case_when(newer, excluded(horizons::rev)).otherwise(horizons::rev);
    diesel::insert_into(horizons::table)
        .values(rows)
        .on_conflict(horizons::feed_id)
        .do_update()
        .set(horizons::rev.eq(newest))
        .execute(conn)
        .await?;
    let removed = diesel::delete(
        members::table.filter(members::channel_id.eq(channel)).filter(members::user_id.le(last)),
    )
    .execute(conn)
    .await?;
    Ok(Some(removed))
}

/// Sessions that ended or expired before then, with up to `limit` of their tokens. A session goes
/// last: as long as any of its tokens is known, so is that it is over.
pub(crate) async fn purge_sessions(
    conn: &mut Conn,
    ended_before: Timestamp,
    expired_before: Timestamp,
    limit: i64,
) -> Result<Option<usize>, Error> {
    let mut dead: Vec<Id<SessionId>> = claimed!(
        sessions::table
            .filter(sessions::ended_at.is_not_null())
            .filter(sessions::ended_at.lt(At(ended_before)))
            .order(sessions::ended_at)
            .limit(MAX_SESSIONS)
            .select(sessions::id)
    )
    .load(conn)
    .await?;
    if dead.is_empty() {
        dead = claimed!(
            sessions::table
                .filter(sessions::ended_at.is_null())
                .filter(sessions::expires_at.lt(At(expired_before)))
                .order(sessions::expires_at)
                .limit(MAX_SESSIONS)
                .select(sessions::id)
        )
        .load(conn)
        .await?;
    }
    if dead.is_empty() {
        return Ok(None);
    }
    let dead = || dead.iter().map(|id| id.0);
    let tokens: Vec<Vec<u8>> = refresh_tokens::table
        .filter(KeyIn::ids("session_id", dead()))
        .limit(limit)
        .select(refresh_tokens::hash)
        .load(conn)
        .await?;
    let mut removed = tokens.len();
    let all = i64::try_from(removed).is_ok_and(|tokens| tokens < limit);
    diesel::delete(refresh_tokens::table.filter(refresh_tokens::hash.eq_any(tokens)))
        .execute(conn)
        .await?;
    if all {
        removed += diesel::delete(tickets::table.filter(KeyIn::ids("session_id", dead())))
            .execute(conn)
            .await?;
        removed +=
            diesel::delete(sessions::table.filter(KeyIn::ids("id", dead()))).execute(conn).await?;
    }
    Ok(Some(removed))
}

/// Up to `limit` tickets that expired before then.
pub(crate) async fn purge_tickets(
    conn: &mut Conn,
    expired_before: Timestamp,
    limit: i64,
) -> Result<Option<usize>, Error> {
    let expired: Vec<Vec<u8>> = claimed!(
        tickets::table
            .filter(tickets::expires_at.lt(At(expired_before)))
            .order(tickets::expires_at)
            .limit(limit)
            .select(tickets::hash)
    )
    .load(conn)
    .await?;
    if expired.is_empty() {
        return Ok(None);
    }
    let removed =
        diesel::delete(tickets::table.filter(tickets::hash.eq_any(expired))).execute(conn).await?;
    Ok(Some(removed))
}

/// The last rev of which a feed has lost the row; 0 when it has lost none.
pub(crate) async fn horizon(conn: &mut Conn, feed: FeedId) -> Result<i64, Error> {
    let rev: Option<i64> = horizons::table
        .filter(horizons::feed_id.eq(Id(feed)))
        .select(horizons::rev)
        .get_result(conn)
        .await
        .optional()?;
    Ok(rev.unwrap_or_default())
}
