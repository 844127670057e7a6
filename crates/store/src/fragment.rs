//! `(a, b) IN (VALUES …)`: many keys in one statement, on both databases, with few enough
//! different texts that each stays prepared.

use diesel::backend::Backend;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Bool, HasSqlType};
use tertulia_domain::FeedId;
use uuid::Uuid;

use crate::types::{DbUuid, Id};

/// Whether a row's key columns are among the given keys. One bind for each column of each key, so
/// at most [`MAX_KEYS`] keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyIn<const COLUMNS: usize> {
    columns: &'static str,
    /// Ids of any kind; [`FeedId`] is what binds as one.
    keys: Vec<[Id<FeedId>; COLUMNS]>,
}

/// How many keys one statement may name: PostgreSQL and SQLite both take at least 32,766 binds.
pub(crate) const MAX_KEYS: usize = 8192;

impl<const COLUMNS: usize> KeyIn<COLUMNS> {
    /// `columns` is SQL text such as `(channel_id, user_id)`. The keys are padded with the last one
    /// to a power of two: 14 texts instead of 8,192.
    pub(crate) fn new<K: Into<[Uuid; COLUMNS]>>(
        columns: &'static str,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        let mut keys: Vec<_> =
            keys.into_iter().map(|key| key.into().map(|id| Id(FeedId::from(id)))).collect();
        if let Some(last) = keys.last().copied() {
            keys.resize(keys.len().next_power_of_two(), last);
        }
        debug_assert!(keys.len() <= MAX_KEYS);
        Self { columns, keys }
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

impl<const COLUMNS: usize, DB> QueryFragment<DB> for KeyIn<COLUMNS>
where
    DB: Backend + HasSqlType<DbUuid>,
    Id<FeedId>: ToSql<DbUuid, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.keys.is_empty() {
            out.push_sql("1 = 0");
            return Ok(());
        }
        out.push_sql(self.columns);
        out.push_sql(" IN (VALUES ");
        for (row, key) in self.keys.iter().enumerate() {
            out.push_sql(if row == 0 { "(" } else { ",(" });
            for (column, id) in key.iter().enumerate() {
                if column > 0 {
                    out.push_sql(",");
                }
                out.push_bind_param::<DbUuid, _>(id)?;
            }
            out.push_sql(")");
        }
        out.push_sql(")");
        Ok(())
    }
}
