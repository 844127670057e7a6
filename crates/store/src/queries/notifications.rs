//! What people are told of.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::upsert::excluded;
use tertulia_domain::{
    Body, ChannelId, Feed, FoundNotifications, Gone, Inbox, MessageId, Notification,
    NotificationId, NotificationKind, NotificationNeeds, NotificationView, NotificationsPlan, Page,
    PageRequest, Timestamp, UserId,
};

use super::feeds::feed;
use super::{Conn, RunQueryDsl, due, mentions};
use crate::fragment::{KeyIn, sql};
use crate::rows::{InboxRow, NotificationRow, all, kind_of, notification_kind_code};
use crate::schema::{channels, inboxes, members, messages, notifications, thread_follows, users};
use crate::types::{At, Id};
use crate::{Error, Notices};

const MENTION: i16 = notification_kind_code(NotificationKind::Mention);

/// Followers that are looked at in one batch; if there are more, nobody is asked who they are.
const FOLLOWERS: i64 = 1000;

/// What a person sees: invitations; and messages that are not deleted, where they are now, and of
/// which a mention still mentions them. Rows of anything else are removed, but not all at once.
const SEEN: &str = "(notifications.message_id IS NULL OR (members.state = 0 \
     AND messages.deleted_at IS NULL AND (notifications.kind <> 0 OR messages.mentions_channel = 1 \
     OR EXISTS (SELECT 1 FROM mentions WHERE mentions.user_id = notifications.user_id \
     AND mentions.channel_id = notifications.channel_id AND mentions.seq = notifications.seq))))";

/// Rows of one message that are removed at once: there may be ten thousand, and the log's
/// transaction is everybody's. The others are not seen from then on, and go by their age.
const REMOVED_AT_ONCE: i64 = 100;

/// What was neither marked read by itself nor with its channel.
const UNREAD: &str = "(notifications.read_at IS NULL \
     AND (notifications.seq IS NULL OR notifications.seq > members.read_seq))";

/// Notifications that can be seen, each beside its person's place in its channel.
macro_rules! seen {
    () => {
        notifications::table
            .inner_join(channels::table.on(channels::id.eq(notifications::channel_id)))
            .left_join(
                members::table.on(members::channel_id
                    .eq(notifications::channel_id)
                    .and(members::user_id.eq(notifications::user_id))),
            )
            .left_join(messages::table.on(messages::id.nullable().eq(notifications::message_id)))
            .filter(channels::deleted_at.is_null())
            .filter(sql::<Bool>(SEEN))
    };
}

/// Those of one person.
macro_rules! of {
    ($user:expr) => {
        seen!().filter(notifications::user_id.eq(Id($user)))
    };
}

/// Loads what a batch needs, under the locks of its feeds.
pub(super) async fn load(
    conn: &mut Conn,
    needs: NotificationNeeds,
) -> Result<FoundNotifications, Error> {
    let mut found = FoundNotifications::default();
    if !needs.threads.is_empty() {
        let rows: Vec<(Id<MessageId>, Id<UserId>, i16)> = thread_follows::table
            .filter(KeyIn::ids("message_id", needs.threads))
            .limit(FOLLOWERS)
            .select((
                thread_follows::message_id,
                thread_follows::user_id,
                thread_follows::following,
            ))
            .load(conn)
            .await?;
        found.many_follow = i64::try_from(rows.len()).is_ok_and(|rows| rows >= FOLLOWERS);
        let follows = rows.into_iter().map(|(root, user, on)| (root.0, user.0, on == 1));
        found.follows = follows.collect();
    }
    if !needs.told.is_empty() {
        let keys = needs.told.iter().map(|(message, user)| [message.uuid(), user.uuid()]);
        let rows: Vec<(Option<Id<MessageId>>, Id<UserId>, i16)> = notifications::table
            .filter(KeyIn::new("(message_id, user_id)", keys))
            .select((notifications::message_id, notifications::user_id, notifications::kind))
            .load(conn)
            .await?;
        for (message, user, kind) in rows {
            let kind = kind_of(kind)?;
            found.told.extend(message.map(|message| (message.0, user.0, kind)));
        }
    }
    if !needs.ids.is_empty() {
        let rows: Vec<NotificationRow> = seen!()
            .filter(KeyIn::ids("notifications.id", needs.ids))
            .select(NotificationRow::as_select())
            .load(conn)
            .await?;
        found.notifications = all(rows)?;
    }
    for user in needs.inboxes {
        let newest: Option<i64> = notifications::table
            .filter(notifications::user_id.eq(Id(user)))
            .order(notifications::made.desc())
            .limit(1)
            .select(notifications::made)
            .get_result(conn)
            .await
            .optional()?;
        found.inboxes.push((inbox(conn, user).await?, newest.unwrap_or_default()));
    }
    Ok(found)
}

/// Writes what a batch decided: what is gone first, so that what came after it stays.
pub(super) async fn write(conn: &mut Conn, plan: NotificationsPlan) -> Result<(), Error> {
    for gone in plan.gone {
        take_away(conn, gone).await?;
    }
    mentions::write(conn, plan.mentioned, plan.unmentioned).await?;
    if !plan.follows.is_empty() {
        let row = |(root, user): (MessageId, UserId)| {
            (
                thread_follows::message_id.eq(Id(root)),
                thread_follows::user_id.eq(Id(user)),
                thread_follows::following.eq(1_i16),
            )
        };
        diesel::insert_into(thread_follows::table)
            .values(plan.follows.into_iter().map(row).collect::<Vec<_>>())
            .on_conflict_do_nothing()
            .execute(conn)
            .await?;
    }
    if !plan.made.is_empty() {
        let rows: Vec<NotificationRow> = plan.made.into_iter().map(NotificationRow::from).collect();
        diesel::insert_into(notifications::table).values(rows).execute(conn).await?;
    }
    for read in plan.read {
        diesel::update(notifications::table.filter(notifications::id.eq(Id(read.id))))
            .set((
                notifications::read_at.eq(read.read_at.map(At)),
                notifications::user_rev.eq(read.user_rev),
            ))
            .execute(conn)
            .await?;
    }
    if !plan.inboxes.is_empty() {
        let rows: Vec<InboxRow> = plan.inboxes.into_iter().map(InboxRow::from).collect();
        diesel::insert_into(inboxes::table)
            .values(rows)
            .on_conflict(inboxes::user_id)
            .do_update()
            .set((
                inboxes::read_up_to.eq(excluded(inboxes::read_up_to)),
                inboxes::user_rev.eq(excluded(inboxes::user_rev)),
            ))
            .execute(conn)
            .await?;
    }
    due::write(conn, plan.done, plan.due).await
}

async fn take_away(conn: &mut Conn, gone: Gone) -> Result<(), Error> {
    match gone {
        Gone::Message(message) => {
            let theirs = notifications::table
                .filter(notifications::message_id.eq(Some(Id(message))))
                .limit(REMOVED_AT_ONCE)
                .select(notifications::id)
                .load(conn)
                .await?;
            remove(conn, theirs).await?;
        }
        Gone::Mentions(message, but) => {
            let but: Vec<Id<UserId>> = but.into_iter().map(Id).collect();
            let theirs = notifications::table
                .filter(notifications::message_id.eq(Some(Id(message))))
                .filter(notifications::kind.eq(MENTION))
                .filter(notifications::user_id.ne_all(but))
                .limit(REMOVED_AT_ONCE)
                .select(notifications::id)
                .load(conn)
                .await?;
            remove(conn, theirs).await?;
        }
        Gone::Member(channel, user) => {
            let theirs = of_channel(channel, user).filter(notifications::message_id.is_not_null());
            diesel::delete(theirs).execute(conn).await?;
        }
        Gone::Invitation(channel, user) => {
            let theirs = of_channel(channel, user).filter(notifications::message_id.is_null());
            diesel::delete(theirs).execute(conn).await?;
        }
    }
    Ok(())
}

async fn remove(conn: &mut Conn, ids: Vec<Id<NotificationId>>) -> Result<(), Error> {
    if !ids.is_empty() {
        let ids = KeyIn::ids("id", ids.into_iter().map(|id| id.0));
        diesel::delete(notifications::table.filter(ids)).execute(conn).await?;
    }
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_channel(channel: ChannelId, user: UserId) -> _ {
    let (channel, user): (Id<ChannelId>, Id<UserId>) = (Id(channel), Id(user));
    notifications::table
        .filter(notifications::user_id.eq(user))
        .filter(notifications::channel_id.eq(channel))
}

/// Up to where somebody has seen all of theirs.
pub(crate) async fn inbox(conn: &mut Conn, user: UserId) -> Result<Inbox, Error> {
    let row = inboxes::table
        .filter(inboxes::user_id.eq(Id(user)))
        .select(InboxRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map_or(Inbox::unread(user), Inbox::from))
}

/// How many of them are unread.
pub(super) async fn unread(conn: &mut Conn, inbox: Inbox) -> Result<i64, Error> {
    Ok(of!(inbox.user_id)
        .filter(notifications::made.gt(inbox.read_up_to))
        .filter(sql::<Bool>(UNREAD))
        .count()
        .get_result(conn)
        .await?)
}

/// A person's notifications, the newest first. Needs one snapshot.
pub(crate) async fn list(
    conn: &mut Conn,
    user: UserId,
    only_unread: bool,
    page: PageRequest,
) -> Result<Notices, Error> {
    let head = feed(conn, Feed::Me(user)).await?.head;
    let inbox = inbox(conn, user).await?;
    let mut query = of!(user)
        .order(notifications::made.desc())
        .limit(page.limit + 1)
        .select((NotificationRow::as_select(), members::read_seq.nullable()))
        .into_boxed();
    if only_unread {
        query = query.filter(notifications::made.gt(inbox.read_up_to)).filter(sql::<Bool>(UNREAD));
    }
    if let Some(before) = page.after.as_deref().and_then(|after| after.parse::<i64>().ok()) {
        query = query.filter(notifications::made.lt(before));
    }
    let rows: Vec<(NotificationRow, Option<i64>)> = query.load(conn).await?;
    let mut found = Vec::with_capacity(rows.len());
    for (row, read_seq) in rows {
        let notification = Notification::try_from(row)?;
        let read = notification.read_at.is_some()
            || notification.made <= inbox.read_up_to
            || notification.seq.zip(read_seq).is_some_and(|(seq, read)| seq <= read);
        found.push(NotificationView { notification, read });
    }
    let page =
        Page::of(found, page.limit, |view: &NotificationView| view.notification.made.to_string());
    Ok(Notices { page, unread: unread(conn, inbox).await?, inbox, head })
}

/// What a person was told of, or has seen, after `since`.
pub(super) async fn after(
    conn: &mut Conn,
    user: UserId,
    since: i64,
    limit: i64,
) -> Result<Vec<(i64, Body)>, Error> {
    let rows: Vec<NotificationRow> = of!(user)
        .filter(notifications::user_rev.gt(since))
        .order(notifications::user_rev)
        .limit(limit)
        .select(NotificationRow::as_select())
        .load(conn)
        .await?;
    let told: Vec<Notification> = all(rows)?;
    let told = told.into_iter().map(|it| (it.user_rev, Body::Notification(it)));
    let inbox = Some(inbox(conn, user).await?).filter(|inbox| inbox.user_rev > since);
    Ok(told.chain(inbox.map(|inbox| (inbox.user_rev, Body::Inbox(inbox)))).collect())
}

/// Removes all that a deleted account was told of.
pub(crate) async fn erase(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    diesel::delete(notifications::table.filter(notifications::user_id.eq(Id(user))))
        .execute(conn)
        .await?;
    diesel::delete(inboxes::table.filter(inboxes::user_id.eq(Id(user)))).execute(conn).await?;
    Ok(())
}

/// Removes what people were told of messages of a deleted channel below a place.
pub(super) async fn purge(
    conn: &mut Conn,
    channel: Id<ChannelId>,
    below: i64,
) -> Result<(), Error> {
    let theirs =
        messages::table.filter(messages::channel_id.eq(channel)).filter(messages::seq.lt(below));
    let ids = theirs.select(messages::id.nullable());
    diesel::delete(notifications::table.filter(notifications::message_id.eq_any(ids)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Of the next people after `after`: whose notifications are too many or too old, and up to which
/// place; and the last of these people, if there may be more.
pub(crate) async fn overfull(
    conn: &mut Conn,
    after: Option<UserId>,
    kept: i64,
    created_before: Timestamp,
    limit: i64,
) -> Result<(Vec<(UserId, i64)>, Option<UserId>), Error> {
    let after = after.unwrap_or(UserId::from(uuid::Uuid::nil()));
    let people: Vec<Id<UserId>> = users::table
        .filter(users::id.gt(Id(after)))
        .order(users::id)
        .limit(limit)
        .select(users::id)
        .load(conn)
        .await?;
    let mut overfull = Vec::new();
    for user in people.iter().copied() {
        let own = notifications::table.filter(notifications::user_id.eq(user));
        let surplus: Option<i64> = own
            .order(notifications::made.desc())
            .offset(kept)
            .limit(1)
            .select(notifications::made)
            .get_result(conn)
            .await
            .optional()?;
        let oldest: Option<(i64, At)> = own
            .order(notifications::made)
            .limit(1)
            .select((notifications::made, notifications::created_at))
            .get_result(conn)
            .await
            .optional()?;
        let old = oldest.filter(|(_, at)| at.0 < created_before).map(|(made, _)| made);
        overfull.extend(surplus.max(old).map(|made| (user.0, made)));
    }
    let full = i64::try_from(people.len()).is_ok_and(|people| people == limit);
    Ok((overfull, people.last().filter(|_| full).map(|user| user.0)))
}

/// Removes up to `limit` of a person's notifications, the first ones: up to a place, and what is
/// older. Who has not seen them misses nothing, since they are kept for nobody.
pub(crate) async fn trim(
    conn: &mut Conn,
    user: UserId,
    up_to: i64,
    created_before: Timestamp,
    limit: i64,
) -> Result<usize, Error> {
    let dead: Vec<i64> = notifications::table
        .filter(notifications::user_id.eq(Id(user)))
        .filter(notifications::made.le(up_to).or(notifications::created_at.lt(At(created_before))))
        .order(notifications::made)
        .limit(limit)
        .select(notifications::made)
        .load(conn)
        .await?;
    let Some(last) = dead.last() else { return Ok(0) };
    let theirs = notifications::table
        .filter(notifications::user_id.eq(Id(user)))
        .filter(notifications::made.le(last));
    Ok(diesel::delete(theirs).execute(conn).await?)
}
