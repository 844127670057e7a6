//! Two SQL types that let one `schema.rs` serve both databases: `UUID` or a 16-byte `BLOB`, and
//! `TIMESTAMPTZ` or milliseconds since 1970. [`Id`] and [`At`] are their values.

use std::io::Write;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::query_builder::QueryId;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{BigInt, SqlType};
use diesel::sqlite::{Sqlite, SqliteValue};
use tertulia_domain::Timestamp;
use uuid::Uuid;

/// An id: native `uuid` on PostgreSQL, a 16-byte `BLOB` on SQLite.
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Binary"), postgres_type(oid = 2950, array_oid = 2951))]
pub struct DbUuid;

/// An instant: `timestamptz` on PostgreSQL, milliseconds since 1970 on SQLite.
#[derive(Clone, Copy, Debug, Default, SqlType, QueryId)]
#[diesel(sqlite_type(name = "Long"), postgres_type(oid = 1184, array_oid = 1185))]
pub struct DbTime;

/// One of the domain's ids, as a value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = DbUuid)]
pub(crate) struct Id<T>(pub(crate) T);

/// An instant, as a value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = DbTime)]
pub(crate) struct At(pub(crate) Timestamp);

impl<T> ToSql<DbUuid, Pg> for Id<T>
where
    T: Copy + std::fmt::Debug + Into<Uuid>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.into().as_bytes())?;
        Ok(IsNull::No)
    }
}

impl<T: From<Uuid>> FromSql<DbUuid, Pg> for Id<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.as_bytes())?.into()))
    }
}

impl<T> ToSql<DbUuid, Sqlite> for Id<T>
where
    T: Copy + std::fmt::Debug + Into<Uuid>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.into().as_bytes().to_vec());
        Ok(IsNull::No)
    }
}

impl<T: From<Uuid>> FromSql<DbUuid, Sqlite> for Id<T> {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(value.read_blob())?.into()))
    }
}

/// PostgreSQL counts from 2000-01-01; this many milliseconds after 1970-01-01.
const POSTGRES_EPOCH_MILLIS: i64 = 946_684_800_000;

impl ToSql<DbTime, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let micros = (self.0.unix_millis() - POSTGRES_EPOCH_MILLIS) * 1000;
        out.write_all(&micros.to_be_bytes())?;
        Ok(IsNull::No)
    }
}

impl FromSql<DbTime, Pg> for At {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let micros = <i64 as FromSql<BigInt, Pg>>::from_sql(value)?;
        let millis = micros.div_euclid(1000) + POSTGRES_EPOCH_MILLIS;
        Ok(Self(Timestamp::from_unix_millis(millis)))
    }
}

impl ToSql<DbTime, Sqlite> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.unix_millis());
        Ok(IsNull::No)
    }
}

impl FromSql<DbTime, Sqlite> for At {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        Ok(Self(Timestamp::from_unix_millis(value.read_long())))
    }
}
