//! Rows of what people are told of.

use diesel::prelude::{Insertable, Queryable, Selectable};
use tertulia_domain::{
    Audience, ChannelId, Due, Inbox, Mentioned, Mentions, MessageId, Notification, NotificationId,
    NotificationKind, UserId,
};
use uuid::Uuid;

use crate::Error;
use crate::schema::{due_notifications, inboxes, mentions, notifications};
use crate::types::{At, Id};

coded!(NotificationKind, notification_kind_code, notification_kind,
    NotificationKind::Mention => 0, NotificationKind::Reply => 1,
    NotificationKind::Direct => 2, NotificationKind::Invitation => 3);
coded!(Audience, audience_code, audience,
    Audience::Channel => 0, Audience::Thread => 1, Audience::Direct => 2);

/// Why somebody was told of something, as a column has it.
pub(crate) fn kind_of(code: i16) -> Result<NotificationKind, Error> {
    notification_kind(code)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = notifications, treat_none_as_default_value = false)]
pub(crate) struct NotificationRow {
    pub(crate) id: Id<NotificationId>,
    user_id: Id<UserId>,
    kind: i16,
    channel_id: Id<ChannelId>,
    message_id: Option<Id<MessageId>>,
    seq: Option<i64>,
    actor_id: Id<UserId>,
    created_at: At,
    made: i64,
    read_at: Option<At>,
    user_rev: i64,
}

impl TryFrom<NotificationRow> for Notification {
    type Error = Error;

    fn try_from(row: NotificationRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            kind: notification_kind(row.kind)?,
            channel_id: row.channel_id.0,
            message_id: row.message_id.map(|id| id.0),
            seq: row.seq,
            actor_id: row.actor_id.0,
            created_at: row.created_at.0,
            made: row.made,
            read_at: row.read_at.map(|at| at.0),
            user_id: row.user_id.0,
            user_rev: row.user_rev,
        })
    }
}

impl From<Notification> for NotificationRow {
    fn from(it: Notification) -> Self {
        Self {
            id: Id(it.id),
            user_id: Id(it.user_id),
            kind: notification_kind_code(it.kind),
            channel_id: Id(it.channel_id),
            message_id: it.message_id.map(Id),
            seq: it.seq,
            actor_id: Id(it.actor_id),
            created_at: At(it.created_at),
            made: it.made,
            read_at: it.read_at.map(At),
            user_rev: it.user_rev,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = inboxes, treat_none_as_default_value = false)]
pub(crate) struct InboxRow {
    user_id: Id<UserId>,
    read_up_to: i64,
    user_rev: i64,
}

impl From<InboxRow> for Inbox {
    fn from(row: InboxRow) -> Self {
        Self { user_id: row.user_id.0, read_up_to: row.read_up_to, user_rev: row.user_rev }
    }
}

impl From<Inbox> for InboxRow {
    fn from(inbox: Inbox) -> Self {
        Self { user_id: Id(inbox.user_id), read_up_to: inbox.read_up_to, user_rev: inbox.user_rev }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = due_notifications, treat_none_as_default_value = false)]
pub(crate) struct DueRow {
    message_id: Id<MessageId>,
    audience: i16,
    channel_id: Id<ChannelId>,
    rev: i64,
    after_id: Option<Id<UserId>>,
}

impl TryFrom<DueRow> for Due {
    type Error = Error;

    fn try_from(row: DueRow) -> Result<Self, Error> {
        Ok(Self {
            channel: row.channel_id.0,
            message: row.message_id.0,
            audience: audience(row.audience)?,
            rev: row.rev,
            after: row.after_id.map(|id| id.0),
        })
    }
}

impl From<Due> for DueRow {
    fn from(due: Due) -> Self {
        Self {
            message_id: Id(due.message),
            audience: audience_code(due.audience),
            channel_id: Id(due.channel),
            rev: due.rev,
            after_id: due.after.map(Id),
        }
    }
}

#[derive(Insertable)]
#[diesel(table_name = mentions, treat_none_as_default_value = false)]
pub(crate) struct MentionRow {
    user_id: Id<UserId>,
    channel_id: Id<ChannelId>,
    seq: i64,
    message_id: Id<MessageId>,
    counted: i16,
}

impl From<Mentioned> for MentionRow {
    fn from(it: Mentioned) -> Self {
        Self {
            user_id: Id(it.user),
            channel_id: Id(it.channel),
            seq: it.seq,
            message_id: Id(it.message),
            counted: i16::from(it.counted),
        }
    }
}

/// Whom a message mentions, as its row has it: who is named as their ids one after the other.
pub(crate) fn mentions_of(ids: Option<&[u8]>, channel: i16) -> Mentions {
    let ids = ids.unwrap_or_default().chunks_exact(16);
    let users = ids.filter_map(|id| Uuid::from_slice(id).ok()).map(UserId::from).collect();
    Mentions { users, channel: channel == 1 }
}

/// The same the other way round.
pub(crate) fn mentioned(mentions: &Mentions) -> Option<Vec<u8>> {
    let ids = mentions.users.iter().flat_map(|user| user.uuid().into_bytes());
    Some(ids.collect()).filter(|ids: &Vec<u8>| !ids.is_empty())
}
