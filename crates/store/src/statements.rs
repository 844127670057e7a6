//! The statements that every batch runs, written out: diesel's own inserts of many rows are parsed
//! anew each time, and these stay prepared as long as they have few rows.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;

use crate::rows::{FeedRow, MemberRow, MessageRow};
use crate::types::{DbTime, DbUuid};

/// Up to this many rows a text is kept prepared. Larger batches are rarer, and parsing them costs
/// little beside running them.
const MAX_PREPARED_ROWS: usize = 16;

/// Adds messages; those whose id is taken are left out.
pub(crate) struct InsertMessages(pub(crate) Vec<MessageRow>);

/// Moves heads, of new feeds too.
pub(crate) struct MoveHeads(pub(crate) Vec<FeedRow>);

/// Moves the read markers of who has spoken, and nothing else of a member: no index names them, so none is touched.
pub(crate) struct MoveMarkers(Vec<MemberRow>);

/// Keeps how far people have read, and what others see of it.
pub(crate) struct KeepMarks(Vec<MemberRow>);

impl MoveMarkers {
    pub(crate) fn new(rows: Vec<MemberRow>) -> Self {
        Self(padded(rows))
    }
}

impl KeepMarks {
    pub(crate) fn new(rows: Vec<MemberRow>) -> Self {
        Self(padded(rows))
    }
}

/// Rows are repeated up to a power of two, which changes nothing.
fn padded(mut rows: Vec<MemberRow>) -> Vec<MemberRow> {
    if let Some(last) = rows.last().cloned() {
        rows.resize(rows.len().next_power_of_two(), last);
    }
    rows
}

/// Which rows a `VALUES` whose first two columns are a member's key is about.
const OF_MEMBERS: &str =
    ") AS v WHERE members.channel_id = v.column1 AND members.user_id = v.column2";

macro_rules! statements {
    ($($db:ty),+) => {$(
        impl QueryFragment<$db> for InsertMessages {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $db>) -> QueryResult<()> {
                out.push_sql(
                    "INSERT INTO messages (id, channel_id, seq, rev, author_id, kind, content, \
                     reply_to, thread_id, digest, version, created_at, edited_at, deleted_at, \
                     mentioned, mentions_channel) VALUES ",
                );
                for (at, row) in self.0.iter().enumerate() {
                    out.push_sql(if at == 0 { "(" } else { ",(" });
                    out.push_bind_param::<DbUuid, _>(&row.id)?;
                    out.push_sql(",");
                    out.push_bind_param::<DbUuid, _>(&row.channel_id)?;
                    out.push_sql(",");
                    out.push_bind_param::<BigInt, _>(&row.seq)?;
                    out.push_sql(",");
                    out.push_bind_param::<BigInt, _>(&row.rev)?;
                    out.push_sql(",");
                    out.push_bind_param::<DbUuid, _>(&row.author_id)?;
                    out.push_sql(",");
                    out.push_bind_param::<SmallInt, _>(&row.kind)?;
                    out.push_sql(",");
                    out.push_bind_param::<Text, _>(&row.content)?;
                    out.push_sql(",");
                    out.push_bind_param::<Nullable<DbUuid>, _>(&row.reply_to)?;
                    out.push_sql(",");
                    out.push_bind_param::<Nullable<DbUuid>, _>(&row.thread_id)?;
                    out.push_sql(",");
                    out.push_bind_param::<Binary, _>(&row.digest)?;
                    out.push_sql(",");
                    out.push_bind_param::<Integer, _>(&row.version)?;
                    out.push_sql(",");
                    out.push_bind_param::<DbTime, _>(&row.created_at)?;
                    out.push_sql(",");
                    out.push_bind_param::<Nullable<DbTime>, _>(&row.edited_at)?;
                    out.push_sql(",");
                    out.push_bind_param::<Nullable<DbTime>, _>(&row.deleted_at)?;
                    out.push_sql(",");
                    out.push_bind_param::<Nullable<Binary>, _>(&row.mentioned)?;
                    out.push_sql(",");
                    out.push_bind_param::<SmallInt, _>(&row.mentions_channel)?;
                    out.push_sql(")");
                }
                out.push_sql(" ON CONFLICT DO NOTHING");
                keep_if_small(&mut out, self.0.len());
                Ok(())
            }
        }

        impl QueryFragment<$db> for MoveHeads {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $db>) -> QueryResult<()> {
                out.push_sql(
                    "INSERT INTO feeds (id, head, last_seq, last_uncounted_seq, moved_at) VALUES ",
                );
                for (at, row) in self.0.iter().enumerate() {
                    out.push_sql(if at == 0 { "(" } else { ",(" });
                    out.push_bind_param::<DbUuid, _>(&row.id)?;
                    out.push_sql(",");
                    out.push_bind_param::<BigInt, _>(&row.head)?;
                    out.push_sql(",");
                    out.push_bind_param::<BigInt, _>(&row.last_seq)?;
                    out.push_sql(",");
                    out.push_bind_param::<BigInt, _>(&row.last_uncounted_seq)?;
                    out.push_sql(",");
                    out.push_bind_param::<DbTime, _>(&row.moved_at)?;
                    out.push_sql(")");
                }
                out.push_sql(
                    " ON CONFLICT (id) DO UPDATE SET head = excluded.head, \
                     last_seq = excluded.last_seq, \
                     last_uncounted_seq = excluded.last_uncounted_seq, \
                     moved_at = excluded.moved_at",
                );
                keep_if_small(&mut out, self.0.len());
                Ok(())
            }
        }

        impl QueryFragment<$db> for MoveMarkers {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $db>) -> QueryResult<()> {
                // Both databases call the columns of `VALUES` so.
                out.push_sql("UPDATE members SET read_seq = v.column3, seen_seq = v.column4 \
                     FROM (VALUES ");
                for (at, row) in self.0.iter().enumerate() {
                    out.push_sql(if at == 0 { "(" } else { ",(" });
                    out.push_bind_param::<DbUuid, _>(&row.channel_id)?;
                    out.push_sql(",");
                    out.push_bind_param::<DbUuid, _>(&row.user_id)?;
                    out.push_sql(",");
                    out.push_bind_param::<BigInt, _>(&row.read_seq)?;
                    out.push_sql(",");
                    out.push_bind_param::<BigInt, _>(&row.seen_seq)?;
                    out.push_sql(")");
                }
                out.push_sql(OF_MEMBERS);
                Ok(())
            }
        }

        impl QueryFragment<$db> for KeepMarks {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, $db>) -> QueryResult<()> {
                out.push_sql(
                    "UPDATE members SET read_seq = v.column3, seen_seq = v.column4, \
                     delivered_seq = v.column5, user_rev = v.column6 FROM (VALUES ",
                );
                for (at, row) in self.0.iter().enumerate() {
                    out.push_sql(if at == 0 { "(" } else { ",(" });
                    out.push_bind_param::<DbUuid, _>(&row.channel_id)?;
                    out.push_sql(",");
                    out.push_bind_param::<DbUuid, _>(&row.user_id)?;
                    for value in
                        [&row.read_seq, &row.seen_seq, &row.delivered_seq, &row.user_rev]
                    {
                        out.push_sql(",");
                        out.push_bind_param::<BigInt, _>(value)?;
                    }
                    out.push_sql(")");
                }
                out.push_sql(OF_MEMBERS);
                Ok(())
            }
        }
    )+};
}

statements!(Sqlite, Pg);

fn keep_if_small<DB: diesel::backend::Backend>(out: &mut AstPass<'_, '_, DB>, rows: usize) {
    if rows > MAX_PREPARED_ROWS {
        out.unsafe_to_cache_prepared();
    }
}

macro_rules! runs {
    ($($statement:ty),+) => {$(
        impl QueryId for $statement {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl<Conn> diesel::RunQueryDsl<Conn> for $statement {}
    )+};
}

runs!(InsertMessages, KeepMarks, MoveHeads, MoveMarkers);
