//! What a client missed: a range read of state, not of events. All of it needs one snapshot, and
//! the head is read first.

use std::collections::HashMap;

use diesel::prelude::*;
use tertulia_domain::policy::may_go_on_hearing;
use tertulia_domain::{
    Body, Channel, ChannelId, Feed, Frame, Member, MemberState, Timestamp, UserId,
};

use super::feeds::feed;
use super::{
    Conn, RunQueryDsl, channels, drafts, files, invites, notifications, presence, reactions,
    retention, sessions as session_queries,
};
use crate::rows::{ChannelRow, MemberRow, MessageRow, all};
use crate::schema::{channels as channel_table, feeds, members, messages};
use crate::types::Id;
use crate::{Changes, Error, Gap, MAX_BEHIND, Place};

/// What happened in `of` after `since`, at most `limit` steps.
pub(crate) async fn since(
    conn: &mut Conn,
    of: Feed,
    since: i64,
    limit: i64,
) -> Result<Changes, Error> {
    let head = feed(conn, of).await?.head;
    if since > head {
        return Ok(Changes::reset("ahead", head));
    }
    // Nodes cannot begin anew: who has ended is read to the last one.
    if head - since > MAX_BEHIND && of != Feed::System {
        return Ok(Changes::reset("limited", head));
    }
    if matches!(of, Feed::Me(_)) && since < retention::horizon(conn, of.id()).await? {
        return Ok(Changes::reset("limited", head));
    }
    let mut states = match of {
        Feed::Channel(channel) => channel_states(conn, channel, since, limit + 1).await?,
        Feed::Me(user) => own_states(conn, user, since, limit + 1).await?,
        Feed::System => ended_states(conn, since, limit + 1).await?,
    };
    states.sort_by_key(|(rev, _)| *rev);
    let fits = fitting(&states, usize::try_from(limit).unwrap_or_default());
    let more = states.len() > fits;
    states.truncate(fits);
    let mut prev = since;
    let mut items: Vec<Frame> = Vec::with_capacity(states.len());
    for (rev, body) in states {
        items.push(Frame { feed: of, prev, rev, body });
        prev = rev;
    }
    Ok(Changes { items, head, more, reset: None })
}

/// How many of these make one answer: at most `limit`, and not too many bytes.
fn fitting(states: &[(i64, Body)], limit: usize) -> usize {
    let mut bytes = 0;
    let fits = |(_, body): &&(i64, Body)| {
        bytes += match body {
            Body::Message(message) => message.content.len() + message.attachments.len() * 512 + 256,
            Body::Draft(draft) => draft.content.len() + 512,
            Body::Reactions(tallies) => tallies.reactions.len() * 64 + 256,
            _ => 512,
        };
        bytes <= MAX_BYTES
    };
    states.iter().take(limit).take_while(fits).count().max(1)
}

/// What happened in a channel after `since`, and the place of `user` in it.
pub(crate) async fn of_channel(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    after: i64,
    limit: i64,
) -> Result<Option<(Place, Changes)>, Error> {
    let Some(place) = channels::place(conn, channel, user).await? else { return Ok(None) };
    let changes = since(conn, Feed::Channel(channel), after, limit).await?;
    Ok(Some((place, changes)))
}

/// What happened after `since`, and who of `listeners` may no longer hear it.
pub(crate) async fn gap(
    conn: &mut Conn,
    of: Feed,
    after: i64,
    listeners: Vec<UserId>,
    now: Timestamp,
) -> Result<Gap, Error> {
    let changes = since(conn, of, after, MAX_BEHIND).await?;
    let Feed::Channel(channel) = of else { return Ok(Gap { changes, barred: Vec::new() }) };
    let row = channel_table::table
        .find(Id(channel))
        .select(ChannelRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    let Some(row) = row else { return Ok(Gap { changes, barred: listeners }) };
    let row = Channel::try_from(row)?;
    let members = channels::members_among(conn, channel, &listeners).await?;
    let members: HashMap<_, _> = members.iter().map(|member| (member.user_id, member)).collect();
    let goes_on = |user: &UserId| may_go_on_hearing(&row, members.get(user).copied(), after, now);
    let barred = listeners.into_iter().filter(|user| !goes_on(user)).collect();
    Ok(Gap { changes, barred })
}

/// What one answer holds at most, roughly; a client asks for the rest.
const MAX_BYTES: usize = 512 * 1024;

type States = Vec<(i64, Body)>;

async fn channel_states(
    conn: &mut Conn,
    channel: ChannelId,
    since: i64,
    limit: i64,
) -> Result<States, Error> {
    let rows: Vec<ChannelRow> = channel_table::table
        .filter(channel_table::id.eq(Id(channel)))
        .filter(channel_table::rev.gt(since))
        .select(ChannelRow::as_select())
        .load(conn)
        .await?;
    let channels: Vec<Channel> = all(rows)?;
    let states = |channels: Vec<Channel>| {
        channels.into_iter().map(|channel| (channel.rev, Body::Channel(channel)))
    };
    // Of a channel that was deleted nothing is left to hear but that it is, purged or not.
    if channels.iter().any(|channel| channel.deleted_at.is_some()) {
        return Ok(states(channels).collect());
    }
    let rows: Vec<MemberRow> = members::table
        .filter(members::channel_id.eq(Id(channel)))
        .filter(members::rev.gt(since))
        .order(members::rev)
        .limit(limit)
        .select(MemberRow::as_select())
        .load(conn)
        .await?;
    let members: Vec<Member> = all(rows)?;
    let rows: Vec<MessageRow> = messages::table
        .filter(messages::channel_id.eq(Id(channel)))
        .filter(messages::rev.gt(since))
        .order(messages::rev)
        .limit(limit)
        .select(MessageRow::as_select())
        .load(conn)
        .await?;
    let messages = files::messages_of(conn, rows).await?;
    let reactions = reactions::after(conn, channel, since, limit).await?;
    let members = members.into_iter().map(|member| (member.rev, Body::Member(member)));
    let messages = messages.into_iter().map(|message| (message.rev, Body::Message(message)));
    Ok(states(channels).chain(members).chain(messages).chain(reactions).collect())
}

async fn own_states(
    conn: &mut Conn,
    user: UserId,
    since: i64,
    limit: i64,
) -> Result<States, Error> {
    let rows: Vec<(MemberRow, ChannelRow, i64)> = members::table
        .inner_join(channel_table::table.on(channel_table::id.eq(members::channel_id)))
        .inner_join(feeds::table.on(feeds::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::user_rev.gt(since))
        .order(members::user_rev)
        .limit(limit)
        .select((MemberRow::as_select(), ChannelRow::as_select(), feeds::last_seq))
        .load(conn)
        .await?;
    let mut states = States::with_capacity(rows.len());
    for (member, channel, last_seq) in rows {
        let member = Member::try_from(member)?;
        let channel = Channel::try_from(channel)?;
        let joined = member.state == MemberState::Joined && channel.deleted_at.is_none();
        let body = Body::Membership {
            channel_id: member.channel_id,
            membership: member.membership(last_seq),
            channel: joined.then_some(channel),
        };
        states.push((member.user_rev, body));
    }
    let invitations = invites::changed(conn, user, since, limit).await?;
    states.extend(invitations.into_iter().map(|it| (it.user_rev, Body::Invitation(it))));
    states.extend(notifications::after(conn, user, since, limit).await?);
    states.extend(reactions::own_after(conn, user, since, limit).await?);
    states.extend(presence::own_after(conn, user, since).await?);
    states.extend(drafts::own_after(conn, user, since, limit).await?);
    Ok(states)
}

async fn ended_states(conn: &mut Conn, since: i64, limit: i64) -> Result<States, Error> {
    let ended = session_queries::ended_after(conn, since, limit).await?;
    Ok(ended
        .into_iter()
        .map(|(rev, user, session)| (rev, Body::SessionEnded { session, user }))
        .collect())
}
