//! What a deleted account leaves behind is erased. What is personal, and where it lies:
//!
//! - `users`: name, e-mail address, display name, bio, password hash; here, at once.
//! - `drafts`, `statuses`: all of it; here, at once.
//! - `sessions`: user agent and address; blanked as soon as a session ends (`log.rs`).
//! - `bans` of them, with their reasons, and `invitations`: here, at once. Nobody who is deleted is
//!   banned again.
//! - `reactions`: in pieces, by the log, so that counts move in the order of their channels.
//! - `messages`: what they said, if they want it; in pieces, by the log.
//! - `files`: those that belong to no message, one's image among them; their rows and bytes go in the background. The others
//!   belong to what was said.
//! - `notifications`, `mentions`, `inboxes`: what they were told of, and where they are named; in
//!   pieces, by the log where others see it.
//! - `audit_log`: the address they came from; here, after the messages.
//!
//! What is left to do stands in `erasures`, so that it goes on after a crash. Everything may be done
//! twice.

use diesel::prelude::*;
use tertulia_domain::{
    AccountKind, AccountRole, ChannelId, FileId, MemberState, MessageId, Timestamp, UserId,
};

use super::{Conn, RunQueryDsl, drafts, presence};
use crate::rows::{ErasureRow, account_kind_code, account_role_code, member_state_code};
use crate::schema::{
    audit_log, bans, channels, erasures, feeds, files, invitations, members, messages, sessions,
    users,
};
use crate::types::{At, Id};
use crate::{Erasure, Error};

const GUEST: i16 = account_kind_code(AccountKind::Guest);
const JOINED: i16 = member_state_code(MemberState::Joined);

/// Erases what is personal of an account, and notes down the rest. Its name is nobody's: longer
/// than a name can be, so that none is ever taken by it.
pub(super) async fn erase_account(
    conn: &mut Conn,
    user: UserId,
    messages: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let name = format!("deleted-{}", user.uuid().simple());
    diesel::update(users::table.filter(users::id.eq(Id(user))))
        .set((
            users::kind.eq(account_kind_code(AccountKind::Deleted)),
            users::username.eq(&name),
            users::username_key.eq(&name),
            users::skeleton.eq(None::<String>),
            users::email.eq(None::<String>),
            users::email_key.eq(None::<String>),
            users::display_name.eq("Deleted user"),
            users::bio.eq(""),
            users::avatar_id.eq(None::<Id<FileId>>),
            users::password_hash.eq(None::<String>),
            users::role.eq(account_role_code(AccountRole::Member)),
            users::disabled_at.eq(Some(At(now))),
        ))
        .execute(conn)
        .await?;
    presence::erase(conn, user).await?;
    drafts::erase(conn, user).await?;
    forget_ways(conn, user).await?;
    let unattached = files::table
        .filter(files::owner_id.eq(Id(user)))
        .filter(files::message_id.is_null())
        .filter(files::deleted_at.is_null());
    diesel::update(unattached).set(files::deleted_at.eq(Some(At(now)))).execute(conn).await?;
    let due = (
        erasures::user_id.eq(Id(user)),
        erasures::messages.eq(i16::from(messages)),
        erasures::seq.eq(0),
        erasures::requested_at.eq(At(now)),
    );
    diesel::insert_into(erasures::table).values(due).execute(conn).await?;
    Ok(())
}

/// A ban holds a reason; who asked them in, and where to, is over.
async fn forget_ways(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    diesel::delete(bans::table.filter(bans::user_id.eq(Id(user)))).execute(conn).await?;
    let asked = invitations::table.filter(invitations::user_id.eq(Id(user)));
    diesel::delete(asked).execute(conn).await?;
    Ok(())
}

/// What is left to do of the account that was deleted first.
pub(crate) async fn next(conn: &mut Conn) -> Result<Option<Erasure>, Error> {
    let row = erasures::table
        .order((erasures::requested_at, erasures::user_id))
        .limit(1)
        .select(ErasureRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(Erasure::from))
}

/// Who is to own a channel after `leaving`: the moderator who has been in it longest, else the
/// member who has. `None` when nobody is left.
pub(crate) async fn heir(
    conn: &mut Conn,
    channel: ChannelId,
    leaving: UserId,
) -> Result<Option<UserId>, Error> {
    let heir: Option<Id<UserId>> = members::table
        .inner_join(users::table.on(users::id.eq(members::user_id)))
        .filter(members::channel_id.eq(Id(channel)))
        .filter(members::user_id.ne(Id(leaving)))
        .filter(members::state.eq(JOINED))
        .filter(users::disabled_at.is_null())
        .filter(users::kind.ne(GUEST))
        .order((members::role.desc(), members::joined_at, members::user_id))
        .limit(1)
        .select(members::user_id)
        .get_result(conn)
        .await
        .optional()?;
    Ok(heir.map(|user| user.0))
}

/// The next channel after `after` that somebody has ever been in, with the place of its last
/// message. Deleted ones are left out: what was said there goes anyway.
pub(crate) async fn channel_after(
    conn: &mut Conn,
    user: UserId,
    after: Option<ChannelId>,
) -> Result<Option<(ChannelId, i64)>, Error> {
    let after = after.unwrap_or(ChannelId::from(uuid::Uuid::nil()));
    let row: Option<(Id<ChannelId>, i64)> = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .inner_join(feeds::table.on(feeds::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::channel_id.gt(Id(after)))
        .filter(channels::deleted_at.is_null())
        .order(members::channel_id)
        .limit(1)
        .select((members::channel_id, feeds::last_seq))
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(|(channel, last)| (channel.0, last)))
}

/// What somebody has said in a channel between two places, `from` exclusive and `to` inclusive,
/// and not deleted.
pub(crate) async fn said(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    from: i64,
    to: i64,
) -> Result<Vec<MessageId>, Error> {
    let ids: Vec<Id<MessageId>> = messages::table
        .filter(messages::channel_id.eq(Id(channel)))
        .filter(messages::seq.gt(from))
        .filter(messages::seq.le(to))
        .filter(messages::author_id.eq(Id(user)))
        .filter(messages::deleted_at.is_null())
        .order(messages::seq)
        .select(messages::id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Notes down up to where messages are erased.
pub(crate) async fn progress(
    conn: &mut Conn,
    user: UserId,
    channel: ChannelId,
    seq: i64,
) -> Result<(), Error> {
    diesel::update(erasures::table.filter(erasures::user_id.eq(Id(user))))
        .set((erasures::channel_id.eq(Some(Id(channel))), erasures::seq.eq(seq)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Blanks where somebody was when they did what stands in the audit log.
pub(crate) async fn blank_addresses(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    diesel::update(audit_log::table.filter(audit_log::actor_id.eq(Some(Id(user)))))
        .set(audit_log::address.eq(""))
        .execute(conn)
        .await?;
    Ok(())
}

/// Nothing is left to do. What another node has written of the person before it heard of their end goes,
/// too; they are in no channel any more, so that nothing can come after it.
pub(crate) async fn finish(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    drafts::erase(conn, user).await?;
    forget_ways(conn, user).await?;
    diesel::delete(erasures::table.filter(erasures::user_id.eq(Id(user)))).execute(conn).await?;
    Ok(())
}

/// Guests who were made before `made_before` and have no session that is good after `now`.
pub(crate) async fn absent_guests(
    conn: &mut Conn,
    made_before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<UserId>, Error> {
    let live = sessions::table
        .filter(sessions::user_id.eq(users::id))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(At(now)));
    let ids: Vec<Id<UserId>> = users::table
        .filter(users::kind.eq(GUEST))
        .filter(users::created_at.lt(At(made_before)))
        .filter(diesel::dsl::not(diesel::dsl::exists(live)))
        .order(users::created_at)
        .limit(limit)
        .select(users::id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}
