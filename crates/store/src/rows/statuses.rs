//! Rows of how people want to be seen.

use diesel::prelude::{Insertable, Queryable, Selectable};
use tertulia_domain::{Availability, Emoji, KnownStatus, OwnStatus, Status, UserId};

use crate::Error;
use crate::schema::statuses;
use crate::types::{At, Id};

coded!(Availability, availability_code, availability,
    Availability::Online => 0, Availability::Away => 1,
    Availability::Dnd => 2, Availability::Invisible => 3);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = statuses, treat_none_as_default_value = false)]
pub(crate) struct StatusRow {
    user_id: Id<UserId>,
    chosen: i16,
    text: String,
    emoji: Option<String>,
    expires_at: Option<At>,
    receipts: i16,
    last_seen: i16,
    seen_at: Option<At>,
    pub(crate) user_rev: i64,
}

impl TryFrom<StatusRow> for KnownStatus {
    type Error = Error;

    fn try_from(row: StatusRow) -> Result<Self, Error> {
        let status = Status {
            status: availability(row.chosen)?,
            text: row.text,
            emoji: row.emoji.map(Emoji::stored),
            expires_at: row.expires_at.map(|at| at.0),
        };
        let own = OwnStatus { status, receipts: row.receipts == 1, last_seen: row.last_seen == 1 };
        let seen_at = row.seen_at.map(|at| at.0);
        Ok(Self { user: row.user_id.0, own, seen_at, user_rev: row.user_rev })
    }
}

impl From<KnownStatus> for StatusRow {
    fn from(known: KnownStatus) -> Self {
        let OwnStatus { status, receipts, last_seen } = known.own;
        Self {
            user_id: Id(known.user),
            chosen: availability_code(status.status),
            text: status.text,
            emoji: status.emoji.map(Emoji::into_string),
            expires_at: status.expires_at.map(At),
            receipts: receipts.into(),
            last_seen: last_seen.into(),
            seen_at: known.seen_at.map(At),
            user_rev: known.user_rev,
        }
    }
}
