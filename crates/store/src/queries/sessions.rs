//! Sessions, their families of refresh tokens, and tickets. Tokens are stored as hashes only.

use diesel::prelude::*;
use tertulia_domain::{AccountKind, SessionId, Timestamp, UserId};
use time::Duration;

use super::{Conn, RunQueryDsl, locked};
use crate::rows::{SessionRow, account_kind_code};
use crate::schema::{refresh_tokens, sessions, tickets, users};
use crate::types::{At, Id};
use crate::{Error, NewSession, Rotation, Session, SessionEnd, TokenHash};

/// After its use, a refresh token still gives its one successor for this long: two tabs that
/// refresh at once, or an answer that was lost on its way, sign nobody out.
const GRACE: Duration = Duration::seconds(20);

pub(crate) async fn insert(
    conn: &mut Conn,
    new: NewSession,
    refresh: TokenHash,
) -> Result<bool, Error> {
    // Under the lock that whoever ends all sessions holds: this one is ended with them, or never
    // begins.
    let account: Option<(Option<String>, Option<At>)> = locked!(
        users::table
            .filter(users::id.eq(Id(new.user)))
            .select((users::password_hash, users::disabled_at))
    )
    .get_result(conn)
    .await
    .optional()?;
    let Some((password_hash, None)) = account else { return Ok(false) };
    if new.proof.is_some() && new.proof != password_hash {
        return Ok(false);
    }
    let row = SessionRow {
        id: Id(new.id),
        user_id: Id(new.user),
        user_agent: new.user_agent,
        address: new.address,
        created_at: At(new.created_at),
        last_used_at: At(new.created_at),
        expires_at: At(new.expires_at),
        ended_at: None,
        rev: None,
    };
    diesel::insert_into(sessions::table).values(row).execute(conn).await?;
    issue(conn, new.id, refresh, new.created_at).await?;
    Ok(true)
}

async fn issue(
    conn: &mut Conn,
    session: SessionId,
    hash: TokenHash,
    now: Timestamp,
) -> Result<(), Error> {
    let row = (
        refresh_tokens::hash.eq(hash.to_vec()),
        refresh_tokens::session_id.eq(Id(session)),
        refresh_tokens::issued_at.eq(At(now)),
    );
    diesel::insert_into(refresh_tokens::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// Uses a refresh token: its successor becomes the family's token.
pub(crate) async fn rotate(
    conn: &mut Conn,
    token: TokenHash,
    successor: TokenHash,
    now: Timestamp,
    until: SessionEnd,
) -> Result<Rotation, Error> {
    let found: Option<(Id<SessionId>, Option<At>)> = locked!(
        refresh_tokens::table
            .filter(refresh_tokens::hash.eq(token.to_vec()))
            .select((refresh_tokens::session_id, refresh_tokens::used_at))
    )
    .get_result(conn)
    .await
    .optional()?;
    let Some((Id(session), used_at)) = found else { return Ok(Rotation::Unknown) };
    let live: Option<(Id<UserId>, i16)> = sessions::table
        .inner_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(Id(session)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(now)))
        .filter(users::disabled_at.is_null())
        .select((sessions::user_id, users::kind))
        .get_result(conn)
        .await
        .optional()?;
    let Some((Id(user), kind)) = live else { return Ok(Rotation::Unknown) };
    let guest = kind == account_kind_code(AccountKind::Guest);
    let expires_at = if guest { until.guest } else { until.person };
    match used_at {
        Some(At(at)) if now.since(at) > GRACE => return Ok(Rotation::Reused { user, session }),
        Some(_) => {}
        None => {
            diesel::update(refresh_tokens::table.filter(refresh_tokens::hash.eq(token.to_vec())))
                .set(refresh_tokens::used_at.eq(Some(At(now))))
                .execute(conn)
                .await?;
            issue(conn, session, successor, now).await?;
        }
    }
    diesel::update(sessions::table.filter(sessions::id.eq(Id(session))))
        .set((sessions::last_used_at.eq(At(now)), sessions::expires_at.eq(At(expires_at))))
        .execute(conn)
        .await?;
    Ok(Rotation::Rotated { user, session })
}

/// A person's live sessions, the last used first; at most 100.
pub(crate) async fn live(
    conn: &mut Conn,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Session>, Error> {
    let rows: Vec<SessionRow> = sessions::table
        .filter(sessions::user_id.eq(Id(user)))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(now)))
        .order((sessions::last_used_at.desc(), sessions::id.desc()))
        .limit(100)
        .select(SessionRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

pub(crate) async fn insert_ticket(
    conn: &mut Conn,
    ticket: TokenHash,
    session: SessionId,
    expires_at: Timestamp,
) -> Result<(), Error> {
    let row = (
        tickets::hash.eq(ticket.to_vec()),
        tickets::session_id.eq(Id(session)),
        tickets::expires_at.eq(At(expires_at)),
    );
    diesel::insert_into(tickets::table).values(row).execute(conn).await?;
    Ok(())
}

/// Uses a ticket up. `None` when there is none, it is over, or its session has ended.
pub(crate) async fn redeem_ticket(
    conn: &mut Conn,
    ticket: TokenHash,
    now: Timestamp,
) -> Result<Option<(UserId, SessionId)>, Error> {
    let redeemed: Option<(Id<SessionId>, At)> =
        diesel::delete(tickets::table.filter(tickets::hash.eq(ticket.to_vec())))
            .returning((tickets::session_id, tickets::expires_at))
            .get_result(conn)
            .await
            .optional()?;
    let Some((Id(session), At(expires_at))) = redeemed else { return Ok(None) };
    if expires_at <= now {
        return Ok(None);
    }
    let user: Option<Id<UserId>> = sessions::table
        .filter(sessions::id.eq(Id(session)))
        .filter(sessions::ended_at.is_null())
        .select(sessions::user_id)
        .get_result(conn)
        .await
        .optional()?;
    Ok(user.map(|Id(user)| (user, session)))
}

/// Sessions that ended after `rev` of the system feed, in its order; at most `limit`.
pub(crate) async fn ended_after(
    conn: &mut Conn,
    rev: i64,
    limit: i64,
) -> Result<Vec<(i64, UserId, SessionId)>, Error> {
    let rows: Vec<(Option<i64>, Id<UserId>, Id<SessionId>)> = sessions::table
        .filter(sessions::rev.gt(rev))
        .order(sessions::rev)
        .limit(limit)
        .select((sessions::rev, sessions::user_id, sessions::id))
        .load(conn)
        .await?;
    Ok(rows.into_iter().filter_map(|(rev, user, id)| Some((rev?, user.0, id.0))).collect())
}

/// Sessions that ended since `since`: their access tokens may still look good.
pub(crate) async fn ended_since(
    conn: &mut Conn,
    since: Timestamp,
) -> Result<Vec<SessionId>, Error> {
    let ended: Vec<Id<SessionId>> = sessions::table
        .filter(sessions::ended_at.ge(At(since)))
        .select(sessions::id)
        .load(conn)
        .await?;
    Ok(ended.into_iter().map(|id| id.0).collect())
}
