//! How people want to be seen, when they were there, and who sees them.

use std::collections::BTreeSet;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{Body, ChannelId, KnownStatus, MemberState, Timestamp, UserId};

use super::{Conn, RunQueryDsl};
use crate::Error;
use crate::fragment::{KeyIn, MAX_KEYS};
use crate::rows::{StatusRow, all, member_state_code};
use crate::schema::{channels, feeds, members, statuses};
use crate::types::{At, Id};

const JOINED: i16 = member_state_code(MemberState::Joined);

/// What these people have ever said of how they want to be seen.
pub(crate) async fn load(
    conn: &mut Conn,
    users: BTreeSet<UserId>,
) -> Result<Vec<KnownStatus>, Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<StatusRow> = statuses::table
        .filter(KeyIn::ids("user_id", users))
        .select(StatusRow::as_select())
        .load(conn)
        .await?;
    all(rows)
}

/// Writes what a batch has made of them.
pub(crate) async fn write(conn: &mut Conn, known: Vec<KnownStatus>) -> Result<(), Error> {
    if known.is_empty() {
        return Ok(());
    }
    let rows: Vec<StatusRow> = known.into_iter().map(StatusRow::from).collect();
    diesel::insert_into(statuses::table)
        .values(rows)
        .on_conflict(statuses::user_id)
        .do_update()
        .set((
            statuses::chosen.eq(excluded(statuses::chosen)),
            statuses::text.eq(excluded(statuses::text)),
            statuses::emoji.eq(excluded(statuses::emoji)),
            statuses::expires_at.eq(excluded(statuses::expires_at)),
            statuses::receipts.eq(excluded(statuses::receipts)),
            statuses::last_seen.eq(excluded(statuses::last_seen)),
            statuses::seen_at.eq(excluded(statuses::seen_at)),
            statuses::user_rev.eq(excluded(statuses::user_rev)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets all of somebody's.
pub(super) async fn erase(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    let own = statuses::table.filter(statuses::user_id.eq(Id(user)));
    diesel::delete(own).execute(conn).await?;
    Ok(())
}

/// How somebody wants to be seen.
pub(crate) async fn of(conn: &mut Conn, user: UserId) -> Result<KnownStatus, Error> {
    let row = statuses::table
        .filter(statuses::user_id.eq(Id(user)))
        .select(StatusRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    row.map_or_else(|| Ok(KnownStatus::unsaid(user)), KnownStatus::try_from)
}

/// The same for somebody who shares a channel with them; `None` for everybody else.
pub(crate) async fn seen_by(
    conn: &mut Conn,
    viewer: UserId,
    user: UserId,
) -> Result<Option<KnownStatus>, Error> {
    let theirs = diesel::alias!(members as theirs);
    let there = theirs
        .filter(theirs.field(members::channel_id).eq(members::channel_id))
        .filter(theirs.field(members::user_id).eq(Id(user)))
        .filter(theirs.field(members::state).eq(JOINED));
    let shared: Option<Id<ChannelId>> = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(viewer)))
        .filter(members::state.eq(JOINED))
        .filter(exists(there))
        .filter(channels::deleted_at.is_null())
        .select(members::channel_id)
        .limit(1)
        .get_result(conn)
        .await
        .optional()?;
    if shared.is_none() && viewer != user {
        return Ok(None);
    }
    of(conn, user).await.map(Some)
}

/// The own feed's news of it after `since`.
pub(super) async fn own_after(
    conn: &mut Conn,
    user: UserId,
    since: i64,
) -> Result<Option<(i64, Body)>, Error> {
    let known = of(conn, user).await?;
    Ok((known.user_rev > since).then_some((known.user_rev, Body::Status(known.own))))
}

/// Keeps when people were last there, of those who let it be seen.
pub(crate) async fn note_seen(
    conn: &mut Conn,
    seen: Vec<(UserId, Timestamp)>,
) -> Result<(), Error> {
    for some in seen.chunks(512) {
        let known = some
            .iter()
            .map(|(user, at)| KnownStatus { seen_at: Some(*at), ..KnownStatus::unsaid(*user) });
        let rows: Vec<StatusRow> = known.map(StatusRow::from).collect();
        diesel::insert_into(statuses::table)
            .values(rows)
            .on_conflict(statuses::user_id)
            .do_update()
            .set(statuses::seen_at.eq(excluded(statuses::seen_at)))
            .execute(conn)
            .await?;
        // Whoever has just turned it off is among those who were there.
        let hidden = statuses::table
            .filter(KeyIn::ids("user_id", some.iter().map(|(user, _)| *user)))
            .filter(statuses::last_seen.eq(0));
        diesel::update(hidden).set(statuses::seen_at.eq(None::<At>)).execute(conn).await?;
    }
    Ok(())
}

/// Which of these people are in which of these channels, with the channels' heads. The head comes
/// with the membership, so that nobody is seen in a channel by somebody who left it before.
pub(crate) async fn present(
    conn: &mut Conn,
    users: Vec<UserId>,
    channels: Vec<ChannelId>,
) -> Result<Vec<(ChannelId, i64, UserId)>, Error> {
    let mut found = Vec::new();
    for some in channels.chunks(MAX_KEYS) {
        for users in users.chunks(MAX_KEYS) {
            let rows: Vec<(Id<ChannelId>, i64, Id<UserId>)> = members::table
                .inner_join(feeds::table.on(feeds::id.eq(members::channel_id)))
                .filter(KeyIn::ids("channel_id", some.iter().copied()))
                .filter(KeyIn::ids("user_id", users.iter().copied()))
                .filter(members::state.eq(JOINED))
                .select((members::channel_id, feeds::head, members::user_id))
                .load(conn)
                .await?;
            found.extend(rows.into_iter().map(|(channel, head, user)| (channel.0, head, user.0)));
        }
    }
    Ok(found)
}
