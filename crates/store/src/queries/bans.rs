//! Who is banned from a channel, as moderators see it.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{Ban, ChannelId, Page, PageRequest, Profile, Timestamp, UserId};
use uuid::Uuid;

use super::channels::place;
use super::{Conn, RunQueryDsl};
use crate::fragment::KeyIn;
use crate::rows::{BanRow, ProfileRow, all};
use crate::schema::{bans, users};
use crate::types::{At, Id};
use crate::{BannedUser, Error, Place};

/// Those of `keys` that there are, under the locks of their channels' feeds.
pub(super) async fn load(
    conn: &mut Conn,
    keys: BTreeSet<(ChannelId, UserId)>,
) -> Result<Vec<Ban>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys = keys.iter().map(|(channel, user)| [channel.uuid(), user.uuid()]);
    let rows: Vec<BanRow> = bans::table
        .filter(KeyIn::new("(channel_id, user_id)", keys))
        .select(BanRow::as_select())
        .load(conn)
        .await?;
    all(rows)
}

/// Makes bans, or makes them other ones.
pub(super) async fn put(conn: &mut Conn, new: Vec<Ban>) -> Result<(), Error> {
    if new.is_empty() {
        return Ok(());
    }
    let rows: Vec<BanRow> = new.into_iter().map(BanRow::from).collect();
    diesel::insert_into(bans::table)
        .values(rows)
        .on_conflict((bans::channel_id, bans::user_id))
        .do_update()
        .set((
            bans::reason.eq(excluded(bans::reason)),
            bans::by_id.eq(excluded(bans::by_id)),
            bans::created_at.eq(excluded(bans::created_at)),
            bans::expires_at.eq(excluded(bans::expires_at)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets bans.
pub(super) async fn remove(conn: &mut Conn, lifted: Vec<(ChannelId, UserId)>) -> Result<(), Error> {
    if lifted.is_empty() {
        return Ok(());
    }
    let keys = lifted.into_iter().map(|(channel, user)| [channel.uuid(), user.uuid()]);
    diesel::delete(bans::table.filter(KeyIn::new("(channel_id, user_id)", keys)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Who is banned from a channel now, by user id, and the place of `user` in it. Needs one snapshot.
pub(crate) async fn of_channel(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    page: PageRequest,
    now: Timestamp,
) -> Result<Option<(Place, Page<BannedUser>)>, Error> {
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let mut query = bans::table
        .inner_join(users::table.on(users::id.eq(bans::user_id)))
        .filter(bans::channel_id.eq(Id(channel)))
        .filter(bans::expires_at.is_null().or(bans::expires_at.gt(Some(At(now)))))
        .order(bans::user_id)
        .limit(page.limit + 1)
        .select((BanRow::as_select(), ProfileRow::as_select()))
        .into_boxed();
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(bans::user_id.gt(Id(UserId::from(after))));
    }
    let rows: Vec<(BanRow, ProfileRow)> = query.load(conn).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (ban, user) in rows {
        found.push(BannedUser { ban: ban.try_into()?, user: Profile::try_from(user)? });
    }
    let banned = Page::of(found, page.limit, |banned: &BannedUser| banned.user.id.to_string());
    Ok(Some((place, banned)))
}
