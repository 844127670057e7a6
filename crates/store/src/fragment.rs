//! What the query builder does not write: texts that stay prepared, where its own are parsed anew
//! each time.

use std::array;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, SingleValue};
use diesel::sqlite::Sqlite;
use tertulia_domain::FeedId;
use uuid::Uuid;

use crate::types::{DbUuid, Id};

/// Whether a row's key columns are among the given keys; at most [`MAX_KEYS`] of them.
#[derive(Clone, Debug)]
pub(crate) struct KeyIn<const COLUMNS: usize> {
    columns: &'static str,
    /// The keys, a list for each column. Ids of any kind; [`FeedId`] is what binds as one.
    keys: [Vec<Id<FeedId>>; COLUMNS],
}

/// How many keys one statement may name: SQLite takes at least 32,766 binds, and a key has up to
/// three.
pub(crate) const MAX_KEYS: usize = 8192;

impl<const COLUMNS: usize> KeyIn<COLUMNS> {
    /// `columns` is SQL text such as `(channel_id, user_id)`.
    pub(crate) fn new<K: Into<[Uuid; COLUMNS]>>(
        columns: &'static str,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        let mut lists = array::from_fn(|_| Vec::new());
        for key in keys {
            for (list, id) in lists.iter_mut().zip(key.into()) {
                list.push(Id(FeedId::from(id)));
            }
        }
        debug_assert!(lists.iter().all(|list| list.len() <= MAX_KEYS));
        Self { columns, keys: lists }
    }

    fn count(&self) -> usize {
        self.keys.first().map_or(0, Vec::len)
    }
}

impl KeyIn<1> {
    /// One column.
    pub(crate) fn ids<I: Into<Uuid>>(
        column: &'static str,
        ids: impl IntoIterator<Item = I>,
    ) -> Self {
        Self::new(column, ids.into_iter().map(|id| [id.into()]))
    }
}

impl<const COLUMNS: usize> Expression for KeyIn<COLUMNS> {
    type SqlType = Bool;
}

impl<const COLUMNS: usize, QS> AppearsOnTable<QS> for KeyIn<COLUMNS> {}

impl<const COLUMNS: usize, QS> SelectableExpression<QS> for KeyIn<COLUMNS> {}

impl<const COLUMNS: usize> ValidGrouping<()> for KeyIn<COLUMNS> {
    type IsAggregate = is_aggregate::No;
}

impl<const COLUMNS: usize> QueryId for KeyIn<COLUMNS> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// `IN (VALUES …)`: the last key is repeated until they are a power of two, which makes 14 texts
/// instead of 8,192.
impl<const COLUMNS: usize> QueryFragment<Sqlite> for KeyIn<COLUMNS> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let count = self.count();
        if count == 0 {
            out.push_sql("1 = 0");
            return Ok(());
        }
        out.push_sql(self.columns);
        out.push_sql(" IN (VALUES ");
        for row in 0..count.next_power_of_two() {
            out.push_sql(if row == 0 { "(" } else { ",(" });
            for (column, list) in self.keys.iter().enumerate() {
                if column > 0 {
                    out.push_sql(",");
                }
                out.push_bind_param::<DbUuid, _>(&list[row.min(count - 1)])?;
            }
            out.push_sql(")");
        }
        out.push_sql(")");
        Ok(())
    }
}

/// An array a column: one text for any number of keys, and no guess of how many there are makes
/// PostgreSQL read a table from end to end.
impl<const COLUMNS: usize> QueryFragment<Pg> for KeyIn<COLUMNS> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.columns);
        out.push_sql(if COLUMNS == 1 { " = ANY(" } else { " IN (SELECT * FROM UNNEST(" });
        for (column, list) in self.keys.iter().enumerate() {
            if column > 0 {
                out.push_sql(",");
            }
            out.push_bind_param::<Array<DbUuid>, _>(list)?;
        }
        out.push_sql(if COLUMNS == 1 { ")" } else { "))" });
        Ok(())
    }
}

/// An expression that is written out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<ST>(&'static str, PhantomData<ST>);

/// An expression of this type, about tables that the query has.
pub(crate) fn sql<ST>(text: &'static str) -> Text<ST> {
    Text(text, PhantomData)
}

impl<ST: SingleValue> Expression for Text<ST> {
    type SqlType = ST;
}

impl<ST: SingleValue, QS> AppearsOnTable<QS> for Text<ST> {}

impl<ST: SingleValue, QS> SelectableExpression<QS> for Text<ST> {}

impl<ST> ValidGrouping<()> for Text<ST> {
    type IsAggregate = is_aggregate::Never;
}

impl<ST> QueryId for Text<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST, DB: Backend> QueryFragment<DB> for Text<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}
