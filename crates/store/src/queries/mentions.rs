//! Whom messages mention, and how many of them somebody has not read.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{Change, ChannelId, Mentioned, MessageId, Names, UserId};

use super::{Conn, RunQueryDsl};
use crate::Error;
use crate::fragment::KeyIn;
use crate::rows::{MentionRow, mentions_of};
use crate::schema::{mentions, messages, users};
use crate::types::Id;

/// How many messages above a member's marker mention them, by name or with everybody: what others
/// have said and is not deleted. Looked for only where anything is above it: two short ranges of two
/// indexes, however much was said and read before.
pub(super) const UNREAD: &str = "CASE WHEN feeds.last_seq > members.read_seq THEN \
     (SELECT COUNT(*) FROM mentions \
     WHERE mentions.user_id = members.user_id AND mentions.channel_id = members.channel_id \
     AND mentions.seq > members.read_seq AND mentions.counted = 1) \
     + (SELECT COUNT(*) FROM messages AS theirs \
     WHERE theirs.channel_id = members.channel_id AND theirs.mentions_channel = 1 \
     AND theirs.seq > members.read_seq AND theirs.author_id <> members.user_id) ELSE 0 END";

/// Names in one statement.
const NAMES: usize = 1000;

/// Whom a batch calls by name: nothing is asked when it calls nobody. Who has which name may be
/// read before anything is locked; whether they are in the channel may not.
pub(super) async fn names(conn: &mut Conn, changes: &[Change]) -> Result<Names, Error> {
    let bodies = changes.iter().filter_map(|change| match change {
        Change::Send(new) => new.body.as_ref(),
        Change::Edit { body, .. } => Some(body),
        _ => None,
    });
    let keys: BTreeSet<String> =
        bodies.flat_map(|body| body.calls().keys().cloned().collect::<Vec<_>>()).collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let mut names = Names::new();
    for some in keys.chunks(NAMES) {
        let found: Vec<(String, Id<UserId>)> = users::table
            .filter(users::username_key.eq_any(some.to_vec()))
            .filter(users::disabled_at.is_null())
            .select((users::username_key, users::id))
            .load(conn)
            .await?;
        names.extend(found.into_iter().map(|(key, user)| (key, user.0)));
    }
    Ok(names)
}

/// Adds and removes who is named.
pub(super) async fn write(
    conn: &mut Conn,
    named: Vec<Mentioned>,
    no_longer: Vec<(UserId, ChannelId, i64)>,
) -> Result<(), Error> {
    let mut places: BTreeMap<(ChannelId, i64), Vec<UserId>> = BTreeMap::new();
    for (user, channel, seq) in no_longer {
        places.entry((channel, seq)).or_default().push(user);
    }
    for ((channel, seq), people) in places {
        remove(conn, channel, seq, people).await?;
    }
    if !named.is_empty() {
        let rows: Vec<MentionRow> = named.into_iter().map(MentionRow::from).collect();
        diesel::insert_into(mentions::table)
            .values(rows)
            .on_conflict((mentions::user_id, mentions::channel_id, mentions::seq))
            .do_update()
            .set((
                mentions::message_id.eq(excluded(mentions::message_id)),
                mentions::counted.eq(excluded(mentions::counted)),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

async fn remove(
    conn: &mut Conn,
    channel: ChannelId,
    seq: i64,
    people: Vec<UserId>,
) -> Result<(), Error> {
    let theirs = mentions::table
        .filter(KeyIn::ids("user_id", people))
        .filter(mentions::channel_id.eq(Id(channel)))
        .filter(mentions::seq.eq(seq));
    diesel::delete(theirs).execute(conn).await?;
    Ok(())
}

/// Some of the messages that name somebody.
pub(crate) async fn naming(
    conn: &mut Conn,
    user: UserId,
    limit: i64,
) -> Result<Vec<MessageId>, Error> {
    let ids: Vec<Id<MessageId>> = mentions::table
        .filter(mentions::user_id.eq(Id(user)))
        .order((mentions::channel_id, mentions::seq))
        .limit(limit)
        .select(mentions::message_id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Forgets that these messages have named somebody.
pub(crate) async fn forget(
    conn: &mut Conn,
    user: UserId,
    messages: Vec<MessageId>,
) -> Result<(), Error> {
    let theirs = mentions::table
        .filter(mentions::user_id.eq(Id(user)))
        .filter(KeyIn::ids("message_id", messages));
    diesel::delete(theirs).execute(conn).await?;
    Ok(())
}

/// Removes who is named by messages of a deleted channel below a place.
pub(super) async fn purge(
    conn: &mut Conn,
    channel: Id<ChannelId>,
    below: i64,
) -> Result<(), Error> {
    let rows: Vec<(i64, Option<Vec<u8>>)> = messages::table
        .filter(messages::channel_id.eq(channel))
        .filter(messages::seq.lt(below))
        .filter(messages::mentioned.is_not_null())
        .select((messages::seq, messages::mentioned))
        .load(conn)
        .await?;
    for (seq, ids) in rows {
        remove(conn, channel.0, seq, mentions_of(ids.as_deref(), 0).users).await?;
    }
    Ok(())
}
