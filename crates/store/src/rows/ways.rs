//! Rows of bans and of the ways into channels.

use diesel::prelude::{Insertable, Queryable, Selectable};
use tertulia_domain::{Ban, ChannelId, Invitation, InvitationState, Invite, InviteId, UserId};

use super::{channel_kind, channel_kind_code};
use crate::Error;
use crate::schema::{bans, invitations, invites};
use crate::types::{At, Id};

coded!(InvitationState, invitation_state_code, invitation_state,
    InvitationState::Pending => 0, InvitationState::Accepted => 1,
    InvitationState::Declined => 2, InvitationState::Withdrawn => 3);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = bans, treat_none_as_default_value = false)]
pub(crate) struct BanRow {
    channel_id: Id<ChannelId>,
    user_id: Id<UserId>,
    reason: String,
    by_id: Id<UserId>,
    created_at: At,
    expires_at: Option<At>,
}

impl TryFrom<BanRow> for Ban {
    type Error = Error;

    fn try_from(row: BanRow) -> Result<Self, Error> {
        Ok(Self {
            channel: row.channel_id.0,
            user: row.user_id.0,
            reason: row.reason,
            by: row.by_id.0,
            created_at: row.created_at.0,
            expires_at: row.expires_at.map(|at| at.0),
        })
    }
}

impl From<Ban> for BanRow {
    fn from(ban: Ban) -> Self {
        Self {
            channel_id: Id(ban.channel),
            user_id: Id(ban.user),
            reason: ban.reason,
            by_id: Id(ban.by),
            created_at: At(ban.created_at),
            expires_at: ban.expires_at.map(At),
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = invites, treat_none_as_default_value = false)]
pub(crate) struct InviteRow {
    id: Id<InviteId>,
    channel_id: Id<ChannelId>,
    hash: Vec<u8>,
    by_id: Id<UserId>,
    created_at: At,
    expires_at: Option<At>,
    max_uses: Option<i32>,
    uses: i32,
}

impl TryFrom<InviteRow> for Invite {
    type Error = Error;

    fn try_from(row: InviteRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            channel_id: row.channel_id.0,
            hash: row.hash.try_into().map_err(|_| Error::Corrupt("hash"))?,
            by: row.by_id.0,
            created_at: row.created_at.0,
            expires_at: row.expires_at.map(|at| at.0),
            max_uses: row.max_uses,
            uses: row.uses,
        })
    }
}

impl From<Invite> for InviteRow {
    fn from(invite: Invite) -> Self {
        Self {
            id: Id(invite.id),
            channel_id: Id(invite.channel_id),
            hash: invite.hash.to_vec(),
            by_id: Id(invite.by),
            created_at: At(invite.created_at),
            expires_at: invite.expires_at.map(At),
            max_uses: invite.max_uses,
            uses: invite.uses,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations, treat_none_as_default_value = false)]
pub(crate) struct InvitationRow {
    channel_id: Id<ChannelId>,
    user_id: Id<UserId>,
    kind: i16,
    name: Option<String>,
    by_id: Id<UserId>,
    created_at: At,
    state: i16,
    user_rev: i64,
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = Error;

    fn try_from(row: InvitationRow) -> Result<Self, Error> {
        Ok(Self {
            channel_id: row.channel_id.0,
            kind: channel_kind(row.kind)?,
            name: row.name,
            user_id: row.user_id.0,
            by: row.by_id.0,
            created_at: row.created_at.0,
            state: invitation_state(row.state)?,
            user_rev: row.user_rev,
        })
    }
}

impl From<Invitation> for InvitationRow {
    fn from(invitation: Invitation) -> Self {
        Self {
            channel_id: Id(invitation.channel_id),
            user_id: Id(invitation.user_id),
            kind: channel_kind_code(invitation.kind),
            name: invitation.name,
            by_id: Id(invitation.by),
            created_at: At(invitation.created_at),
            state: invitation_state_code(invitation.state),
            user_rev: invitation.user_rev,
        }
    }
}
