//! Links into channels, and invitations.

use std::collections::BTreeSet;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{
    ChannelId, Invitation, InvitationState, Invite, MemberState, Needs, Page, PageRequest,
    Snapshot, Timestamp, UserId, Ways,
};
use uuid::Uuid;

use super::channels::place;
use super::{Conn, RunQueryDsl, bans};
use crate::fragment::KeyIn;
use crate::rows::{InvitationRow, InviteRow, all, invitation_state_code, member_state_code};
use crate::schema::{bans as ban_table, channels, invitations, invites, members};
use crate::types::{At, Id};
use crate::{Door, Error, Place, TokenHash};

const JOINED: i16 = member_state_code(MemberState::Joined);
const PENDING: i16 = invitation_state_code(InvitationState::Pending);

/// Loads what a batch needs of bans, links and invitations, under the locks of its feeds.
pub(super) async fn load(
    conn: &mut Conn,
    needs: &mut Needs,
    found: &mut Snapshot,
) -> Result<(), Error> {
    found.bans = bans::load(conn, std::mem::take(&mut needs.bans)).await?;
    if !needs.invites_of.is_empty() {
        let rows: Vec<InviteRow> = invites::table
            .filter(KeyIn::ids("channel_id", std::mem::take(&mut needs.invites_of)))
            .select(InviteRow::as_select())
            .load(conn)
            .await?;
        found.invites = all(rows)?;
    }
    if !needs.invites.is_empty() {
        let rows: Vec<InviteRow> = invites::table
            .filter(KeyIn::ids("id", std::mem::take(&mut needs.invites)))
            .select(InviteRow::as_select())
            .load(conn)
            .await?;
        found.invites.extend(all::<_, Invite>(rows)?);
    }
    found.invitations = load_invitations(conn, std::mem::take(&mut needs.invitations)).await?;
    Ok(())
}

async fn load_invitations(
    conn: &mut Conn,
    keys: BTreeSet<(ChannelId, UserId)>,
) -> Result<Vec<Invitation>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys = keys.iter().map(|(channel, user)| [channel.uuid(), user.uuid()]);
    let rows: Vec<InvitationRow> = invitations::table
        .filter(KeyIn::new("(channel_id, user_id)", keys))
        .select(InvitationRow::as_select())
        .load(conn)
        .await?;
    all(rows)
}

/// Writes what opened and closed.
pub(super) async fn write(conn: &mut Conn, ways: Ways) -> Result<(), Error> {
    let Ways { banned, lifted, invites: links, revoked, invitations: asked, closed } = ways;
    bans::remove(conn, lifted).await?;
    bans::put(conn, banned).await?;
    if !revoked.is_empty() {
        diesel::delete(invites::table.filter(KeyIn::ids("id", revoked))).execute(conn).await?;
    }
    if !links.is_empty() {
        let rows: Vec<InviteRow> = links.into_iter().map(InviteRow::from).collect();
        diesel::insert_into(invites::table)
            .values(rows)
            .on_conflict(invites::id)
            .do_update()
            .set(invites::uses.eq(excluded(invites::uses)))
            .execute(conn)
            .await?;
    }
    if !asked.is_empty() {
        let rows: Vec<InvitationRow> = asked.into_iter().map(InvitationRow::from).collect();
        diesel::insert_into(invitations::table)
            .values(rows)
            .on_conflict((invitations::channel_id, invitations::user_id))
            .do_update()
            .set((
                invitations::kind.eq(excluded(invitations::kind)),
                invitations::name.eq(excluded(invitations::name)),
                invitations::by_id.eq(excluded(invitations::by_id)),
                invitations::created_at.eq(excluded(invitations::created_at)),
                invitations::state.eq(excluded(invitations::state)),
                invitations::user_rev.eq(excluded(invitations::user_rev)),
            ))
            .execute(conn)
            .await?;
    }
    for channel in closed {
        let links = invites::table.filter(invites::channel_id.eq(Id(channel)));
        diesel::delete(links).execute(conn).await?;
        let bans = ban_table::table.filter(ban_table::channel_id.eq(Id(channel)));
        diesel::delete(bans).execute(conn).await?;
    }
    Ok(())
}

/// The links into a channel that are good, the newest first, and the place of `user` in it. Needs
/// one snapshot.
pub(crate) async fn of_channel(
    conn: &mut Conn,
    channel: ChannelId,
    user: UserId,
    page: PageRequest,
    now: Timestamp,
) -> Result<Option<(Place, Page<Invite>)>, Error> {
    let Some(place) = place(conn, channel, user).await? else { return Ok(None) };
    let mut query = invites::table
        .filter(invites::channel_id.eq(Id(channel)))
        .filter(invites::expires_at.is_null().or(invites::expires_at.gt(Some(At(now)))))
        .filter(invites::max_uses.is_null().or(invites::max_uses.gt(invites::uses.nullable())))
        .order(invites::id.desc())
        .limit(page.limit + 1)
        .select(InviteRow::as_select())
        .into_boxed();
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(invites::id.lt(Id(tertulia_domain::InviteId::from(after))));
    }
    let rows: Vec<InviteRow> = query.load(conn).await?;
    Ok(Some((place, Page::of(all(rows)?, page.limit, |invite: &Invite| invite.id.to_string()))))
}

/// Where the link with this code leads, and the place of `user` there. Needs one snapshot.
pub(crate) async fn by_hash(
    conn: &mut Conn,
    hash: TokenHash,
    user: UserId,
) -> Result<Option<Door>, Error> {
    let row = invites::table
        .filter(invites::hash.eq(hash.to_vec()))
        .select(InviteRow::as_select())
        .get_result(conn)
        .await
        .optional()?;
    let Some(invite) = row.map(Invite::try_from).transpose()? else { return Ok(None) };
    let Some(place) = place(conn, invite.channel_id, user).await? else { return Ok(None) };
    let members = members::table
        .filter(members::channel_id.eq(Id(invite.channel_id)))
        .filter(members::state.eq(JOINED))
        .select(count_star())
        .get_result(conn)
        .await?;
    Ok(Some(Door { invite, place, members }))
}

/// The invitations that a person has not answered, by channel.
pub(crate) async fn pending(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
) -> Result<Page<Invitation>, Error> {
    let mut query = invitations::table
        .inner_join(channels::table.on(channels::id.eq(invitations::channel_id)))
        .filter(invitations::user_id.eq(Id(user)))
        .filter(invitations::state.eq(PENDING))
        .filter(channels::deleted_at.is_null())
        .order(invitations::channel_id.desc())
        .limit(page.limit + 1)
        .select(InvitationRow::as_select())
        .into_boxed();
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<Uuid>().ok()) {
        query = query.filter(invitations::channel_id.lt(Id(ChannelId::from(after))));
    }
    let rows: Vec<InvitationRow> = query.load(conn).await?;
    Ok(Page::of(all(rows)?, page.limit, |it: &Invitation| it.channel_id.to_string()))
}

/// Up to `limit` invitations into channels that are no more, and that nobody has answered.
pub(crate) async fn into_nothing(
    conn: &mut Conn,
    limit: i64,
) -> Result<Vec<(ChannelId, UserId)>, Error> {
    // What purges a deleted channel looks here first: there is no need to look further back.
    let rows: Vec<(Id<ChannelId>, Id<UserId>)> = channels::table
        .inner_join(invitations::table.on(invitations::channel_id.eq(channels::id)))
        .filter(channels::deleted_at.is_not_null())
        .filter(channels::messages_purged_at.is_null())
        .filter(invitations::state.eq(PENDING))
        .limit(limit)
        .select((invitations::channel_id, invitations::user_id))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(channel, user)| (channel.0, user.0)).collect())
}

/// Invitations of a person that changed after `since`, by rev. Of a channel that is no more only
/// that is said.
pub(super) async fn changed(
    conn: &mut Conn,
    user: UserId,
    since: i64,
    limit: i64,
) -> Result<Vec<Invitation>, Error> {
    let rows: Vec<(InvitationRow, Option<At>)> = invitations::table
        .inner_join(channels::table.on(channels::id.eq(invitations::channel_id)))
        .filter(invitations::user_id.eq(Id(user)))
        .filter(invitations::user_rev.gt(since))
        .order(invitations::user_rev)
        .limit(limit)
        .select((InvitationRow::as_select(), channels::deleted_at))
        .load(conn)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for (row, deleted_at) in rows {
        let mut invitation = Invitation::try_from(row)?;
        if deleted_at.is_some() {
            invitation.name = None;
            if invitation.state == InvitationState::Pending {
                invitation.state = InvitationState::Withdrawn;
            }
        }
        found.push(invitation);
    }
    Ok(found)
}
