//! Channels and their members.

use std::collections::HashMap;

use diesel::dsl::{count_star, exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use tertulia_domain::{
    Channel, ChannelId, ChannelKind, Feed, FeedRow as DomainFeed, Member, MemberState, Message,
    Page, PageRequest, Timestamp, UserId,
};
use uuid::Uuid;

use super::feeds::{both, feed};
use super::users::account;
use super::{Conn, RunQueryDsl, files, mentions, notifications};
use crate::fragment::KeyIn;
use crate::rows::{
    ChannelRow, FeedRow, MemberRow, MessageRow, all, channel_kind_code, member_state_code,
};
use crate::schema::{channels, feeds, members, messages};
use crate::types::{At, Id};
use crate::{Beginning, Error, OwnChannel, Place};

const JOINED: i16 = member_state_code(MemberState::Joined);
const BANNED: i16 = member_state_code(MemberState::Banned);

/// A channel, its feed, and one person's row in it. Needs one snapshot.
pub(crate) async fn place(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
) -> Result<Option<Place>, Error> {
    let [feed, own] = both(conn, Feed::Channel(channel), Feed::Me(user)).await?;
    let row = channels::table
        .filter(channels::id.eq(Id(channel)))
        .select(ChannelRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let member = members::table
        .filter(members::channel_id.eq(Id(channel)))
        .filter(members::user_id.eq(Id(user)))
        .select(MemberRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    let member = member.map(Member::try_from).transpose()?;
    Ok(Some(Place { channel: row.try_into()?, feed, member, own_head: own.head }))
}

/// Public channels whose name begins with `prefix`, by name. To who is banned from one it is not
/// there.
pub(crate) async fn public(
    conn: &mut Conn,
    user: UserId,
    now: Timestamp,
    prefix: String,
    page: PageRequest,
) -> Result<Page<(Channel, DomainFeed)>, Error> {
    let barring = members::table
        .filter(members::channel_id.eq(channels::id))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(BANNED))
        .filter(members::banned_until.is_null().or(members::banned_until.gt(Some(At(now)))));
    let mut query = channels::table
        .inner_join(feeds::table.on(feeds::id.eq(channels::id)))
        .filter(channels::kind.eq(channel_kind_code(ChannelKind::Public)))
        .filter(channels::deleted_at.is_null())
        .filter(not(exists(barring)))
        .order((channels::name_key, channels::id))
        .limit(page.limit + 1)
        .select((ChannelRow::as_select(), FeedRow::as_select()))
        .into_boxed();
    if let Some(end) = crate::after_prefix(&prefix) {
        query = query.filter(channels::name_key.ge(prefix)).filter(channels::name_key.lt(end));
    }
    if let Some((id, key)) = page.after.as_deref().and_then(|after| after.split_once('\n')) {
        let id = ChannelId::from(id.parse::<Uuid>().unwrap_or_default());
        let key = key.to_owned();
        query = query.filter(
            channels::name_key
                .gt(key.clone())
                .or(channels::name_key.eq(key).and(channels::id.gt(Id(id)))),
        );
    }
    let rows: Vec<(ChannelRow, FeedRow)> = query.load(conn).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (channel, feed) in rows {
        found.push((Channel::try_from(channel)?, DomainFeed::from(feed)));
    }
    Ok(Page::of(found, page.limit, |(channel, _)| {
        let key = channel.name.as_deref().map(tertulia_domain::ChannelName::key_of);
        format!("{}\n{}", channel.id, key.unwrap_or_default())
    }))
}

/// The channels that a person is in, the newest first. Needs one snapshot.
pub(crate) async fn of_user(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
) -> Result<Page<OwnChannel>, Error> {
    moved_of_user(conn, user, page, None).await
}

async fn moved_of_user(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
    since: Option<Timestamp>,
) -> Result<Page<OwnChannel>, Error> {
    let mut query = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .inner_join(feeds::table.on(feeds::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(JOINED))
        .filter(channels::deleted_at.is_null())
        .order(members::channel_id.desc())
        .limit(page.limit + 1)
        .select((MemberRow::as_select(), ChannelRow::as_select(), FeedRow::as_select()))
        .into_boxed();
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(members::channel_id.lt(Id(ChannelId::from(after))));
    }
    if let Some(since) = since {
        query = query.filter(feeds::moved_at.ge(At(since)));
    }
    let rows: Vec<(MemberRow, ChannelRow, FeedRow)> = query.load(conn).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (member, channel, feed) in rows {
        found.push(OwnChannel {
            channel: channel.try_into()?,
            feed: feed.into(),
            member: member.try_into()?,
            unread: 0,
            mentions: 0,
            last_message: None,
        });
    }
    let mut page = Page::of(found, page.limit, |own: &OwnChannel| own.channel.id.to_string());
    count_unread(conn, user, &mut page.items).await?;
    mentions::count(conn, user, &mut page.items).await?;
    Ok(page)
}

/// The same with each one's last message.
pub(crate) async fn of_user_with_last_messages(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
) -> Result<Page<OwnChannel>, Error> {
    let mut page = of_user(conn, user, page).await?;
    let ids = page.items.iter().map(|own| own.channel.id);
    let rows: Vec<MessageRow> = messages::table
        .inner_join(
            feeds::table
                .on(feeds::id.eq(messages::channel_id).and(feeds::last_seq.eq(messages::seq))),
        )
        .filter(KeyIn::ids("feeds.id", ids))
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    let messages = files::messages_of(conn, rows).await?;
    let mut last: HashMap<ChannelId, Message> =
        messages.into_iter().map(|message| (message.channel_id, message)).collect();
    for own in &mut page.items {
        own.last_message = last.remove(&own.channel.id);
    }
    Ok(page)
}

/// What counts in no unread, as the index of it has it.
const UNCOUNTED: &str = "(messages.deleted_at IS NOT NULL OR messages.kind >= 2)";

/// What is above one's marker, without what counts for nobody. Looked for only where there may be
/// such a message.
async fn count_unread(conn: &mut Conn, user: UserId, own: &mut [OwnChannel]) -> Result<(), Error> {
    let doubtful: Vec<ChannelId> = own
        .iter()
        .filter(|own| own.feed.last_uncounted_seq > own.member.read_seq)
        .map(|own| own.channel.id)
        .collect();
    let mut uncounted = HashMap::new();
    if !doubtful.is_empty() {
        let rows: Vec<(Id<ChannelId>, i64)> = messages::table
            .inner_join(members::table.on(members::channel_id.eq(messages::channel_id)))
            .filter(members::user_id.eq(Id(user)))
            .filter(KeyIn::ids("members.channel_id", doubtful))
            .filter(sql::<Bool>(UNCOUNTED))
            .filter(messages::seq.gt(members::read_seq))
            .group_by(messages::channel_id)
            .select((messages::channel_id, count_star()))
            .load(conn)
            .await?;
        uncounted.extend(rows.into_iter().map(|(channel, count)| (channel.0, count)));
    }
    for own in own {
        let above = own.feed.last_seq - own.member.read_seq;
        own.unread = above - uncounted.get(&own.channel.id).copied().unwrap_or_default();
    }
    Ok(())
}

/// The ids of the channels that a person is in.
pub(crate) async fn ids_of_user(conn: &mut Conn, user: UserId) -> Result<Vec<ChannelId>, Error> {
    let ids: Vec<Id<ChannelId>> = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(JOINED))
        .filter(channels::deleted_at.is_null())
        .select(members::channel_id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// What a client needs to begin. Needs one snapshot.
pub(crate) async fn beginning(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
    since: Option<Timestamp>,
) -> Result<Option<Beginning>, Error> {
    let head = feed(conn, Feed::Me(user)).await?.head;
    let Some(account) = account(conn, user).await? else { return Ok(None) };
    let channels = moved_of_user(conn, user, page, since).await?;
    let gone = match since {
        Some(since) => deleted_of_user(conn, user, since).await?,
        None => Vec::new(),
    };
    let inbox = notifications::inbox(conn, user).await?;
    let notifications = notifications::unread(conn, inbox).await?;
    Ok(Some(Beginning { account, head, channels, gone, inbox, notifications }))
}

/// Channels that were deleted since then while the person was in them; at most 1,000.
async fn deleted_of_user(
    conn: &mut Conn,
    user: UserId,
    since: Timestamp,
) -> Result<Vec<ChannelId>, Error> {
    let ids: Vec<Id<ChannelId>> = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(JOINED))
        .filter(channels::deleted_at.ge(Some(At(since))))
        .limit(1000)
        .select(members::channel_id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Who is in a channel now, by user id, and the place of `user` in it. Needs one snapshot.
pub(crate) async fn members_of(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    page: PageRequest,
) -> Result<Option<(Place, Page<Member>)>, Error> {
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let mut query = members::table
        .filter(members::channel_id.eq(Id(channel)))
        .filter(members::state.eq(JOINED))
        .order(members::user_id)
        .limit(page.limit + 1)
        .select(MemberRow::as_select())
        .into_boxed();
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(members::user_id.gt(Id(UserId::from(after))));
    }
    let rows: Vec<MemberRow> = query.load(conn).await?;
    let members = Page::of(all(rows)?, page.limit, |member: &Member| member.user_id.to_string());
    Ok(Some((place, members)))
}

/// The rows of those of `users` who have one in the channel.
pub(crate) async fn members_among(
    conn: &mut Conn,
    channel: ChannelId,
    users: &[UserId],
) -> Result<Vec<Member>, Error> {
    let mut found = Vec::new();
    for some in users.chunks(crate::fragment::MAX_KEYS) {
        let rows: Vec<MemberRow> = members::table
            .filter(members::channel_id.eq(Id(channel)))
            .filter(KeyIn::ids("user_id", some.iter().copied()))
            .select(MemberRow::as_select())
            .load(conn)
            .await?;
        found.extend(all::<_, Member>(rows)?);
    }
    Ok(found)
}
