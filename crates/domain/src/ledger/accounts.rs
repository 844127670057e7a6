//! What becomes of accounts, and of what a deleted one leaves behind.

use super::{Ledger, Needs};
use crate::{
    AccountAct, AccountChange, AccountKind, AccountRole, AuditEntry, ChannelId, ChannelKind,
    FeedId, MemberState, MessageId, Outcome, Rejection, Role, SessionScope, Timestamp, UserId,
};

/// What is written of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountWrite {
    /// Its password.
    Password {
        /// Whose.
        user: UserId,
        /// In PHC format.
        hash: String,
    },
    /// What it may do.
    Standing {
        /// Whose.
        user: UserId,
        /// Its role.
        role: AccountRole,
        /// Since when it is disabled.
        disabled_at: Option<Timestamp>,
    },
    /// Nothing personal of it stays.
    Erased {
        /// Whose.
        user: UserId,
        /// Whether the messages go, too.
        messages: bool,
    },
}

impl Needs {
    /// All of these are decided one after the other, on every node: the system feed's lock is held.
    pub(super) fn account(&mut self, change: &AccountChange) {
        self.feeds.insert(FeedId::SYSTEM);
        self.sessions.insert(change.user);
        self.accounts.insert(change.user);
        match &change.act {
            AccountAct::SetPassword { .. } => {}
            AccountAct::Administer { by, .. } => {
                self.accounts.insert(*by);
                self.admins = true;
            }
            AccountAct::Delete { .. } => self.admins = true,
        }
    }
}

const LAST_ADMIN: Rejection =
    Rejection::Conflict("last_admin", "the server would be without an admin");

impl Ledger {
    pub(super) fn change_account(&mut self, change: AccountChange) -> Result<Outcome, Rejection> {
        let AccountChange { user, act } = change;
        let account = self.accounts.get(&user).ok_or(Rejection::NotFound)?;
        if account.kind == AccountKind::Deleted {
            return Err(Rejection::NotFound);
        }
        match act {
            AccountAct::SetPassword { proven, hash, kept, audit } => {
                self.require_proven(user, Some(&proven))?;
                if let Some(account) = self.accounts.get_mut(&user) {
                    account.password_hash = Some(hash.clone());
                }
                self.touched.accounts.push(AccountWrite::Password { user, hash });
                self.touched.audit.push(audit);
                Ok(self.end_sessions(user, SessionScope::AllBut(kept)))
            }
            AccountAct::Administer { by, role, disabled } => {
                self.administer(user, by, role, disabled)
            }
            AccountAct::Delete { proven, erase_messages, audit } => {
                self.require_proven(user, proven.as_deref())?;
                let admin = account.is_admin();
                if admin && self.admins < 2 {
                    return Err(LAST_ADMIN);
                }
                self.admins -= i64::from(admin);
                if let Some(account) = self.accounts.get_mut(&user) {
                    account.kind = AccountKind::Deleted;
                    account.role = AccountRole::Member;
                    account.disabled = true;
                }
                let erased = AccountWrite::Erased { user, messages: erase_messages };
                self.touched.accounts.push(erased);
                self.touched.audit.extend(audit);
                Ok(self.end_sessions(user, SessionScope::All))
            }
        }
    }

    /// Whoever proved a password did so some time ago: of several who ask at once, the first wins.
    fn require_proven(&self, user: UserId, proven: Option<&str>) -> Result<(), Rejection> {
        let account = self.accounts.get(&user).ok_or(Rejection::NotFound)?;
        if account.password_hash.as_deref() == proven {
            return Ok(());
        }
        Err(Rejection::WrongPassword)
    }

    fn administer(
        &mut self,
        user: UserId,
        by: UserId,
        role: Option<(AccountRole, AuditEntry)>,
        disabled: Option<(bool, AuditEntry)>,
    ) -> Result<Outcome, Rejection> {
        self.require_admin(by)?;
        let before = self.accounts.get(&user).cloned().ok_or(Rejection::NotFound)?;
        let mut after = before.clone();
        if let Some((role, _)) = role {
            after.role = role;
        }
        if let Some((disabled, _)) = disabled {
            after.disabled = disabled;
        }
        if before.kind == AccountKind::Guest && after.role == AccountRole::Admin {
            let why = "a guest cannot run the server";
            return Err(Rejection::Conflict("guest", why));
        }
        let admins = self.admins + i64::from(after.is_admin()) - i64::from(before.is_admin());
        if before.is_admin() && admins == 0 {
            return Err(LAST_ADMIN);
        }
        if after == before {
            return Ok(Outcome::Done);
        }
        let role = role.filter(|_| after.role != before.role);
        let disabled = disabled.filter(|_| after.disabled != before.disabled);
        let entries = role.map(|(_, entry)| entry).into_iter().chain(disabled.map(|(_, it)| it));
        self.touched.audit.extend(entries);
        let disabled_at = after.disabled.then_some(self.now);
        let disabled = after.disabled;
        let standing = AccountWrite::Standing { user, role: after.role, disabled_at };
        self.touched.accounts.push(standing);
        self.admins = admins;
        self.accounts.insert(user, after);
        if disabled {
            self.end_sessions(user, SessionScope::All);
        }
        Ok(Outcome::Done)
    }

    fn require_admin(&self, user: UserId) -> Result<(), Rejection> {
        if self.accounts.get(&user).is_some_and(crate::AccountState::is_admin) {
            return Ok(());
        }
        Err(Rejection::Forbidden("only admins may do this"))
    }

    /// Direct conversations are nobody's to administer.
    pub(super) fn take_down_channel(
        &mut self,
        id: ChannelId,
        by: UserId,
        audit: AuditEntry,
    ) -> Result<Outcome, Rejection> {
        self.require_admin(by)?;
        let channel = self.channels.get(&id).ok_or(Rejection::NotFound)?;
        if channel.kind == ChannelKind::Direct {
            return Err(Rejection::NotFound);
        }
        let outcome = self.remove_channel(id)?;
        self.touched.audit.push(audit);
        Ok(outcome)
    }

    /// Takes a deleted account out of a channel, also out of a direct conversation, which nobody
    /// else can leave.
    pub(super) fn withdraw(
        &mut self,
        id: ChannelId,
        user: UserId,
        heir: Option<UserId>,
    ) -> Result<Outcome, Rejection> {
        let standing = self.standing(id, user)?;
        let Some(member) = standing.member().cloned() else { return Ok(Outcome::Done) };
        if !standing.may_read() {
            return Ok(Outcome::Done);
        }
        if member.role == Role::Owner {
            let Some(heir) = heir else {
                self.remove_channel(id)?;
                return Ok(Outcome::Done);
            };
            self.hand_on(id, heir)?;
        }
        self.dismiss(&member, MemberState::Left);
        Ok(Outcome::Done)
    }

    /// Erases what a deleted account has said.
    pub(super) fn erase(&mut self, id: MessageId, author: UserId) -> Result<Outcome, Rejection> {
        let message = &self.messages.get(&id).ok_or(Rejection::NotFound)?.message;
        let (channel, seq) = (message.channel_id, message.seq);
        let gone = self.channels.get(&channel).is_none_or(|it| it.deleted_at.is_some());
        if gone || message.author_id != author || message.deleted_at.is_some() {
            return Ok(Outcome::Done);
        }
        Ok(self.bury(id, channel, seq))
    }
}
