//! The audit log: entries are added, in the transaction of what they record, and read.

use diesel::prelude::*;
use tertulia_domain::{AuditEntry, AuditId, Page, PageRequest};
use uuid::Uuid;

use super::{Conn, RunQueryDsl};
use crate::rows::{AuditRow, all};
use crate::schema::audit_log;
use crate::types::Id;
use crate::{AuditFilter, Error};

pub(crate) async fn insert(conn: &mut Conn, entry: AuditEntry) -> Result<(), Error> {
    insert_all(conn, vec![entry]).await
}

pub(crate) async fn insert_all(conn: &mut Conn, entries: Vec<AuditEntry>) -> Result<(), Error> {
    let rows: Vec<AuditRow> = entries.into_iter().map(AuditRow::from).collect();
    diesel::insert_into(audit_log::table).values(rows).execute(conn).await?;
    Ok(())
}

/// Entries, the newest first.
pub(crate) async fn list(
    conn: &mut Conn,
    filter: AuditFilter,
    page: PageRequest,
) -> Result<Page<AuditEntry>, Error> {
    let mut query = audit_log::table
        .order(audit_log::id.desc())
        .limit(page.limit + 1)
        .select(AuditRow::as_select())
        .into_boxed();
    if let Some(actor) = filter.actor {
        query = query.filter(audit_log::actor_id.eq(Some(Id(actor))));
    }
    if let Some(target) = filter.target {
        query = query.filter(audit_log::target_id.eq(Some(Id(target))));
    }
    if let Some(action) = filter.action {
        query = query.filter(audit_log::action.eq(action.as_str()));
    }
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(audit_log::id.lt(Id(AuditId::from(after))));
    }
    let rows: Vec<AuditRow> = query.load(conn).await?;
    let entries: Vec<AuditEntry> = all(rows)?;
    Ok(Page::of(entries, page.limit, |entry| entry.id.to_string()))
}
