//! Accounts.

use data_encoding::HEXLOWER;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{
    Account, AccountKind, AccountRole, AuditEntry, Feed, FeedRow as DomainFeed, Page, PageRequest,
    Profile, UserId,
};

use super::{Conn, RunQueryDsl, accounts, audit};
use crate::rows::{AccountRow, FeedRow, ProfileRow, account_kind_code, account_role_code, all};
use crate::schema::{feeds, meta, users};
use crate::types::{At, Id};
use crate::{Credentials, Error, NewUser, ProfileEdit, TokenHash};

pub(crate) async fn insert(conn: &mut Conn, new: NewUser) -> Result<(), Error> {
    let row = (
        users::id.eq(Id(new.id)),
        users::username_key.eq(new.username.key()),
        users::skeleton.eq(Some(new.username.skeleton())),
        users::username.eq(new.username.into_string()),
        users::email_key.eq(new.email.as_ref().map(tertulia_domain::Email::key)),
        users::email.eq(new.email.map(tertulia_domain::Email::into_string)),
        users::display_name.eq(new.display_name.into_string()),
        users::bio.eq(""),
        users::password_hash.eq(new.password_hash),
        users::kind.eq(account_kind_code(new.kind)),
        users::role.eq(account_role_code(new.role)),
        users::created_at.eq(At(new.created_at)),
    );
    diesel::insert_into(users::table).values(row).execute(conn).await?;
    let feed = FeedRow::from(DomainFeed::empty(Feed::Me(new.id).id()));
    diesel::insert_into(feeds::table).values(feed).execute(conn).await?;
    Ok(())
}

/// The same, by an admin.
pub(crate) async fn insert_by_admin(
    conn: &mut Conn,
    new: NewUser,
    entry: AuditEntry,
) -> Result<(), Error> {
    insert(conn, new).await?;
    audit::insert(conn, entry).await
}

pub(crate) async fn account(conn: &mut Conn, user: UserId) -> Result<Option<Account>, Error> {
    let row = users::table
        .filter(users::id.eq(Id(user)))
        .select(AccountRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    row.map(Account::try_from).transpose()
}

pub(crate) async fn profile(conn: &mut Conn, user: UserId) -> Result<Option<Profile>, Error> {
    let row = users::table
        .filter(users::id.eq(Id(user)))
        .select(ProfileRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    row.map(Profile::try_from).transpose()
}

pub(crate) async fn profile_by_key(conn: &mut Conn, key: String) -> Result<Option<Profile>, Error> {
    let row = users::table
        .filter(users::username_key.eq(key))
        .select(ProfileRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    row.map(Profile::try_from).transpose()
}

/// What signs somebody in by a username's or an e-mail address's key. No username has an `@`.
pub(crate) async fn credentials(
    conn: &mut Conn,
    username_key: String,
    email_key: String,
) -> Result<Option<Credentials>, Error> {
    let row: Option<(Id<UserId>, Option<String>, Option<At>)> = users::table
        .filter(users::username_key.eq(username_key).or(users::email_key.eq(email_key)))
        .select((users::id, users::password_hash, users::disabled_at))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(Id(user), password_hash, disabled_at)| Credentials {
        user,
        password_hash,
        disabled: disabled_at.is_some(),
    }))
}

/// Accounts whose username begins with `prefix`, by username.
pub(crate) async fn list(
    conn: &mut Conn,
    prefix: String,
    page: PageRequest,
) -> Result<Page<Profile>, Error> {
    let mut query = users::table
        .filter(users::disabled_at.is_null())
        .order(users::username_key)
        .limit(page.limit + 1)
        .select(ProfileRow::as_select())
        .into_boxed();
    if let Some(end) = crate::after_prefix(&prefix) {
        query = query.filter(users::username_key.ge(prefix)).filter(users::username_key.lt(end));
    }
    if let Some(after) = page.after {
        query = query.filter(users::username_key.gt(after));
    }
    let rows: Vec<ProfileRow> = query.load(conn).await?;
    let Page { items, next } = Page::of(rows, page.limit, |row| row.username_key.clone());
    Ok(Page { items: all(items)?, next })
}

/// An account that can be used: nothing comes back to one that was deleted meanwhile.
#[diesel::dsl::auto_type(no_type_alias)]
fn usable(user: UserId) -> _ {
    let id: Id<UserId> = Id(user);
    users::table.filter(users::id.eq(id)).filter(users::disabled_at.is_null())
}

pub(crate) async fn update(conn: &mut Conn, user: UserId, edit: ProfileEdit) -> Result<(), Error> {
    if let Some(name) = edit.display_name {
        diesel::update(usable(user))
            .set(users::display_name.eq(name.into_string()))
            .execute(conn)
            .await?;
    }
    if let Some(bio) = edit.bio {
        diesel::update(usable(user)).set(users::bio.eq(bio.into_string())).execute(conn).await?;
    }
    Ok(())
}

/// Keeps the hash of a token that makes an admin, in place of any earlier one, unless there is an
/// admin. Whether there is none.
pub(crate) async fn offer_admin(conn: &mut Conn, token: TokenHash) -> Result<bool, Error> {
    if accounts::admins(conn).await? > 0 {
        return Ok(false);
    }
    keep_admin_token(conn, token).await?;
    Ok(true)
}

/// Keeps the hash of such a token whether or not there is an admin.
pub(crate) async fn renew_admin_token(
    conn: &mut Conn,
    token: TokenHash,
    entry: AuditEntry,
) -> Result<(), Error> {
    keep_admin_token(conn, token).await?;
    audit::insert(conn, entry).await
}

async fn keep_admin_token(conn: &mut Conn, token: TokenHash) -> Result<(), Error> {
    diesel::insert_into(meta::table)
        .values((meta::key.eq(ADMIN_TOKEN), meta::value.eq(HEXLOWER.encode(&token))))
        .on_conflict(meta::key)
        .do_update()
        .set(meta::value.eq(excluded(meta::value)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Makes an admin of who brings the token, once. Guests have to be somebody first.
pub(crate) async fn claim_admin(
    conn: &mut Conn,
    user: UserId,
    token: TokenHash,
    entry: AuditEntry,
) -> Result<bool, Error> {
    let person = users::table
        .filter(users::id.eq(Id(user)))
        .filter(users::kind.eq(account_kind_code(AccountKind::Person)))
        .filter(users::disabled_at.is_null());
    let found: i64 = person.count().get_result(conn).await?;
    if found == 0 {
        return Ok(false);
    }
    let offered = meta::table
        .filter(meta::key.eq(ADMIN_TOKEN))
        .filter(meta::value.eq(HEXLOWER.encode(&token)));
    if diesel::delete(offered).execute(conn).await? == 0 {
        return Ok(false);
    }
    diesel::update(users::table.filter(users::id.eq(Id(user))))
        .set(users::role.eq(account_role_code(AccountRole::Admin)))
        .execute(conn)
        .await?;
    audit::insert(conn, entry).await?;
    Ok(true)
}

const ADMIN_TOKEN: &str = "admin_token";
