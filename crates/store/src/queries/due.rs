//! Messages that people are yet to be told of, and who they are.

use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{Audience, ChannelId, Due, MemberState, MessageId, UserId};
use uuid::Uuid;

use super::{Conn, RunQueryDsl};
use crate::Error;
use crate::rows::{DueRow, all, audience_code, member_state_code};
use crate::schema::{channels, due_notifications, members, messages, thread_follows};
use crate::types::Id;

const JOINED: i16 = member_state_code(MemberState::Joined);

/// Notes what was done and what is to be done. A row that was noted anew since a piece of it was
/// begun is another one: it has another rev.
pub(super) async fn write(
    conn: &mut Conn,
    done: Vec<(Due, Option<UserId>)>,
    due: Vec<Due>,
) -> Result<(), Error> {
    for (piece, last) in done {
        let row = due_notifications::table
            .filter(due_notifications::message_id.eq(Id(piece.message)))
            .filter(due_notifications::audience.eq(audience_code(piece.audience)))
            .filter(due_notifications::rev.eq(piece.rev));
        match last {
            Some(last) => {
                let after = due_notifications::after_id.eq(Some(Id(last)));
                diesel::update(row).set(after).execute(conn).await?;
            }
            None => {
                diesel::delete(row).execute(conn).await?;
            }
        }
    }
    if !due.is_empty() {
        let rows: Vec<DueRow> = due.into_iter().map(DueRow::from).collect();
        diesel::insert_into(due_notifications::table)
            .values(rows)
            .on_conflict((due_notifications::message_id, due_notifications::audience))
            .do_update()
            .set((
                due_notifications::rev.eq(excluded(due_notifications::rev)),
                due_notifications::after_id.eq(excluded(due_notifications::after_id)),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Some of what is due.
pub(crate) async fn some(conn: &mut Conn, limit: i64) -> Result<Vec<Due>, Error> {
    let rows: Vec<DueRow> = due_notifications::table
        .order((due_notifications::message_id, due_notifications::audience))
        .limit(limit)
        .select(DueRow::as_select())
        .load(conn)
        .await?;
    all(rows)
}

/// The next people who are to be told of a message, in the order of their ids.
pub(crate) async fn people(conn: &mut Conn, due: Due, limit: i64) -> Result<Vec<UserId>, Error> {
    let after = Id(due.after.unwrap_or(UserId::from(Uuid::nil())));
    let people: Vec<Id<UserId>> = match due.audience {
        Audience::Channel => {
            members::table
                .filter(members::channel_id.eq(Id(due.channel)))
                .filter(members::state.eq(JOINED))
                .filter(members::user_id.gt(after))
                .order(members::user_id)
                .limit(limit)
                .select(members::user_id)
                .load(conn)
                .await?
        }
        Audience::Thread => {
            let root: Option<Option<Id<MessageId>>> = messages::table
                .filter(messages::id.eq(Id(due.message)))
                .select(messages::thread_id)
                .get_result(conn)
                .await
                .optional()?;
            let Some(root) = root.flatten() else { return Ok(Vec::new()) };
            thread_follows::table
                .filter(thread_follows::message_id.eq(root))
                .filter(thread_follows::following.eq(1))
                .filter(thread_follows::user_id.gt(after))
                .order(thread_follows::user_id)
                .limit(limit)
                .select(thread_follows::user_id)
                .load(conn)
                .await?
        }
        Audience::Direct => return both(conn, due.channel).await,
    };
    Ok(people.into_iter().map(|user| user.0).collect())
}

/// The two people of a direct conversation; of any other channel none.
type Both = (Option<Id<UserId>>, Option<Id<UserId>>);

/// The two of a direct conversation: nobody is told of what they have said themselves.
async fn both(conn: &mut Conn, channel: ChannelId) -> Result<Vec<UserId>, Error> {
    let found: Option<Both> = channels::table
        .filter(channels::id.eq(Id(channel)))
        .select((channels::direct_a, channels::direct_b))
        .get_result(conn)
        .await
        .optional()?;
    let (a, b) = found.unwrap_or_default();
    Ok([a, b].into_iter().flatten().map(|user| user.0).collect())
}
