//! What can become of an account by a change that ends sessions, or takes away or gives what only
//! one at a time may take.

use crate::{AccountRole, AuditEntry, SessionId, UserId};

/// A change of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// Whose.
    pub user: UserId,
    /// What.
    pub act: AccountAct,
}

/// What happens to an account. Each act is kept in the audit log, in the same transaction, unless it
/// changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountAct {
    /// Another password. All sessions end but the one in which it was changed.
    SetPassword {
        /// The one that was proven, in PHC format: if it is another one by now, nothing is changed.
        proven: String,
        /// The new one, in PHC format.
        hash: String,
        /// The session that goes on.
        kept: SessionId,
        /// What is kept of it.
        audit: AuditEntry,
    },
    /// Another role, or the account disabled or enabled, by an admin. Who is disabled has no sessions.
    Administer {
        /// The admin.
        by: UserId,
        /// The new role.
        role: Option<(AccountRole, AuditEntry)>,
        /// Whether it is to be disabled.
        disabled: Option<(bool, AuditEntry)>,
    },
    /// No account any more: everything personal is erased at once, and all sessions end. What
    /// takes longer (leaving channels, erasing messages) is noted down to be done.
    Delete {
        /// The password that was proven, in PHC format: if it is another one by now, nothing is
        /// deleted. `None` where none signs in, as with a guest.
        proven: Option<String>,
        /// Whether the messages go, too.
        erase_messages: bool,
        /// What is kept of it; nothing of a guest who was away too long.
        audit: Option<AuditEntry>,
    },
}
