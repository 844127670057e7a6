//! What accounts become: what the log decides of them, and what needs no order.

use std::collections::BTreeSet;

use diesel::prelude::*;
use tertulia_domain::{
    AccountKind, AccountRole, AccountState, AccountWrite, AuditEntry, Email, Timestamp, UserId,
    Username,
};

use super::{Conn, RunQueryDsl, audit, erasure, locked};
use crate::fragment::KeyIn;
use crate::rows::{AccountStateRow, account_kind_code, account_role_code, all};
use crate::schema::users;
use crate::types::{At, Id};
use crate::{Error, Upgrade};

/// Locks and loads the accounts that a batch changes. Whoever signs in waits for the same lock: no
/// session begins between reading who is signed in and ending it.
pub(crate) async fn load(
    conn: &mut Conn,
    wanted: BTreeSet<UserId>,
) -> Result<Vec<AccountState>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<AccountStateRow> = locked!(
        users::table
            .filter(KeyIn::ids("id", wanted))
            .order(users::id)
            .select(AccountStateRow::as_select())
    )
    .load(conn)
    .await?;
    all(rows)
}

/// How many admins there are.
pub(crate) async fn admins(conn: &mut Conn) -> Result<i64, Error> {
    Ok(users::table
        .filter(users::role.eq(account_role_code(AccountRole::Admin)))
        .filter(users::disabled_at.is_null())
        .count()
        .get_result(conn)
        .await?)
}

/// Writes what a batch has made of accounts.
pub(crate) async fn write(
    conn: &mut Conn,
    writes: Vec<AccountWrite>,
    now: Timestamp,
) -> Result<(), Error> {
    for write in writes {
        match write {
            AccountWrite::Password { user, hash } => {
                diesel::update(users::table.filter(users::id.eq(Id(user))))
                    .set(users::password_hash.eq(Some(hash)))
                    .execute(conn)
                    .await?;
            }
            AccountWrite::Standing { user, role, disabled_at } => {
                diesel::update(users::table.filter(users::id.eq(Id(user))))
                    .set((
                        users::role.eq(account_role_code(role)),
                        users::disabled_at.eq(disabled_at.map(At)),
                    ))
                    .execute(conn)
                    .await?;
            }
            AccountWrite::Erased { user, messages } => {
                erasure::erase_account(conn, user, messages, now).await?;
            }
        }
    }
    Ok(())
}

/// The hash of a person's password, which proves that it is they; the inner `None` when no
/// password signs in. `None` when there is no such account, or it cannot be used.
pub(crate) async fn password(
    conn: &mut Conn,
    user: UserId,
) -> Result<Option<Option<String>>, Error> {
    Ok(users::table
        .filter(users::id.eq(Id(user)))
        .filter(users::disabled_at.is_null())
        .select(users::password_hash)
        .get_result(conn)
        .await
        .optional()?)
}

/// Changes an e-mail address, if the account can be used and its password still has the hash that was
/// proven. [`Error::Taken`] when the address is somebody's.
pub(crate) async fn set_email(
    conn: &mut Conn,
    user: UserId,
    proven: String,
    email: Email,
    entry: AuditEntry,
) -> Result<bool, Error> {
    let changed = diesel::update(
        users::table
            .filter(users::id.eq(Id(user)))
            .filter(users::disabled_at.is_null())
            .filter(users::password_hash.eq(proven)),
    )
    .set((users::email_key.eq(Some(email.key())), users::email.eq(Some(email.into_string()))))
    .execute(conn)
    .await?;
    if changed > 0 {
        audit::insert(conn, entry).await?;
    }
    Ok(changed > 0)
}

/// Makes a guest's account a person's. Whether it was a guest's. [`Error::Taken`] when the name
/// or the address is somebody's.
pub(crate) async fn upgrade(
    conn: &mut Conn,
    user: UserId,
    to: Upgrade,
    entry: AuditEntry,
) -> Result<bool, Error> {
    let guest = users::table
        .filter(users::id.eq(Id(user)))
        .filter(users::kind.eq(account_kind_code(AccountKind::Guest)))
        .filter(users::disabled_at.is_null());
    let changed = diesel::update(guest)
        .set((
            users::kind.eq(account_kind_code(AccountKind::Person)),
            users::username_key.eq(to.username.key()),
            users::skeleton.eq(Some(to.username.skeleton())),
            users::username.eq(to.username.into_string()),
            users::email_key.eq(to.email.as_ref().map(Email::key)),
            users::email.eq(to.email.map(Email::into_string)),
            users::password_hash.eq(Some(to.password_hash)),
        ))
        .execute(conn)
        .await?;
    if changed > 0 {
        audit::insert(conn, entry).await?;
    }
    Ok(changed > 0)
}

/// Computes what older names look like, which SQL cannot: those that an earlier version made, also
/// one that still runs beside this. Where two look the same, the older one keeps its skeleton, and
/// the other goes without. To be called under the lock of the migrations.
pub(crate) async fn fill_skeletons(conn: &mut Conn) -> Result<(), Error> {
    let mut after = Id(UserId::from(uuid::Uuid::nil()));
    loop {
        let rows: Vec<(Id<UserId>, String)> = users::table
            .filter(users::skeleton.is_null())
            .filter(users::kind.ne(account_kind_code(AccountKind::Deleted)))
            .filter(users::id.gt(after))
            .order(users::id)
            .limit(500)
            .select((users::id, users::username))
            .load(conn)
            .await?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = *last;
        for (user, name) in rows {
            let name = Username::parse(&name).map_err(|_| Error::Corrupt("username"))?;
            match set_skeleton(conn, user, &name.skeleton()).await {
                // Taken between the two statements, by somebody who registers at a running node.
                Ok(()) | Err(Error::Taken(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

async fn set_skeleton(conn: &mut Conn, user: Id<UserId>, skeleton: &str) -> Result<(), Error> {
    let taken: i64 =
        users::table.filter(users::skeleton.eq(skeleton)).count().get_result(conn).await?;
    if taken == 0 {
        diesel::update(users::table.filter(users::id.eq(user)))
            .set(users::skeleton.eq(Some(skeleton)))
            .execute(conn)
            .await?;
    }
    Ok(())
}
