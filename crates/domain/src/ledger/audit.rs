//! What moderators do is kept, in the transaction in which it is done.

use std::net::IpAddr;

use uuid::Uuid;

use super::Ledger;
use crate::{AuditAction, AuditEntry, AuditId, AuditResult, UserId};

/// Who does something with a privilege, and from where, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Actor {
    pub(super) user: UserId,
    pub(super) address: Option<IpAddr>,
}

impl Ledger {
    /// Keeps that it was done. `detail` names ids, times and roles, and nothing that a person wrote.
    pub(super) fn keep_act(
        &mut self,
        actor: Actor,
        action: AuditAction,
        target: impl Into<Uuid>,
        detail: String,
    ) {
        let address = actor.address.map(|address| address.to_string());
        self.touched.audit.push(AuditEntry {
            id: AuditId::new(self.now),
            at: self.now,
            actor_id: Some(actor.user),
            action,
            target_id: Some(target.into()),
            address: address.unwrap_or_default(),
            result: AuditResult::Done,
            detail,
        });
    }
}
