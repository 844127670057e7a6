//! Where feeds stand, and the epoch in which their revs count.

use std::collections::HashMap;

use diesel::prelude::*;
use tertulia_domain::{Feed, FeedId, FeedRow as DomainFeed};

use super::{Conn, RunQueryDsl};
use crate::Error;
use crate::fragment::KeyIn;
use crate::rows::FeedRow;
use crate::schema::{feeds, meta};
use crate::types::Id;

/// A channel's feed row; an empty one when there is none.
pub(crate) async fn feed(conn: &mut Conn, feed: Feed) -> Result<DomainFeed, Error> {
    let row = feeds::table
        .filter(feeds::id.eq(Id(feed.id())))
        .select(FeedRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map_or(DomainFeed::empty(feed.id()), DomainFeed::from))
}

/// The rows of two feeds, in one statement.
pub(crate) async fn both(
    conn: &mut Conn,
    one: Feed,
    other: Feed,
) -> Result<[DomainFeed; 2], Error> {
    let rows: Vec<FeedRow> = feeds::table
        .filter(KeyIn::ids("id", [one.id(), other.id()]))
        .select(FeedRow::as_select())
        .load(conn)
        .await?;
    let mut found = [one, other].map(|feed| DomainFeed::empty(feed.id()));
    for row in rows.into_iter().map(DomainFeed::from) {
        if let Some(feed) = found.iter_mut().find(|feed| feed.id == row.id) {
            *feed = row;
        }
    }
    Ok(found)
}

/// Which of these feeds have moved past the rev that goes with them.
pub(crate) async fn moved(
    conn: &mut Conn,
    known: Vec<(FeedId, i64)>,
) -> Result<Vec<(FeedId, i64)>, Error> {
    let mut moved = Vec::new();
    for some in known.chunks(1024) {
        let heads: Vec<(Id<FeedId>, i64)> = feeds::table
            .filter(KeyIn::ids("id", some.iter().map(|(id, _)| *id)))
            .select((feeds::id, feeds::head))
            .load(conn)
            .await?;
        let known: HashMap<FeedId, i64> = some.iter().copied().collect();
        let heads = heads.into_iter().map(|(id, head)| (id.0, head));
        moved.extend(heads.filter(|(id, head)| known.get(id) < Some(head)));
    }
    Ok(moved)
}

/// The database's epoch, made by the first server that asks.
pub(crate) async fn epoch(conn: &mut Conn, proposal: String) -> Result<String, Error> {
    diesel::insert_into(meta::table)
        .values((meta::key.eq("epoch"), meta::value.eq(proposal)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(meta::table.filter(meta::key.eq("epoch")).select(meta::value).get_result(conn).await?)
}
