//! The one transaction through which feeds move: lock, decide, write.

use std::collections::HashMap;
use std::mem::take;

use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{
    Change, ChannelId, Ledger, MessageId, MessageRow as MessageAndDigest, Needs, Plan, SessionId,
    Snapshot, Target, Timestamp, UserId,
};
use uuid::Uuid;

use super::{
    Conn, RunQueryDsl, accounts, audit, drafts, each, files, history, invites, locked, mentions,
    notifications, pins, presence, reactions,
};
use crate::fragment::KeyIn;
use crate::rows::{ChannelRow, FeedRow, KnownRequestRow, MemberRow, MessageRow, all, mentioned};
use crate::schema::{channels, feeds, idempotency_keys, members, messages, sessions, users};
use crate::statements::{InsertMessages, KeepMarks, MoveHeads, MoveMarkers};
use crate::types::{At, Id};
use crate::{Batch, Error, NewIds};

/// Commits a batch. Runs inside a transaction whose statements each see what is committed when
/// they begin: [`Error::Raced`] means that the same batch should be run again.
pub(crate) async fn commit(
    conn: &mut Conn,
    changes: &[Change],
    now: Timestamp,
    ids: NewIds,
) -> Result<Batch, Error> {
    let targets = targets_of(conn, changes).await?;
    let names = mentions::names(conn, changes).await?;
    let mut needs = Needs::default();
    for change in changes {
        let target = change.refers_to().and_then(|message| targets.get(&message).copied());
        needs.add(change, target);
        needs.tell(change, target, &names);
    }
    if ids == NewIds::Trusted {
        needs.trust_new_ids(changes);
    }
    let feeds = lock(conn, &needs).await?;
    let mut snapshot = load(conn, needs, feeds).await?;
    snapshot.notifications.names = names;
    let mut ledger = Ledger::new(snapshot, now);
    let outcomes = changes.iter().map(|change| ledger.apply(change.clone())).collect();
    if ids == NewIds::Trusted && any_taken(conn, ledger.doubted()).await? {
        return Err(Error::Raced);
    }
    let mut plan = ledger.into_plan();
    let frames = std::mem::take(&mut plan.frames);
    let due = !plan.notifications.due.is_empty();
    write(conn, plan, now).await?;
    Ok(Batch { outcomes, frames, due })
}

/// A message, its channel, its author and its thread.
type Found = (Id<MessageId>, Id<ChannelId>, Id<UserId>, Option<Id<MessageId>>);

/// Which channel and thread a message lies in, and who said it, never changes, so it may be read
/// before anything is locked.
async fn targets_of(
    conn: &mut Conn,
    changes: &[Change],
) -> Result<HashMap<MessageId, Target>, Error> {
    let targets: Vec<MessageId> = changes.iter().filter_map(Change::refers_to).collect();
    if targets.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<Found> = messages::table
        .filter(KeyIn::ids("id", targets))
        .select((messages::id, messages::channel_id, messages::author_id, messages::thread_id))
        .load(conn)
        .await?;
    // A message may be sent, answered and edited in one batch; its thread is found with what it
    // answers itself.
    let sent = changes.iter().filter_map(|change| match change {
        Change::Send(new) => {
            let (channel, author) = (new.channel, new.author);
            Some((new.id, Target { channel, author, thread: None }))
        }
        _ => None,
    });
    let found = found.into_iter().map(|(message, channel, author, thread)| {
        let thread = thread.map(|id| id.0);
        (message.0, Target { channel: channel.0, author: author.0, thread })
    });
    Ok(sent.chain(found).collect())
}

async fn lock(conn: &mut Conn, needs: &Needs) -> Result<Vec<FeedRow>, Error> {
    Ok(locked!(
        feeds::table
            .filter(KeyIn::ids("id", needs.feeds.iter().copied()))
            .order(feeds::id)
            .select(FeedRow::as_select())
    )
    .load(conn)
    .await?)
}

/// Loads what was asked for, after the locks.
async fn load(conn: &mut Conn, mut needs: Needs, feeds: Vec<FeedRow>) -> Result<Snapshot, Error> {
    let mut found = Snapshot {
        feeds: feeds.into_iter().map(tertulia_domain::FeedRow::from).collect(),
        ..Snapshot::default()
    };
    invites::load(conn, &mut needs, &mut found).await?;
    if !needs.requests.is_empty() {
        // Who asks again has waited for the lock of their own feed.
        let rows: Vec<KnownRequestRow> = idempotency_keys::table
            .filter(KeyIn::ids("key", needs.requests))
            .select(KnownRequestRow::as_select())
            .load(conn)
            .await?;
        found.requests = all(rows)?;
        needs.channels.extend(found.requests.iter().map(|known| known.channel));
    }
    if !needs.channels.is_empty() {
        // Members lie in channels that are loaded as well: one statement, a channel once for each.
        let keys = needs.members.iter().map(|(channel, user)| [channel.uuid(), user.uuid()]);
        let wanted = KeyIn::new("(members.channel_id, members.user_id)", keys);
        let rows: Vec<(ChannelRow, Option<MemberRow>)> = channels::table
            .left_join(members::table.on(members::channel_id.eq(channels::id).and(wanted)))
            .filter(KeyIn::ids("channels.id", needs.channels))
            .select((ChannelRow::as_select(), Option::<MemberRow>::as_select()))
            .load(conn)
            .await?;
        let (channels, members): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        found.channels = all(channels)?;
        found.members = all(members.into_iter().flatten().collect())?;
    }
    if !needs.direct.is_empty() {
        let keys = needs.direct.iter().map(|key| key.people().map(Uuid::from));
        let rows: Vec<ChannelRow> = channels::table
            .filter(KeyIn::new("(direct_a, direct_b)", keys))
            .select(ChannelRow::as_select())
            .load(conn)
            .await?;
        found.channels.extend(all(rows)?);
    }
    if !needs.messages.is_empty() {
        let rows: Vec<MessageRow> = messages::table
            .filter(KeyIn::ids("id", needs.messages))
            .select(MessageRow::as_select())
            .load(conn)
            .await?;
        found.messages = all(rows)?;
        files::add_to(conn, found.messages.iter_mut().map(|row| &mut row.message)).await?;
    }
    if !needs.pins.is_empty() {
        found.pins = pins::count(conn, needs.pins).await?;
    }
    if !needs.reactions.is_empty() {
        found.reactions = reactions::load(conn, needs.reactions).await?;
    }
    if !needs.notifications.is_empty() {
        found.notifications = notifications::load(conn, needs.notifications).await?;
    }
    found.statuses = presence::load(conn, needs.statuses).await?;
    found.drafts = drafts::load(conn, needs.drafts).await?;
    if !needs.files.is_empty() {
        found.files = files::lock(conn, needs.files).await?;
    }
    if !needs.users.is_empty() {
        let rows: Vec<Id<UserId>> = users::table
            .filter(KeyIn::ids("id", needs.users))
            .filter(users::disabled_at.is_null())
            .select(users::id)
            .load(conn)
            .await?;
        found.users = rows.into_iter().map(|id| id.0).collect();
    }
    // Before their sessions are read: whoever signs in waits for the same lock.
    found.accounts = accounts::load(conn, needs.accounts).await?;
    if needs.admins {
        found.admins = accounts::admins(conn).await?;
    }
    if !needs.sessions.is_empty() {
        let rows: Vec<(Id<UserId>, Id<SessionId>)> = sessions::table
            .filter(KeyIn::ids("user_id", needs.sessions))
            .filter(sessions::ended_at.is_null())
            .select((sessions::user_id, sessions::id))
            .load(conn)
            .await?;
        found.sessions = rows.into_iter().map(|(user, id)| (user.0, id.0)).collect();
    }
    Ok(found)
}

async fn write(conn: &mut Conn, mut plan: Plan, now: Timestamp) -> Result<(), Error> {
    write_messages(conn, &mut plan, now).await?;
    write_channels(conn, &mut plan).await?;
    write_people(conn, plan, now).await
}

async fn write_messages(conn: &mut Conn, plan: &mut Plan, now: Timestamp) -> Result<(), Error> {
    if !plan.new_messages.is_empty() {
        insert_messages(conn, take(&mut plan.new_messages)).await?;
    }
    if !plan.attached.is_empty() {
        files::attach(conn, take(&mut plan.attached)).await?;
    }
    if !plan.bereft.is_empty() {
        files::delete_of(conn, take(&mut plan.bereft), now).await?;
    }
    if !plan.buried.is_empty() {
        reactions::bury(conn, plan.buried.clone()).await?;
        history::erase(conn, take(&mut plan.buried)).await?;
    }
    reactions::write(conn, take(&mut plan.reactions)).await?;
    history::keep(conn, take(&mut plan.rewritten)).await?;
    for message in take(&mut plan.changed_messages) {
        let named = mentioned(&message.mentions);
        diesel::update(messages::table.filter(messages::id.eq(Id(message.id))))
            .set((
                messages::rev.eq(message.rev),
                messages::content.eq(message.content),
                messages::version.eq(message.version),
                messages::edited_at.eq(message.edited_at.map(At)),
                messages::deleted_at.eq(message.deleted_at.map(At)),
                messages::pinned_at.eq(message.pinned_at.map(At)),
                messages::pinned_by.eq(message.pinned_by.map(Id)),
                messages::mentioned.eq(named),
                messages::mentions_channel.eq(i16::from(message.mentions.channel)),
            ))
            .execute(conn)
            .await?;
    }
    for root in take(&mut plan.roots) {
        diesel::update(messages::table.filter(messages::id.eq(Id(root.id))))
            .set((
                messages::rev.eq(root.rev),
                messages::reply_count.eq(root.reply_count),
                messages::last_reply_at.eq(root.last_reply_at.map(At)),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

async fn write_channels(conn: &mut Conn, plan: &mut Plan) -> Result<(), Error> {
    if !plan.channels.is_empty() {
        let rows: Vec<ChannelRow> =
            take(&mut plan.channels).into_iter().map(ChannelRow::from).collect();
        diesel::insert_into(channels::table)
            .values(rows)
            .on_conflict(channels::id)
            .do_update()
            .set((
                channels::name.eq(excluded(channels::name)),
                channels::name_key.eq(excluded(channels::name_key)),
                channels::description.eq(excluded(channels::description)),
                channels::topic.eq(excluded(channels::topic)),
                channels::posting.eq(excluded(channels::posting)),
                channels::slow_mode_seconds.eq(excluded(channels::slow_mode_seconds)),
                channels::archived_at.eq(excluded(channels::archived_at)),
                channels::owner_id.eq(excluded(channels::owner_id)),
                channels::updated_at.eq(excluded(channels::updated_at)),
                channels::deleted_at.eq(excluded(channels::deleted_at)),
                channels::rev.eq(excluded(channels::rev)),
            ))
            .execute(conn)
            .await?;
    }
    if !plan.new_requests.is_empty() {
        let rows: Vec<_> =
            take(&mut plan.new_requests).into_iter().map(KnownRequestRow::from).collect();
        diesel::insert_into(idempotency_keys::table).values(rows).execute(conn).await?;
    }
    if !plan.members.is_empty() {
        let rows: Vec<MemberRow> =
            take(&mut plan.members).into_iter().map(MemberRow::from).collect();
        diesel::insert_into(members::table)
            .values(rows)
            .on_conflict((members::channel_id, members::user_id))
            .do_update()
            .set((
                members::role.eq(excluded(members::role)),
                members::state.eq(excluded(members::state)),
                members::joined_at.eq(excluded(members::joined_at)),
                members::rev.eq(excluded(members::rev)),
                members::user_rev.eq(excluded(members::user_rev)),
                members::read_seq.eq(excluded(members::read_seq)),
                members::seen_seq.eq(excluded(members::seen_seq)),
                members::delivered_seq.eq(excluded(members::delivered_seq)),
                members::joined_rev.eq(excluded(members::joined_rev)),
                members::muted_until.eq(excluded(members::muted_until)),
                members::banned_until.eq(excluded(members::banned_until)),
                members::level.eq(excluded(members::level)),
                members::quiet_until.eq(excluded(members::quiet_until)),
                members::entered.eq(excluded(members::entered)),
            ))
            .execute(conn)
            .await?;
    }
    for member in take(&mut plan.slowed) {
        let key = (Id(member.channel_id), Id(member.user_id));
        diesel::update(members::table.find(key))
            .set(members::said_at.eq(member.said_at.map(At)))
            .execute(conn)
            .await?;
    }
    for member in take(&mut plan.set) {
        let row = MemberRow::from(member);
        diesel::update(members::table.find((row.channel_id, row.user_id)))
            .set((
                members::level.eq(row.level),
                members::quiet_until.eq(row.quiet_until),
                members::user_rev.eq(row.user_rev),
            ))
            .execute(conn)
            .await?;
    }
    if !plan.ways.is_empty() {
        invites::write(conn, take(&mut plan.ways)).await?;
    }
    if !plan.marked.is_empty() {
        let rows = take(&mut plan.marked).into_iter().map(MemberRow::from).collect();
        each::<KeepMarks>(conn, rows).await?;
    }
    if !plan.readers.is_empty() {
        let rows = take(&mut plan.readers).into_iter().map(MemberRow::from).collect();
        each::<MoveMarkers>(conn, rows).await?;
    }
    Ok(())
}

async fn write_people(conn: &mut Conn, plan: Plan, now: Timestamp) -> Result<(), Error> {
    if !plan.notifications.is_empty() {
        notifications::write(conn, plan.notifications).await?;
    }
    presence::write(conn, plan.statuses).await?;
    drafts::write(conn, plan.drafts).await?;
    // Their tokens are refused from now on, and removed in their time: a family may be long.
    for ended in plan.ended_sessions {
        diesel::update(sessions::table.filter(sessions::id.eq(Id(ended.id))))
            .set((
                sessions::ended_at.eq(Some(At(now))),
                sessions::rev.eq(Some(ended.rev)),
                // Where somebody was, and with what, is nobody's business any more.
                sessions::user_agent.eq(""),
                sessions::address.eq(""),
            ))
            .execute(conn)
            .await?;
    }
    accounts::write(conn, plan.accounts, now).await?;
    if !plan.audit.is_empty() {
        audit::insert_all(conn, plan.audit).await?;
    }
    if !plan.feeds.is_empty() {
        let heads = plan.feeds.into_iter().map(FeedRow::from).collect();
        each::<MoveHeads>(conn, heads).await?;
    }
    Ok(())
}

/// Whether a message that slow mode held back may have been sent before.
async fn any_taken(conn: &mut Conn, doubted: &[MessageId]) -> Result<bool, Error> {
    if doubted.is_empty() {
        return Ok(false);
    }
    let taken: Option<Id<MessageId>> = messages::table
        .filter(KeyIn::ids("id", doubted.iter().copied()))
        .limit(1)
        .select(messages::id)
        .get_result(conn)
        .await
        .optional()?;
    Ok(taken.is_some())
}

/// In the order of their ids, so that two nodes given the same ids wait for each other and never
/// in a circle. An id that somebody else took in the meantime is found by the next try.
async fn insert_messages(conn: &mut Conn, new: Vec<MessageAndDigest>) -> Result<(), Error> {
    let sent = new.len();
    let rows = new.into_iter().map(MessageRow::from).collect();
    let inserted = each::<InsertMessages>(conn, rows).await?;
    if inserted == sent { Ok(()) } else { Err(Error::Raced) }
}
