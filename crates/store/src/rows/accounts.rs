//! Rows of accounts and of the audit log.

use diesel::prelude::{Insertable, Queryable, Selectable};
use tertulia_domain::{
    AccountKind, AccountState, AuditAction, AuditEntry, AuditId, AuditResult, ChannelId, UserId,
};
use uuid::Uuid;

use super::account_role;
use crate::schema::{audit_log, erasures, users};
use crate::types::{At, Id};
use crate::{Erasure, Error};

pub(crate) const fn account_kind_code(kind: AccountKind) -> i16 {
    match kind {
        AccountKind::Person => 0,
        AccountKind::Guest => 1,
        AccountKind::Deleted => 2,
    }
}

pub(super) fn account_kind(code: i16) -> Result<AccountKind, Error> {
    match code {
        0 => Ok(AccountKind::Person),
        1 => Ok(AccountKind::Guest),
        2 => Ok(AccountKind::Deleted),
        _ => Err(Error::Corrupt("account_kind")),
    }
}

const fn audit_result_code(result: AuditResult) -> i16 {
    match result {
        AuditResult::Done => 0,
        AuditResult::Refused => 1,
    }
}

fn audit_result(code: i16) -> Result<AuditResult, Error> {
    match code {
        0 => Ok(AuditResult::Done),
        1 => Ok(AuditResult::Refused),
        _ => Err(Error::Corrupt("audit_result")),
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct AccountStateRow {
    id: Id<UserId>,
    kind: i16,
    role: i16,
    disabled_at: Option<At>,
    password_hash: Option<String>,
}

impl TryFrom<AccountStateRow> for AccountState {
    type Error = Error;

    fn try_from(row: AccountStateRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            kind: account_kind(row.kind)?,
            role: account_role(row.role)?,
            disabled: row.disabled_at.is_some(),
            password_hash: row.password_hash,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = erasures)]
pub(crate) struct ErasureRow {
    user_id: Id<UserId>,
    messages: i16,
    channel_id: Option<Id<ChannelId>>,
    seq: i64,
}

impl From<ErasureRow> for Erasure {
    fn from(row: ErasureRow) -> Self {
        Self {
            user: row.user_id.0,
            messages: row.messages == 1,
            channel: row.channel_id.map(|id| id.0),
            seq: row.seq,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_log, treat_none_as_default_value = false)]
pub(crate) struct AuditRow {
    id: Id<AuditId>,
    at: At,
    actor_id: Option<Id<UserId>>,
    action: String,
    target_id: Option<Id<Uuid>>,
    address: String,
    result: i16,
    detail: String,
}

impl From<AuditEntry> for AuditRow {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: Id(entry.id),
            at: At(entry.at),
            actor_id: entry.actor_id.map(Id),
            action: entry.action.as_str().to_owned(),
            target_id: entry.target_id.map(Id),
            address: entry.address,
            result: audit_result_code(entry.result),
            detail: entry.detail,
        }
    }
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = Error;

    fn try_from(row: AuditRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            at: row.at.0,
            actor_id: row.actor_id.map(|id| id.0),
            action: AuditAction::of_row(&row.action),
            target_id: row.target_id.map(|id| id.0),
            address: row.address,
            result: audit_result(row.result)?,
            detail: row.detail,
        })
    }
}
