//! The statements that every batch runs, and the index of what it said, written out so that each has one text: prepared once a
//! connection, and never parsed again. SQLite runs one for a row at a time, which costs no more than
//! many rows at once; PostgreSQL takes all rows of a batch, an array a column.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, SmallInt, Text};
use diesel::sqlite::Sqlite;
use tertulia_domain::{ChannelId, FeedId, MessageId, UserId};

use crate::rows::{FeedRow, MemberRow, MessageRow};
use crate::types::{At, DbTime, DbUuid, Id};

/// What is done with each of some rows.
pub(crate) trait OfRows: 'static {
    type Row: 'static;
    /// A list for each column that the statement names.
    type Columns: 'static;

    fn columns(rows: Vec<Self::Row>) -> Self::Columns;
}

/// The statement for one row.
pub(crate) struct One<S: OfRows>(pub(crate) S::Row);

/// The statement for many rows.
pub(crate) struct All<S: OfRows>(S::Columns);

impl<S: OfRows> All<S> {
    pub(crate) fn new(rows: Vec<S::Row>) -> Self {
        Self(S::columns(rows))
    }
}

/// Both texts have a `?` for each column, in the order in which they are listed.
macro_rules! statements {
    ($(
        $(#[$doc:meta])*
        $name:ident($row:ty) { $($column:ident: $sql:ty = $rust:ty),+ $(,)? }
        one: $one:literal,
        all: $all:literal;
    )+) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl OfRows for $name {
            type Row = $row;
            type Columns = ($(Vec<$rust>,)+);

            fn columns(rows: Vec<$row>) -> Self::Columns {
                $(let mut $column = Vec::with_capacity(rows.len());)+
                for row in rows {
                    $($column.push(row.$column);)+
                }
                ($($column,)+)
            }
        }

        impl QueryFragment<Sqlite> for One<$name> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
                let mut texts = $one.split('?');
                $(out.push_sql(texts.next().unwrap_or_default());
                out.push_bind_param::<$sql, $rust>(&self.0.$column)?;)+
                out.push_sql(texts.next().unwrap_or_default());
                Ok(())
            }
        }

        impl QueryFragment<Pg> for All<$name> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                let ($($column,)+) = &self.0;
                let mut texts = $all.split('?');
                $(out.push_sql(texts.next().unwrap_or_default());
                out.push_bind_param::<Array<$sql>, Vec<$rust>>($column)?;)+
                out.push_sql(texts.next().unwrap_or_default());
                Ok(())
            }
        }
    )+};
}

statements! {
    /// Adds messages; those whose id is taken are left out.
    InsertMessages(MessageRow) {
        id: DbUuid = Id<MessageId>,
        channel_id: DbUuid = Id<ChannelId>,
        seq: BigInt = i64,
        rev: BigInt = i64,
        author_id: DbUuid = Id<UserId>,
        kind: SmallInt = i16,
        content: Text = String,
        reply_to: Nullable<DbUuid> = Option<Id<MessageId>>,
        thread_id: Nullable<DbUuid> = Option<Id<MessageId>>,
        digest: Binary = Vec<u8>,
        version: Integer = i32,
        created_at: DbTime = At,
        edited_at: Nullable<DbTime> = Option<At>,
        deleted_at: Nullable<DbTime> = Option<At>,
        mentioned: Nullable<Binary> = Option<Vec<u8>>,
        mentions_channel: SmallInt = i16,
    }
    one: "INSERT INTO messages (id, channel_id, seq, rev, author_id, kind, content, reply_to, \
        thread_id, digest, version, created_at, edited_at, deleted_at, mentioned, mentions_channel) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    all: "INSERT INTO messages (id, channel_id, seq, rev, author_id, kind, content, reply_to, \
        thread_id, digest, version, created_at, edited_at, deleted_at, mentioned, mentions_channel) \
        SELECT * FROM UNNEST(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
        ON CONFLICT DO NOTHING";

    /// Moves heads, of new feeds too.
    MoveHeads(FeedRow) {
        id: DbUuid = Id<FeedId>,
        head: BigInt = i64,
        last_seq: BigInt = i64,
        last_uncounted_seq: BigInt = i64,
        moved_at: DbTime = At,
    }
    one: "INSERT INTO feeds (id, head, last_seq, last_uncounted_seq, moved_at) \
        VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET head = excluded.head, \
        last_seq = excluded.last_seq, last_uncounted_seq = excluded.last_uncounted_seq, \
        moved_at = excluded.moved_at",
    all: "INSERT INTO feeds (id, head, last_seq, last_uncounted_seq, moved_at) \
        SELECT * FROM UNNEST(?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET head = excluded.head, \
        last_seq = excluded.last_seq, last_uncounted_seq = excluded.last_uncounted_seq, \
        moved_at = excluded.moved_at";

    /// Moves the read markers of who has spoken, and nothing else of a member: no index names them,
    /// so none is touched.
    MoveMarkers(MemberRow) {
        read_seq: BigInt = i64,
        seen_seq: BigInt = i64,
        channel_id: DbUuid = Id<ChannelId>,
        user_id: DbUuid = Id<UserId>,
    }
    one: "UPDATE members SET read_seq = ?, seen_seq = ? WHERE channel_id = ? AND user_id = ?",
    all: "UPDATE members SET read_seq = v.read_seq, seen_seq = v.seen_seq \
        FROM UNNEST(?, ?, ?, ?) AS v (read_seq, seen_seq, channel_id, user_id) \
        WHERE members.channel_id = v.channel_id AND members.user_id = v.user_id";

    /// Keeps how far people have read, and what others see of it.
    KeepMarks(MemberRow) {
        read_seq: BigInt = i64,
        seen_seq: BigInt = i64,
        delivered_seq: BigInt = i64,
        user_rev: BigInt = i64,
        channel_id: DbUuid = Id<ChannelId>,
        user_id: DbUuid = Id<UserId>,
    }
    one: "UPDATE members SET read_seq = ?, seen_seq = ?, delivered_seq = ?, user_rev = ? \
        WHERE channel_id = ? AND user_id = ?",
    all: "UPDATE members SET read_seq = v.read_seq, seen_seq = v.seen_seq, \
        delivered_seq = v.delivered_seq, user_rev = v.user_rev \
        FROM UNNEST(?, ?, ?, ?, ?, ?) \
        AS v (read_seq, seen_seq, delivered_seq, user_rev, channel_id, user_id) \
        WHERE members.channel_id = v.channel_id AND members.user_id = v.user_id";

    /// Notes how far channels are indexed.
    MoveCursors(CursorRow) {
        channel_id: DbUuid = Id<ChannelId>,
        rev: BigInt = i64,
    }
    one: "INSERT INTO search_cursors (channel_id, rev) VALUES (?, ?) \
        ON CONFLICT (channel_id) DO UPDATE SET rev = excluded.rev",
    all: "INSERT INTO search_cursors (channel_id, rev) SELECT * FROM UNNEST(?, ?) \
        ON CONFLICT (channel_id) DO UPDATE SET rev = excluded.rev";
}

/// How far a channel is indexed.
pub(crate) struct CursorRow {
    pub(crate) channel_id: Id<ChannelId>,
    pub(crate) rev: i64,
}

/// The text depends on nothing but the type.
impl<S: OfRows> QueryId for One<S> {
    type QueryId = One<S>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: OfRows> QueryId for All<S> {
    type QueryId = All<S>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: OfRows, Conn> diesel::RunQueryDsl<Conn> for One<S> {}

impl<S: OfRows, Conn> diesel::RunQueryDsl<Conn> for All<S> {}
