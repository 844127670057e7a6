//! Channels and their members.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use tertulia_domain::{
    Channel, ChannelId, ChannelKind, Feed, FeedRow as DomainFeed, Member, MemberState, Message,
    Page, PageRequest, Timestamp, UserId,
};
use uuid::Uuid;

use super::feeds::{both, feed};
use super::users::account;
use super::{Conn, RunQueryDsl, files, mentions, notifications};
use crate::fragment::{KeyIn, sql};
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

/// The channels that a person is in, the newest first, with each one's last message. Needs one
/// snapshot.
pub(crate) async fn of_user(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
) -> Result<Page<OwnChannel>, Error> {
    let mut page = own(conn, user, page, None, true).await?;
    let messages = page.items.iter_mut().filter_map(|own| own.last_message.as_mut());
    files::add_to(conn, messages).await?;
    Ok(page)
}

/// Places that are looked at in one go, at least.
const PLACES: i64 = 100;

/// Asks the index of one's places alone how far so many of them go, and only then what is there: a
/// join in which the database has to guess how many channels somebody is in sorts all of them for
/// every page.
async fn own(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
    since: Option<Timestamp>,
    with_last: bool,
) -> Result<Page<OwnChannel>, Error> {
    let some = PLACES.max(page.limit + 1);
    let after = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok());
    let mut after = after.map(|after| Id(ChannelId::from(after)));
    let mut found: Vec<OwnChannel> = Vec::new();
    loop {
        let mut query = members::table
            .filter(members::user_id.eq(Id(user)))
            .filter(members::state.eq(JOINED))
            .order(members::channel_id.desc())
            .offset(some - 1)
            .limit(1)
            .select(members::channel_id)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(members::channel_id.lt(after));
        }
        let last: Option<Id<ChannelId>> = query.get_result(conn).await.optional()?;
        found.extend(own_between(conn, user, (after, last), since, with_last).await?);
        // Places in channels that are deleted, or have not moved, are in the index too.
        let enough = i64::try_from(found.len()).is_ok_and(|found| found > page.limit);
        if last.is_none() || enough {
            return Ok(Page::of(found, page.limit, |own| own.channel.id.to_string()));
        }
        after = last;
    }
}

/// How many messages above a member's marker count for nobody, as the index of them has it. Looked
/// for only where there may be such a message.
const UNCOUNTED: &str = "CASE WHEN feeds.last_uncounted_seq > members.read_seq \
     THEN (SELECT COUNT(*) FROM messages AS theirs \
     WHERE theirs.channel_id = members.channel_id AND theirs.seq > members.read_seq \
     AND (theirs.deleted_at IS NOT NULL OR theirs.kind >= 2)) ELSE 0 END";

/// A place, its channel, what in it is uncounted, what mentions one, and what was said last.
type OwnRow = (MemberRow, ChannelRow, FeedRow, i64, i64, Option<MessageRow>);

/// One's places below the first of these channels, down to and with the last.
async fn own_between(
    conn: &mut Conn,
    user: UserId,
    (above, last): (Option<Id<ChannelId>>, Option<Id<ChannelId>>),
    since: Option<Timestamp>,
    with_last: bool,
) -> Result<Vec<OwnChannel>, Error> {
    let said = messages::channel_id.eq(feeds::id).and(messages::seq.eq(feeds::last_seq));
    let mut query = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .inner_join(feeds::table.on(feeds::id.eq(members::channel_id)))
        .left_join(messages::table.on(said.and(with_last.into_sql::<Bool>())))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(JOINED))
        .order(members::channel_id.desc())
        .select((
            MemberRow::as_select(),
            ChannelRow::as_select(),
            FeedRow::as_select(),
            sql::<BigInt>(UNCOUNTED),
            sql::<BigInt>(mentions::UNREAD),
            Option::<MessageRow>::as_select(),
        ))
        .into_boxed();
    if let Some(above) = above {
        query = query.filter(members::channel_id.lt(above));
    }
    if let Some(last) = last {
        query = query.filter(members::channel_id.ge(last));
    }
    if let Some(since) = since {
        query = query.filter(feeds::moved_at.ge(At(since)));
    }
    let rows: Vec<OwnRow> = query.load(conn).await?;
    // Not a condition of the statement: that next to none is deleted, PostgreSQL knows only later.
    rows.into_iter()
        .filter(|(_, channel, ..)| channel.deleted_at.is_none())
        .map(|(member, channel, feed, uncounted, mentions, last)| {
            let member = Member::try_from(member)?;
            Ok(OwnChannel {
                channel: channel.try_into()?,
                unread: feed.last_seq - member.read_seq - uncounted,
                feed: feed.into(),
                member,
                mentions,
                last_message: last.map(Message::try_from).transpose()?,
            })
        })
        .collect()
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
    let channels = own(conn, user, page, since, false).await?;
    let heads = match (&channels.next, since) {
        (None, None) => channels.items.iter().map(|own| (own.channel.id, own.feed.head)).collect(),
        _ => heads_of_user(conn, user).await?,
    };
    let gone = match since {
        Some(since) => deleted_of_user(conn, user, since).await?,
        None => Vec::new(),
    };
    let inbox = notifications::inbox(conn, user).await?;
    let notifications = notifications::unread(conn, inbox).await?;
    Ok(Some(Beginning { account, head, channels, heads, gone, inbox, notifications }))
}

/// The heads of the channels that a person is in.
async fn heads_of_user(conn: &mut Conn, user: UserId) -> Result<Vec<(ChannelId, i64)>, Error> {
    let heads: Vec<(Id<ChannelId>, i64)> = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .inner_join(feeds::table.on(feeds::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(JOINED))
        .filter(channels::deleted_at.is_null())
        .select((members::channel_id, feeds::head))
        .load(conn)
        .await?;
    Ok(heads.into_iter().map(|(id, head)| (id.0, head)).collect())
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
