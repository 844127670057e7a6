//! Reactions: how many, whose, and how that changed.

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel::upsert::excluded;
use tertulia_domain::{
    Body, ChannelId, Emoji, FoundReactions, MessageId, MessageView, OwnReaction, Page, PageRequest,
    ReactedBy, ReactionCount, ReactionView, ReactionsPlan, Tallies, Tally, UserId,
};
use uuid::Uuid;

use super::channels::place;
use super::{Conn, RunQueryDsl, claimed};
use crate::fragment::{KeyIn, sql};
use crate::rows::{ReactionCountRow, ReactionRow};
use crate::schema::{buried, channels, messages, reaction_counts, reactions};
use crate::types::{At, Id};
use crate::{Error, Place};

/// Written out, so that the index of what is there serves: a bound value could be any.
const THERE: &str = "reactions.mine = 1";

/// What there is on these messages, and of these people.
pub(crate) async fn load(
    conn: &mut Conn,
    wanted: BTreeSet<(MessageId, UserId)>,
) -> Result<FoundReactions, Error> {
    let messages: BTreeSet<MessageId> = wanted.iter().map(|(message, _)| *message).collect();
    let counts: Vec<(Id<MessageId>, String, i64)> = reaction_counts::table
        .filter(KeyIn::ids("message_id", messages))
        .filter(reaction_counts::count.gt(0))
        .select((reaction_counts::message_id, reaction_counts::emoji, reaction_counts::count))
        .load(conn)
        .await?;
    let keys = wanted.iter().map(|(message, user)| [message.uuid(), user.uuid()]);
    let own: Vec<(Id<MessageId>, Id<UserId>, String)> = reactions::table
        .filter(KeyIn::new("(message_id, user_id)", keys))
        .filter(sql::<Bool>(THERE))
        .select((reactions::message_id, reactions::user_id, reactions::emoji))
        .load(conn)
        .await?;
    let counts = counts.into_iter().map(|(id, emoji, count)| (id.0, Emoji::stored(emoji), count));
    let own = own.into_iter().map(|(id, user, emoji)| (id.0, user.0, Emoji::stored(emoji)));
    Ok(FoundReactions { counts: counts.collect(), own: own.collect() })
}

/// Writes what a batch decided.
pub(crate) async fn write(conn: &mut Conn, plan: ReactionsPlan) -> Result<(), Error> {
    if !plan.counts.is_empty() {
        let row = |changed: ReactionCount| ReactionCountRow {
            message_id: Id(changed.message),
            emoji: changed.emoji.into_string(),
            channel_id: Id(changed.channel),
            count: changed.count,
            rev: changed.rev,
        };
        diesel::insert_into(reaction_counts::table)
            .values(plan.counts.into_iter().map(row).collect::<Vec<_>>())
            .on_conflict((reaction_counts::message_id, reaction_counts::emoji))
            .do_update()
            .set((
                reaction_counts::count.eq(excluded(reaction_counts::count)),
                reaction_counts::rev.eq(excluded(reaction_counts::rev)),
            ))
            .execute(conn)
            .await?;
    }
    if !plan.own.is_empty() {
        let row = |changed: OwnReaction| ReactionRow {
            message_id: Id(changed.message),
            user_id: Id(changed.user),
            emoji: changed.emoji.into_string(),
            mine: i16::from(changed.mine),
            user_rev: changed.user_rev,
        };
        diesel::insert_into(reactions::table)
            .values(plan.own.into_iter().map(row).collect::<Vec<_>>())
            .on_conflict((reactions::message_id, reactions::user_id, reactions::emoji))
            .do_update()
            .set((
                reactions::mine.eq(excluded(reactions::mine)),
                reactions::user_rev.eq(excluded(reactions::user_rev)),
            ))
            .execute(conn)
            .await?;
    }
    forget_those(conn, plan.forgotten).await
}

/// Notes down that the reactions to these messages, which are deleted, are to be removed: there may be
/// many, and the transaction is everybody's. Nobody sees them from now on.
pub(crate) async fn bury(conn: &mut Conn, messages: Vec<MessageId>) -> Result<(), Error> {
    let with_any: Vec<Id<MessageId>> = reaction_counts::table
        .filter(KeyIn::ids("message_id", messages))
        .select(reaction_counts::message_id)
        .distinct()
        .load(conn)
        .await?;
    if with_any.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = with_any.into_iter().map(|id| buried::message_id.eq(id)).collect();
    diesel::insert_into(buried::table).values(rows).on_conflict_do_nothing().execute(conn).await?;
    Ok(())
}

/// Messages in one piece, beside the reactions to them.
const MAX_BURIED: i64 = 50;

/// Up to `limit` people's reactions to deleted messages, and the counts with the last of them.
pub(crate) async fn purge_buried(conn: &mut Conn, limit: i64) -> Result<Option<usize>, Error> {
    let due: Vec<Id<MessageId>> = claimed!(
        buried::table.order(buried::message_id).limit(MAX_BURIED).select(buried::message_id)
    )
    .load(conn)
    .await?;
    if due.is_empty() {
        return Ok(None);
    }
    let theirs = || KeyIn::ids("message_id", due.iter().map(|id| id.0));
    let some: Vec<(Id<MessageId>, Id<UserId>)> = reactions::table
        .filter(theirs())
        .limit(limit)
        .select((reactions::message_id, reactions::user_id))
        .load(conn)
        .await?;
    if !some.is_empty() {
        let keys = some.into_iter().map(|(message, user)| [message.0.uuid(), user.0.uuid()]);
        let keys = KeyIn::new("(message_id, user_id)", keys);
        return Ok(Some(diesel::delete(reactions::table.filter(keys)).execute(conn).await?));
    }
    let removed = diesel::delete(reaction_counts::table.filter(theirs())).execute(conn).await?;
    diesel::delete(buried::table.filter(theirs())).execute(conn).await?;
    Ok(Some(removed))
}

/// Up to `limit` messages to which somebody has reacted, of those that others see.
pub(crate) async fn reacted_to(
    conn: &mut Conn,
    user: UserId,
    limit: i64,
) -> Result<Vec<MessageId>, Error> {
    let live = channels::table
        .filter(channels::id.eq(messages::channel_id))
        .filter(channels::deleted_at.is_null());
    let ids: Vec<Id<MessageId>> = reactions::table
        .inner_join(messages::table.on(messages::id.eq(reactions::message_id)))
        .filter(reactions::user_id.eq(Id(user)))
        .filter(sql::<Bool>(THERE))
        .filter(messages::deleted_at.is_null())
        .filter(exists(live))
        .select(reactions::message_id)
        .distinct()
        .limit(limit)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Forgets up to `limit` of the messages to which somebody has ever reacted. How many those were.
pub(crate) async fn forget(conn: &mut Conn, user: UserId, limit: i64) -> Result<usize, Error> {
    let some: Vec<Id<MessageId>> = reactions::table
        .filter(reactions::user_id.eq(Id(user)))
        .select(reactions::message_id)
        .distinct()
        .limit(limit)
        .load(conn)
        .await?;
    let keys: Vec<_> = some.into_iter().map(|message| (message.0, user)).collect();
    let forgotten = keys.len();
    forget_those(conn, keys).await?;
    Ok(forgotten)
}

async fn forget_those(conn: &mut Conn, keys: Vec<(MessageId, UserId)>) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    let keys = keys.into_iter().map(|(message, user)| [message.uuid(), user.uuid()]);
    let theirs = reactions::table.filter(KeyIn::new("(message_id, user_id)", keys));
    diesel::delete(theirs).execute(conn).await?;
    Ok(())
}

/// Removes up to `limit` people's reactions to messages of a deleted channel below a place, and the
/// counts with the last of them. How many rows that were.
pub(crate) async fn purge(
    conn: &mut Conn,
    channel: Id<ChannelId>,
    below: i64,
    limit: i64,
) -> Result<usize, Error> {
    let theirs =
        messages::table.filter(messages::channel_id.eq(channel)).filter(messages::seq.lt(below));
    let some: Vec<(Id<MessageId>, Id<UserId>)> = reactions::table
        .filter(reactions::message_id.eq_any(theirs.select(messages::id)))
        .limit(limit)
        .select((reactions::message_id, reactions::user_id))
        .load(conn)
        .await?;
    if some.is_empty() {
        let counts = reaction_counts::table
            .filter(reaction_counts::message_id.eq_any(theirs.select(messages::id)));
        return Ok(diesel::delete(counts).execute(conn).await?);
    }
    let keys = some.into_iter().map(|(message, user)| [message.0.uuid(), user.0.uuid()]);
    let keys = KeyIn::new("(message_id, user_id)", keys);
    Ok(diesel::delete(reactions::table.filter(keys)).execute(conn).await?)
}

/// Adds the reactions to these messages, as one person sees them: one statement for all.
pub(crate) async fn add_to(
    conn: &mut Conn,
    views: &mut [MessageView],
    user: UserId,
) -> Result<(), Error> {
    let mut bare: HashMap<MessageId, &mut MessageView> = views
        .iter_mut()
        .filter(|view| view.message.deleted_at.is_none())
        .map(|view| (view.message.id, view))
        .collect();
    if bare.is_empty() {
        return Ok(());
    }
    let mine = reactions::message_id
        .eq(reaction_counts::message_id)
        .and(reactions::user_id.eq(Id(user)))
        .and(reactions::emoji.eq(reaction_counts::emoji))
        .and(sql::<Bool>(THERE));
    let rows: Vec<(Id<MessageId>, String, i64, Option<i16>)> = reaction_counts::table
        .left_join(reactions::table.on(mine))
        .filter(KeyIn::ids("reaction_counts.message_id", bare.keys().copied()))
        .filter(reaction_counts::count.gt(0))
        .select((
            reaction_counts::message_id,
            reaction_counts::emoji,
            reaction_counts::count,
            reactions::mine.nullable(),
        ))
        .load(conn)
        .await?;
    for (message, emoji, count, mine) in rows {
        if let Some(view) = bare.get_mut(&message.0) {
            let (emoji, mine) = (Emoji::stored(emoji), mine.is_some());
            view.reactions.push(ReactionView { emoji, count, mine });
        }
    }
    for view in bare.into_values() {
        view.reactions.sort_by(|one, other| one.emoji.cmp(&other.emoji));
    }
    Ok(())
}

/// Who has reacted to a message with an emoji, by user id, and the place of `user` in its channel.
/// Needs one snapshot.
pub(crate) async fn reactors(
    conn: &mut Conn,
    message: MessageId,
    emoji: Emoji,
    user: UserId,
    page: PageRequest,
) -> Result<Option<(Place, Page<ReactedBy>)>, Error> {
    let found: Option<(Id<ChannelId>, Option<At>)> = messages::table
        .filter(messages::id.eq(Id(message)))
        .select((messages::channel_id, messages::deleted_at))
        .get_result(conn)
        .await
        .optional()?;
    let Some((Id(channel), deleted_at)) = found else { return Ok(None) };
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    if deleted_at.is_some() {
        return Ok(Some((place, Page { items: Vec::new(), next: None })));
    }
    let mut query = reactions::table
        .filter(reactions::message_id.eq(Id(message)))
        .filter(reactions::emoji.eq(emoji.as_str().to_owned()))
        .filter(sql::<Bool>(THERE))
        .order(reactions::user_id)
        .limit(page.limit + 1)
        .select(reactions::user_id)
        .into_boxed();
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(reactions::user_id.gt(Id(UserId::from(after))));
    }
    let users: Vec<Id<UserId>> = query.load(conn).await?;
    let page = Page::of(users, page.limit, |user| user.0.to_string());
    Ok(Some((place, page.map(|user| ReactedBy { user_id: user.0, emoji: emoji.clone() }))))
}

/// How the reactions to a channel's messages stand that changed after `since`, at most `limit` steps.
/// All that changed at one rev is one step.
pub(crate) async fn after(
    conn: &mut Conn,
    channel: ChannelId,
    since: i64,
    limit: i64,
) -> Result<Vec<(i64, Body)>, Error> {
    let changed = reaction_counts::table
        .inner_join(messages::table.on(messages::id.eq(reaction_counts::message_id)))
        .filter(reaction_counts::channel_id.eq(Id(channel)))
        .filter(reaction_counts::rev.gt(since))
        .filter(messages::deleted_at.is_null())
        .order(reaction_counts::rev);
    let revs: Vec<i64> =
        changed.select(reaction_counts::rev).distinct().limit(limit).load(conn).await?;
    let Some(last) = revs.last().copied() else { return Ok(Vec::new()) };
    let rows: Vec<(i64, Id<MessageId>, String, i64)> = changed
        .filter(reaction_counts::rev.le(last))
        .select((
            reaction_counts::rev,
            reaction_counts::message_id,
            reaction_counts::emoji,
            reaction_counts::count,
        ))
        .load(conn)
        .await?;
    let mut steps: Vec<(i64, Tallies)> = Vec::with_capacity(revs.len());
    for (rev, Id(message_id), emoji, count) in rows {
        let tally = Tally { emoji: Emoji::stored(emoji), count };
        if let Some((_, step)) = steps.last_mut().filter(|(last, _)| *last == rev) {
            step.added |= count > 0;
            step.reactions.push(tally);
        } else {
            let (added, reactions) = (count > 0, vec![tally]);
            steps.push((rev, Tallies { message_id, added, reactions, by: Vec::new() }));
        }
    }
    Ok(steps.into_iter().map(|(rev, step)| (rev, Body::Reactions(step))).collect())
}

/// One's own reaction: its rev, where it is, what it is, and whether it is still there.
type Own = (i64, Id<ChannelId>, Id<MessageId>, String, i16);

/// A person's own reactions that came or went after `since`.
pub(crate) async fn own_after(
    conn: &mut Conn,
    user: UserId,
    since: i64,
    limit: i64,
) -> Result<Vec<(i64, Body)>, Error> {
    let counted = reaction_counts::message_id
        .eq(reactions::message_id)
        .and(reaction_counts::emoji.eq(reactions::emoji));
    let rows: Vec<Own> = reactions::table
        .inner_join(reaction_counts::table.on(counted))
        .inner_join(messages::table.on(messages::id.eq(reactions::message_id)))
        .filter(reactions::user_id.eq(Id(user)))
        .filter(reactions::user_rev.gt(since))
        .filter(messages::deleted_at.is_null())
        .order(reactions::user_rev)
        .limit(limit)
        .select((
            reactions::user_rev,
            reaction_counts::channel_id,
            reactions::message_id,
            reactions::emoji,
            reactions::mine,
        ))
        .load(conn)
        .await?;
    let own = rows.into_iter().map(|(rev, channel, message, emoji, mine)| {
        let (channel_id, message_id, emoji) = (channel.0, message.0, Emoji::stored(emoji));
        (rev, Body::OwnReaction { channel_id, message_id, emoji, mine: mine == 1 })
    });
    Ok(own.collect())
}
