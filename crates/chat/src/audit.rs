//! The audit log: what was done with a privilege, and what changed who can sign in.

use tertulia_domain::{AuditAction, AuditEntry, AuditId, AuditResult, Page, PageRequest, UserId};
use tertulia_store::AuditFilter;
use uuid::Uuid;

use crate::sessions::Client;
use crate::{Caller, Chat, Error};

impl Chat {
    /// What was done, the newest first; for admins.
    pub async fn audit(
        &self,
        caller: &Caller,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, Error> {
        self.require_admin(caller).await?;
        Ok(self.0.store.audit(filter, page).await?)
    }

    /// An entry that says that somebody does something now.
    pub(crate) fn entry(
        &self,
        actor: UserId,
        client: &Client,
        action: AuditAction,
        target: impl Into<Uuid>,
    ) -> AuditEntry {
        AuditEntry {
            actor_id: Some(actor),
            target_id: Some(target.into()),
            address: client.address.to_string(),
            ..self.entry_of_command_line(action, None)
        }
    }

    /// The same of whoever has the server's command line.
    pub(crate) fn entry_of_command_line(
        &self,
        action: AuditAction,
        target: Option<UserId>,
    ) -> AuditEntry {
        let at = self.0.clock.now();
        AuditEntry {
            id: AuditId::new(at),
            at,
            actor_id: None,
            action,
            target_id: target.map(Uuid::from),
            address: "command line".to_owned(),
            result: AuditResult::Done,
            detail: String::new(),
        }
    }
}
