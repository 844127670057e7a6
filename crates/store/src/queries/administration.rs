//! What admins see of accounts and channels: never what was said.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use tertulia_domain::{
    AccountKind, ChannelId, ChannelKind, MemberState, Page, PageRequest, Timestamp, UserId,
};
use uuid::Uuid;

use super::{Conn, RunQueryDsl, accounts};
use crate::fragment::{KeyIn, sql};
use crate::rows::{
    AccountRow, ChannelRow, FeedRow, account_kind_code, channel_kind_code, member_state_code,
};
use crate::schema::{channels, feeds, members, sessions, users};
use crate::types::{At, Id};
use crate::{AdministeredChannel, AdministeredUser, Counts, Error};

const DELETED: i16 = account_kind_code(AccountKind::Deleted);
const DIRECT: i16 = channel_kind_code(ChannelKind::Direct);
const JOINED: i16 = member_state_code(MemberState::Joined);

/// Accounts whose username begins with `prefix`, by username; disabled ones too.
pub(crate) async fn users(
    conn: &mut Conn,
    prefix: String,
    page: PageRequest,
) -> Result<Page<AdministeredUser>, Error> {
    let mut query = users::table
        .filter(users::kind.ne(DELETED))
        .order(users::username_key)
        .limit(page.limit + 1)
        .select((users::username_key, AccountRow::as_select(), users::disabled_at))
        .into_boxed();
    if let Some(end) = crate::after_prefix(&prefix) {
        query = query.filter(users::username_key.ge(prefix)).filter(users::username_key.lt(end));
    }
    if let Some(after) = page.after {
        query = query.filter(users::username_key.gt(after));
    }
    let rows: Vec<(String, AccountRow, Option<At>)> = query.load(conn).await?;
    let Page { items, next } = Page::of(rows, page.limit, |(key, ..)| key.clone());
    let items = items.into_iter().map(|(_, account, at)| administered(account, at));
    Ok(Page { items: items.collect::<Result<_, _>>()?, next })
}

/// One account.
pub(crate) async fn user(conn: &mut Conn, id: UserId) -> Result<Option<AdministeredUser>, Error> {
    let row: Option<(AccountRow, Option<At>)> = users::table
        .filter(users::id.eq(Id(id)))
        .filter(users::kind.ne(DELETED))
        .select((AccountRow::as_select(), users::disabled_at))
        .get_result(conn)
        .await
        .optional()?;
    row.map(|(account, at)| administered(account, at)).transpose()
}

fn administered(account: AccountRow, at: Option<At>) -> Result<AdministeredUser, Error> {
    Ok(AdministeredUser { account: account.try_into()?, disabled_at: at.map(|at| at.0) })
}

/// Channels and groups, the newest first. Needs one snapshot.
pub(crate) async fn channels(
    conn: &mut Conn,
    prefix: String,
    page: PageRequest,
) -> Result<Page<AdministeredChannel>, Error> {
    let mut query = channels::table
        .inner_join(feeds::table.on(feeds::id.eq(channels::id)))
        .filter(channels::kind.ne(DIRECT))
        .filter(channels::deleted_at.is_null())
        .order(channels::id.desc())
        .limit(page.limit + 1)
        .select((ChannelRow::as_select(), FeedRow::as_select()))
        .into_boxed();
    if let Some(end) = crate::after_prefix(&prefix) {
        query = query.filter(channels::name_key.ge(prefix)).filter(channels::name_key.lt(end));
    }
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(channels::id.lt(Id(ChannelId::from(after))));
    }
    let rows: Vec<(ChannelRow, FeedRow)> = query.load(conn).await?;
    let found = with_members(conn, rows).await?;
    Ok(Page::of(found, page.limit, |it| it.channel.id.to_string()))
}

/// One channel or group. Needs one snapshot.
pub(crate) async fn channel(
    conn: &mut Conn,
    id: ChannelId,
) -> Result<Option<AdministeredChannel>, Error> {
    let rows: Vec<(ChannelRow, FeedRow)> = channels::table
        .inner_join(feeds::table.on(feeds::id.eq(channels::id)))
        .filter(channels::id.eq(Id(id)))
        .filter(channels::kind.ne(DIRECT))
        .filter(channels::deleted_at.is_null())
        .select((ChannelRow::as_select(), FeedRow::as_select()))
        .load(conn)
        .await?;
    Ok(with_members(conn, rows).await?.pop())
}

async fn with_members(
    conn: &mut Conn,
    rows: Vec<(ChannelRow, FeedRow)>,
) -> Result<Vec<AdministeredChannel>, Error> {
    let mut found = Vec::with_capacity(rows.len());
    for (channel, feed) in rows {
        found.push(AdministeredChannel {
            channel: channel.try_into()?,
            feed: feed.into(),
            members: 0,
        });
    }
    let counts: Vec<(Id<ChannelId>, i64)> = members::table
        .filter(KeyIn::ids("channel_id", found.iter().map(|it| it.channel.id)))
        .filter(members::state.eq(JOINED))
        .group_by(members::channel_id)
        .select((members::channel_id, count_star()))
        .load(conn)
        .await?;
    let counts: HashMap<_, _> = counts.into_iter().map(|(id, count)| (id.0, count)).collect();
    for it in &mut found {
        it.members = counts.get(&it.channel.id).copied().unwrap_or_default();
    }
    Ok(found)
}

/// How much there is of everything. Needs one snapshot.
pub(crate) async fn counts(conn: &mut Conn, now: Timestamp) -> Result<Counts, Error> {
    let people: Vec<(i16, i64)> =
        users::table.group_by(users::kind).select((users::kind, count_star())).load(conn).await?;
    let of_kind = |kind: AccountKind| count_of(&people, account_kind_code(kind));
    let rooms: Vec<(i16, i64)> = channels::table
        .filter(channels::deleted_at.is_null())
        .group_by(channels::kind)
        .select((channels::kind, count_star()))
        .load(conn)
        .await?;
    let of_rooms = |kind: ChannelKind| count_of(&rooms, channel_kind_code(kind));
    Ok(Counts {
        people: of_kind(AccountKind::Person),
        guests: of_kind(AccountKind::Guest),
        disabled: users::table
            .filter(users::kind.ne(DELETED))
            .filter(users::disabled_at.is_not_null())
            .count()
            .get_result(conn)
            .await?,
        admins: accounts::admins(conn).await?,
        sessions: sessions::table
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(At(now)))
            .count()
            .get_result(conn)
            .await?,
        public_channels: of_rooms(ChannelKind::Public),
        private_channels: of_rooms(ChannelKind::Private),
        groups: of_rooms(ChannelKind::Group),
        direct_conversations: of_rooms(ChannelKind::Direct),
        messages: messages(conn).await?,
    })
}

/// Every channel has as many messages as its last one's place says. (PostgreSQL's sum of these is
/// no integer.)
async fn messages(conn: &mut Conn) -> Result<i64, Error> {
    let sum = sql::<Nullable<BigInt>>("CAST(SUM(last_seq) AS BIGINT)");
    let sum: Option<i64> = feeds::table.select(sum).get_result(conn).await?;
    Ok(sum.unwrap_or_default())
}

fn count_of(counts: &[(i16, i64)], code: i16) -> i64 {
    counts.iter().find(|(kind, _)| *kind == code).map_or(0, |(_, count)| *count)
}
