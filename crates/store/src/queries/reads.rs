//! How far people have read, as others see it.

use diesel::prelude::*;
use tertulia_domain::{
    ChannelId, MemberState, MessageId, Page, PageRequest, ReadBy, Receipt, UserId,
};
use uuid::Uuid;

use super::channels::place;
use super::{Conn, RunQueryDsl};
use crate::rows::member_state_code;
use crate::schema::{members, messages, statuses};
use crate::types::Id;
use crate::{Error, Place};

const JOINED: i16 = member_state_code(MemberState::Joined);
const ON: i16 = 1;

/// How far the others in a channel have read, by user id, and the place of `user` in it. Needs one
/// snapshot.
pub(crate) async fn of_channel(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    page: PageRequest,
) -> Result<Option<(Place, Page<ReadBy>)>, Error> {
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let reads = others(conn, channel, user, 0, page).await?;
    Ok(Some((place, reads)))
}

/// The same of those to whom a message has come; its author is not among them.
pub(crate) async fn of_message(
    conn: &mut Conn,
    id: MessageId,
    user: UserId,
    page: PageRequest,
) -> Result<Option<(Place, Page<ReadBy>)>, Error> {
    let found: Option<(Id<ChannelId>, i64, Id<UserId>)> = messages::table
        .filter(messages::id.eq(Id(id)))
        .select((messages::channel_id, messages::seq, messages::author_id))
        .get_result(conn)
        .await
        .optional()?;
    let Some((Id(channel), seq, author)) = found else { return Ok(None) };
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let mut reads = others(conn, channel, user, seq, page).await?;
    reads.items.retain(|read| read.user_id != author.0);
    Ok(Some((place, reads)))
}

/// Those whom `seq` has reached and who let it be seen, without `user`, who sees nobody unless they
/// let it be seen themselves.
async fn others(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    seq: i64,
    page: PageRequest,
) -> Result<Page<ReadBy>, Error> {
    let hidden: i64 = statuses::table
        .filter(statuses::user_id.eq(Id(user)))
        .filter(statuses::receipts.ne(ON))
        .count()
        .get_result(conn)
        .await?;
    if hidden > 0 {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut query = members::table
        .left_join(statuses::table.on(statuses::user_id.eq(members::user_id)))
        .filter(members::channel_id.eq(Id(channel)))
        .filter(members::state.eq(JOINED))
        .filter(members::user_id.ne(Id(user)))
        .filter(statuses::receipts.is_null().or(statuses::receipts.eq(ON)))
        .filter(members::seen_seq.ge(seq).or(members::delivered_seq.ge(seq)))
        .order(members::user_id)
        .limit(page.limit + 1)
        .select((members::user_id, members::seen_seq, members::delivered_seq))
        .into_boxed();
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(members::user_id.gt(Id(UserId::from(after))));
    }
    let rows: Vec<(Id<UserId>, i64, i64)> = query.load(conn).await?;
    let reads = rows.into_iter().map(|(user, read_seq, delivered_seq)| {
        let shown = Receipt { read_seq, delivered_seq }.shown();
        ReadBy { user_id: user.0, read_seq, delivered_seq: shown.delivered_seq }
    });
    Ok(Page::of(reads.collect(), page.limit, |read| read.user_id.to_string()))
}
