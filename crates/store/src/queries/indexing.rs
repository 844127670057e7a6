//! What keeps the search index: after the commit, from a cursor for each channel's feed, in bounded
//! pieces. What happened is read and divided into words in one snapshot; then it is written, if
//! nobody else did meanwhile and as far as it is still true. All may be done twice, and by any number
//! of nodes.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{ChannelId, MessageId, Timestamp};

use super::{Conn, RunQueryDsl, each, fulltext, held, locked};
use crate::fragment::KeyIn;
use crate::fulltext::{CHUNK_BITS, Entry};
use crate::rows::{FindableRow, all};
use crate::schema::{
    channels, feeds, messages, search_chunks, search_cursors, search_entries, search_state,
};
use crate::statements::{CursorRow, MoveCursors};
use crate::types::{At, Id};
use crate::{Error, Findable, Older, Share};

/// Of each channel that is behind at least so many revs are looked at in one go.
const MIN_EACH: i64 = 4;

/// The only row of `search_state`.
const STATE: i64 = 1;

/// Messages as they are to be found, each with the kind of its channel.
macro_rules! findable {
    () => {
        messages::table
            .inner_join(channels::table.on(channels::id.eq(messages::channel_id)))
            .select((FindableRow::as_select(), channels::kind))
    };
}

/// Channels whose feed has moved since they were indexed. Goes through all channels.
pub(crate) async fn behind(conn: &mut Conn, limit: i64) -> Result<Vec<ChannelId>, Error> {
    let rows: Vec<Id<ChannelId>> = channels::table
        .inner_join(feeds::table.on(feeds::id.eq(channels::id)))
        .left_join(search_cursors::table.on(search_cursors::channel_id.eq(channels::id)))
        .filter(search_cursors::rev.is_null().or(search_cursors::rev.lt(feeds::head)))
        .limit(limit)
        .select(channels::id)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|id| id.0).collect())
}

/// What has happened to messages in these channels since they were indexed, in about `limit` revs of
/// them all: two statements, however many channels. Needs one snapshot.
pub(crate) async fn unindexed(
    conn: &mut Conn,
    of: Vec<ChannelId>,
    limit: i64,
) -> Result<Vec<Share>, Error> {
    let rows: Vec<(Id<ChannelId>, i64, Option<i64>)> = feeds::table
        .left_join(search_cursors::table.on(search_cursors::channel_id.eq(feeds::id)))
        .filter(KeyIn::ids("feeds.id", of))
        .select((feeds::id, feeds::head, search_cursors::rev.nullable()))
        .load(conn)
        .await?;
    let each = (limit / i64::try_from(rows.len()).unwrap_or(1).max(1)).max(MIN_EACH);
    let known = rows.iter().filter(|row| row.2.is_some()).map(|row| row.0.0);
    let new = rows.iter().filter(|row| row.2.is_none()).map(|row| row.0.0);
    let mut found = since_cursors(conn, known.collect(), each).await?;
    found.extend(from_the_beginning(conn, new.collect(), each).await?);
    let mut by_channel: HashMap<ChannelId, Vec<(FindableRow, i16)>> = HashMap::new();
    for (row, kind) in found {
        by_channel.entry(row.channel_id.0).or_default().push((row, kind));
    }
    let mut shares = Vec::with_capacity(rows.len());
    for (Id(channel), head, from) in rows {
        let mut rows = by_channel.remove(&channel).unwrap_or_default();
        rows.sort_by_key(|(row, _)| row.rev);
        let from = from.unwrap_or_default();
        let to = head.min(from + each);
        let revs: Vec<i64> = rows.iter().map(|(row, _)| row.rev).collect();
        let share = Share { channel, from, to, more: to < head, findable: all(rows)? };
        shares.push((share, revs));
    }
    // Where there is more to come from one channel, others wait for it: numbers follow the time.
    let newest = |share: &Share| share.findable.iter().map(|one| one.created_at).max();
    let until =
        shares.iter().filter(|(share, _)| share.more).filter_map(|(it, _)| newest(it)).min();
    for (share, revs) in &mut shares {
        let late = |one: &Findable| until.is_some_and(|until| one.created_at > until);
        if let Some(cut) = share.findable.iter().position(late) {
            share.findable.truncate(cut);
            share.more = true;
            share.to = if cut == 0 { share.from } else { revs[cut - 1] };
        }
    }
    Ok(shares.into_iter().map(|(share, _)| share).collect())
}

/// The messages of channels that have a cursor in the `each` revs behind it.
async fn since_cursors(
    conn: &mut Conn,
    channels: Vec<ChannelId>,
    each: i64,
) -> Result<Vec<(FindableRow, i16)>, Error> {
    if channels.is_empty() {
        return Ok(Vec::new());
    }
    let of_channel = search_cursors::channel_id.eq(messages::channel_id);
    Ok(findable!()
        .inner_join(search_cursors::table.on(of_channel))
        .filter(KeyIn::ids("search_cursors.channel_id", channels))
        .filter(messages::rev.gt(search_cursors::rev))
        .filter(messages::rev.le(search_cursors::rev + each))
        .load(conn)
        .await?)
}

/// The messages in the first `each` revs of channels.
async fn from_the_beginning(
    conn: &mut Conn,
    channels: Vec<ChannelId>,
    each: i64,
) -> Result<Vec<(FindableRow, i16)>, Error> {
    if channels.is_empty() {
        return Ok(Vec::new());
    }
    Ok(findable!()
        .filter(KeyIn::ids("messages.channel_id", channels))
        .filter(messages::rev.le(each))
        .load(conn)
        .await?)
}

/// Messages that are older than the index and not in it yet, the newest first; `None` when there are
/// none.
pub(crate) async fn older(conn: &mut Conn, limit: i64) -> Result<Option<Older>, Error> {
    let than: Option<Id<MessageId>> = search_state::table
        .filter(search_state::id.eq(STATE))
        .select(search_state::older_than)
        .get_result(conn)
        .await?;
    let Some(than) = than else { return Ok(None) };
    let rows: Vec<(FindableRow, i16)> = findable!()
        .filter(messages::id.lt(than))
        .order(messages::id.desc())
        .limit(limit)
        .load(conn)
        .await?;
    let reached = rows.last().map(|(last, _)| last.id.0);
    Ok(Some(Older { than: than.0, reached, findable: all(rows)? }))
}

/// Indexes what has happened in some channels, but for those that were indexed meanwhile.
pub(crate) async fn index(conn: &mut Conn, mut shares: Vec<Share>) -> Result<(), Error> {
    let next: i64 = locked!(
        search_state::table.filter(search_state::id.eq(STATE)).select(search_state::next_no)
    )
    .get_result(conn)
    .await?;
    let channels: Vec<ChannelId> = shares.iter().map(|share| share.channel).collect();
    let rows: Vec<(Id<ChannelId>, i64)> = search_cursors::table
        .filter(KeyIn::ids("channel_id", channels))
        .select((search_cursors::channel_id, search_cursors::rev))
        .load(conn)
        .await?;
    let cursors: HashMap<ChannelId, i64> = rows.into_iter().map(|(id, rev)| (id.0, rev)).collect();
    shares.retain(|share| cursors.get(&share.channel).copied().unwrap_or_default() == share.from);
    if shares.is_empty() {
        return Ok(());
    }
    let cursor = |share: &Share| CursorRow { channel_id: Id(share.channel), rev: share.to };
    let cursors = shares.iter().map(cursor).collect();
    let findable = shares.into_iter().flat_map(|share| share.findable).collect();
    let Sorted { gone, mut changed, mut fresh } = sort(conn, findable).await?;
    fresh.sort_by_key(|one| one.created_at);
    let after = next + i64::try_from(fresh.len()).unwrap_or_default();
    note_chunks(conn, (next..).zip(&fresh)).await?;
    changed.extend((next..).zip(fresh));
    write(conn, gone, changed).await?;
    each::<MoveCursors>(conn, cursors).await?;
    if after > next {
        diesel::update(search_state::table.filter(search_state::id.eq(STATE)))
            .set(search_state::next_no.eq(after))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Indexes messages that are older than the index, unless they were meanwhile.
pub(crate) async fn index_older(conn: &mut Conn, older: Older) -> Result<(), Error> {
    let (than, next): (Option<Id<MessageId>>, i64) = locked!(
        search_state::table
            .filter(search_state::id.eq(STATE))
            .select((search_state::older_than, search_state::older_no))
    )
    .get_result(conn)
    .await?;
    if than != Some(Id(older.than)) {
        return Ok(());
    }
    let Sorted { mut fresh, .. } = sort(conn, older.findable).await?;
    fresh.sort_by_key(|one| one.created_at);
    let first = next - i64::try_from(fresh.len()).unwrap_or_default();
    note_chunks(conn, (first..).zip(&fresh)).await?;
    write(conn, Vec::new(), (first..).zip(fresh).collect()).await?;
    diesel::update(search_state::table.filter(search_state::id.eq(STATE)))
        .set((search_state::older_than.eq(older.reached.map(Id)), search_state::older_no.eq(first)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Has the index forget messages that are deleted, before their channels are indexed again.
pub(crate) async fn unindex(conn: &mut Conn, ids: Vec<MessageId>) -> Result<(), Error> {
    // Who is writing what was true a moment ago is waited for.
    let _: i64 = locked!(
        search_state::table.filter(search_state::id.eq(STATE)).select(search_state::next_no)
    )
    .get_result(conn)
    .await?;
    let numbers: Vec<i64> = search_entries::table
        .filter(KeyIn::ids("message_id", ids))
        .select(search_entries::no)
        .load(conn)
        .await?;
    fulltext::remove(conn, &numbers).await
}

/// Has the index forget up to `limit` messages of a deleted channel below a place. How many.
pub(super) async fn purge(
    conn: &mut Conn,
    channel: Id<ChannelId>,
    below: i64,
    limit: i64,
) -> Result<usize, Error> {
    let numbers: Vec<i64> = search_entries::table
        .inner_join(messages::table.on(messages::id.eq(search_entries::message_id)))
        .filter(messages::channel_id.eq(channel))
        .filter(messages::seq.lt(below))
        .limit(limit)
        .select(search_entries::no)
        .load(conn)
        .await?;
    fulltext::remove(conn, &numbers).await?;
    Ok(numbers.len())
}

/// What is to be done with some messages.
struct Sorted {
    /// Entries that are not true any more.
    gone: Vec<i64>,
    /// What takes the place of some of them.
    changed: Vec<(i64, Findable)>,
    /// Messages that have no entry, and are to have one.
    fresh: Vec<Findable>,
}

/// Finds out what to do. What has changed since it was read is left out: it comes again.
async fn sort(conn: &mut Conn, findable: Vec<Findable>) -> Result<Sorted, Error> {
    let mut sorted = Sorted { gone: Vec::new(), changed: Vec::new(), fresh: Vec::new() };
    if findable.is_empty() {
        return Ok(sorted);
    }
    // Whoever removes the messages of a deleted channel waits, or is waited for.
    let channels: HashSet<ChannelId> = findable.iter().map(|one| one.channel).collect();
    let channels: Vec<Id<ChannelId>> = held!(
        channels::table
            .filter(KeyIn::ids("id", channels))
            .filter(channels::deleted_at.is_null())
            .select(channels::id)
    )
    .load(conn)
    .await?;
    let ids = || findable.iter().map(|one| one.message);
    let current: Vec<(Id<MessageId>, i32)> = messages::table
        .filter(KeyIn::ids("id", ids()))
        .filter(messages::deleted_at.is_null())
        .select((messages::id, messages::version))
        .load(conn)
        .await?;
    let current: HashMap<MessageId, i32> =
        current.into_iter().map(|(id, version)| (id.0, version)).collect();
    let entries: Vec<(Id<MessageId>, i64, i32)> = search_entries::table
        .filter(KeyIn::ids("message_id", ids()))
        .select((search_entries::message_id, search_entries::no, search_entries::version))
        .load(conn)
        .await?;
    let entries: HashMap<MessageId, (i64, i32)> =
        entries.into_iter().map(|(id, no, version)| (id.0, (no, version))).collect();
    for one in findable {
        let stands = one.document.is_some()
            && channels.contains(&Id(one.channel))
            && current.get(&one.message) == Some(&one.version);
        match entries.get(&one.message) {
            Some((_, version)) if stands && *version == one.version => {}
            Some((no, _)) => {
                sorted.gone.push(*no);
                if stands {
                    sorted.changed.push((*no, one));
                }
            }
            None if stands => sorted.fresh.push(one),
            None => {}
        }
    }
    Ok(sorted)
}

/// Writes entries, in the order of their numbers: that is how FTS5 takes them best.
async fn write(
    conn: &mut Conn,
    mut gone: Vec<i64>,
    new: Vec<(i64, Findable)>,
) -> Result<(), Error> {
    gone.sort_unstable();
    fulltext::remove(conn, &gone).await?;
    let entry = |(no, one): (i64, Findable)| {
        let Findable { message, channel, version, document, .. } = one;
        Some(Entry { no, message, channel, version, document: document? })
    };
    let mut entries: Vec<Entry> = new.into_iter().filter_map(entry).collect();
    entries.sort_by_key(|entry| entry.no);
    fulltext::add(conn, &entries).await
}

/// Notes when the messages of chunks were sent.
async fn note_chunks(
    conn: &mut Conn,
    new: impl Iterator<Item = (i64, &Findable)>,
) -> Result<(), Error> {
    let mut chunks: BTreeMap<i64, (Timestamp, Timestamp)> = BTreeMap::new();
    for (no, one) in new {
        let at = one.created_at;
        let (oldest, newest) = chunks.entry(no >> CHUNK_BITS).or_insert((at, at));
        (*oldest, *newest) = ((*oldest).min(at), (*newest).max(at));
    }
    for (chunk, (oldest, newest)) in chunks {
        let older = excluded(search_chunks::oldest).lt(search_chunks::oldest);
        let newer = excluded(search_chunks::newest).gt(search_chunks::newest);
        diesel::insert_into(search_chunks::table)
            .values((
                search_chunks::chunk.eq(chunk),
                search_chunks::oldest.eq(At(oldest)),
                search_chunks::newest.eq(At(newest)),
            ))
            .on_conflict(search_chunks::chunk)
            .do_update()
            .set((
                search_chunks::oldest.eq(case_when(older, excluded(search_chunks::oldest))
                    .otherwise(search_chunks::oldest)),
                search_chunks::newest.eq(case_when(newer, excluded(search_chunks::newest))
                    .otherwise(search_chunks::newest)),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}
