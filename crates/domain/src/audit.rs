//! The audit log: who did what to whom, when, from where, and what came of it. Entries name ids, and
//! nothing that a person wrote.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AuditId, Timestamp, UserId};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// What is kept in the audit log: what needs a privilege, and what changes who can sign in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        pub enum AuditAction {$(
            $(#[$doc])*
            #[serde(rename = $text)]
            $name,
        )+}

        impl AuditAction {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its stable name, as on the wire and on disk.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

actions! {
    /// Somebody changed their password; their other sessions ended.
    PasswordChanged = "account.password_changed",
    /// Somebody changed their e-mail address.
    EmailChanged = "account.email_changed",
    /// A guest made themselves an account.
    AccountUpgraded = "account.upgraded",
    /// Somebody deleted their account.
    AccountDeleted = "account.deleted",
    /// Somebody became an admin by the token that the server printed.
    AdminClaimed = "admin.claimed",
    /// An admin was made on the server's command line.
    AdminCreated = "admin.created",
    /// A token that makes an admin was printed on the server's command line.
    AdminTokenPrinted = "admin.token_printed",
    /// An admin made an account.
    UserCreated = "user.created",
    /// An admin gave somebody another role.
    UserRoleChanged = "user.role_changed",
    /// An admin disabled an account; its sessions ended.
    UserDisabled = "user.disabled",
    /// An admin enabled an account again.
    UserEnabled = "user.enabled",
    /// An admin deleted a channel.
    ChannelDeleted = "channel.deleted",
    /// Somebody was banned from a channel.
    MemberBanned = "member.banned",
    /// Somebody may come into a channel again.
    MemberUnbanned = "member.unbanned",
    /// Somebody was sent out of a channel.
    MemberRemoved = "member.removed",
    /// Somebody was muted in a channel.
    MemberMuted = "member.muted",
    /// Somebody may write in a channel again.
    MemberUnmuted = "member.unmuted",
    /// Somebody was given another role in a channel, or the channel itself.
    MemberRoleChanged = "member.role_changed",
    /// A moderator deleted what somebody else had said.
    MessageDeleted = "message.deleted",
    /// Something that only a later version of this server knows.
    Unknown = "unknown",
}

impl AuditAction {
    /// The action of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text)
    }

    /// The action that a row of the log names.
    pub fn of_row(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self::Unknown)
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditResult {
    /// It was done.
    Done,
    /// It was refused: a wrong password, or a rule.
    Refused,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Which; in the order of time.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who; null when it was somebody at the server's command line.
    pub actor_id: Option<UserId>,
    /// What.
    pub action: AuditAction,
    /// To which account, channel or message.
    #[schema(example = "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a")]
    pub target_id: Option<Uuid>,
    /// From which address; empty once the actor has deleted their account.
    #[schema(example = "127.0.0.1")]
    pub address: String,
    /// What came of it.
    pub result: AuditResult,
    /// What else there is to say, such as the new role, or the channel in which a moderator did it.
    #[schema(example = "admin")]
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_found_by_its_name() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
        }
        assert_eq!(AuditAction::parse("everything"), None);
    }
}
