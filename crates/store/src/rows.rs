//! Rows, and what they are in the domain's words. They never leave this crate.

use diesel::prelude::{Insertable, Queryable, Selectable};
use tertulia_domain::{
    Account, AccountRole, Channel, ChannelId, ChannelKind, ChannelName, DirectKey, FeedId,
    FeedRow as Feed, FileId, KnownRequest, Member, MemberState, Message, MessageId, MessageKind,
    MessageRow as MessageAndDigest, NotificationLevel, NotificationSetting, Posting, Profile,
    Receipt, RequestKey, Role, SessionId, SystemEvent, UserId,
};
use uuid::Uuid;

use crate::Error;
use crate::schema::{
    channels, feeds, horizons, idempotency_keys, members, messages, sessions, users,
};
use crate::types::{At, Id};

/// The small integers of a column and what they stand for.
macro_rules! coded {
    ($ty:ty, $encode:ident, $decode:ident, $($value:path => $code:literal),+) => {
        pub(crate) const fn $encode(value: $ty) -> i16 {
            match value { $($value => $code,)+ }
        }

        fn $decode(code: i16) -> Result<$ty, Error> {
            match code {
                $($code => Ok($value),)+
                _ => Err(Error::Corrupt(stringify!($decode))),
            }
        }
    };
}

mod accounts;
mod drafts;
mod files;
mod notifications;
mod reactions;
mod search;
mod statuses;
mod ways;

pub(crate) use accounts::{AccountStateRow, AuditRow, ErasureRow, account_kind_code};
pub(crate) use drafts::{DraftRow, answered};
pub(crate) use files::{COMPLETE, FileRow, UPLOADING};
pub(crate) use notifications::{
    DueRow, InboxRow, MentionRow, NotificationRow, audience_code, kind_of, mentioned, mentions_of,
    notification_kind_code,
};
pub(crate) use reactions::{ReactionCountRow, ReactionRow};
pub(crate) use search::FindableRow;
pub(crate) use statuses::StatusRow;
pub(crate) use ways::{BanRow, InvitationRow, InviteRow, invitation_state_code};

coded!(AccountRole, account_role_code, account_role,
    AccountRole::Member => 0, AccountRole::Admin => 1);
coded!(ChannelKind, channel_kind_code, channel_kind,
    ChannelKind::Public => 0, ChannelKind::Private => 1,
    ChannelKind::Direct => 2, ChannelKind::Group => 3);
coded!(Role, role_code, role, Role::Member => 0, Role::Owner => 1, Role::Moderator => 2);
coded!(Posting, posting_code, posting, Posting::Everyone => 0, Posting::Moderators => 1);
coded!(MemberState, member_state_code, member_state,
    MemberState::Joined => 0, MemberState::Left => 1, MemberState::Removed => 2,
    MemberState::Banned => 3, MemberState::Unbanned => 4);

coded!(NotificationLevel, notification_level_code, notification_level,
    NotificationLevel::All => 0, NotificationLevel::Mentions => 1,
    NotificationLevel::Nothing => 2);

/// What a message is, and what the channel tells of with it.
pub(crate) const fn message_kind_code(kind: MessageKind, event: Option<SystemEvent>) -> i16 {
    match (kind, event) {
        (MessageKind::Text, _) => 0,
        (MessageKind::File, _) => 1,
        (MessageKind::System, Some(SystemEvent::Renamed) | None) => 2,
        (MessageKind::System, Some(SystemEvent::Topic)) => 3,
        (MessageKind::System, Some(SystemEvent::Pinned)) => 4,
    }
}

fn message_kind(code: i16) -> Result<(MessageKind, Option<SystemEvent>), Error> {
    Ok(match code {
        0 => (MessageKind::Text, None),
        1 => (MessageKind::File, None),
        2 => (MessageKind::System, Some(SystemEvent::Renamed)),
        3 => (MessageKind::System, Some(SystemEvent::Topic)),
        4 => (MessageKind::System, Some(SystemEvent::Pinned)),
        _ => return Err(Error::Corrupt("message_kind")),
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct ProfileRow {
    id: Id<UserId>,
    pub(crate) username: String,
    pub(crate) username_key: String,
    display_name: String,
    bio: String,
    created_at: At,
    kind: i16,
    avatar_id: Option<Id<FileId>>,
}

impl TryFrom<ProfileRow> for Profile {
    type Error = Error;

    fn try_from(row: ProfileRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            kind: accounts::account_kind(row.kind)?,
            username: row.username,
            display_name: row.display_name,
            bio: row.bio,
            avatar: row.avatar_id.map(|id| id.0),
            created_at: row.created_at.0,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct AccountRow {
    #[diesel(embed)]
    profile: ProfileRow,
    email: Option<String>,
    role: i16,
}

impl TryFrom<AccountRow> for Account {
    type Error = Error;

    fn try_from(row: AccountRow) -> Result<Self, Error> {
        let role = account_role(row.role)?;
        Ok(Self { profile: row.profile.try_into()?, email: row.email, role })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = feeds, treat_none_as_default_value = false)]
pub(crate) struct FeedRow {
    pub(crate) id: Id<FeedId>,
    pub(crate) head: i64,
    pub(crate) last_seq: i64,
    pub(crate) last_uncounted_seq: i64,
    pub(crate) moved_at: At,
}

impl From<FeedRow> for Feed {
    fn from(row: FeedRow) -> Self {
        Self {
            id: row.id.0,
            head: row.head,
            last_seq: row.last_seq,
            last_uncounted_seq: row.last_uncounted_seq,
            moved_at: row.moved_at.0,
        }
    }
}

impl From<Feed> for FeedRow {
    fn from(feed: Feed) -> Self {
        Self {
            id: Id(feed.id),
            head: feed.head,
            last_seq: feed.last_seq,
            last_uncounted_seq: feed.last_uncounted_seq,
            moved_at: At(feed.moved_at),
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = channels, treat_none_as_default_value = false)]
pub(crate) struct ChannelRow {
    id: Id<ChannelId>,
    kind: i16,
    name: Option<String>,
    name_key: Option<String>,
    description: String,
    topic: String,
    posting: i16,
    slow_mode_seconds: i32,
    archived_at: Option<At>,
    owner_id: Option<Id<UserId>>,
    direct_a: Option<Id<UserId>>,
    direct_b: Option<Id<UserId>>,
    created_at: At,
    updated_at: At,
    pub(crate) deleted_at: Option<At>,
    rev: i64,
}

impl TryFrom<ChannelRow> for Channel {
    type Error = Error;

    fn try_from(row: ChannelRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.0,
            kind: channel_kind(row.kind)?,
            name: row.name,
            description: row.description,
            topic: row.topic,
            posting: posting(row.posting)?,
            slow_mode_seconds: row.slow_mode_seconds,
            archived_at: row.archived_at.map(|at| at.0),
            owner_id: row.owner_id.map(|id| id.0),
            participant_ids: row.direct_a.zip(row.direct_b).map(|(a, b)| [a.0, b.0]),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            deleted_at: row.deleted_at.map(|at| at.0),
            rev: row.rev,
        })
    }
}

impl From<Channel> for ChannelRow {
    fn from(channel: Channel) -> Self {
        let people = channel.direct_key().map(DirectKey::people);
        let name_key = channel.name.as_deref().map(ChannelName::key_of);
        Self {
            id: Id(channel.id),
            kind: channel_kind_code(channel.kind),
            name_key,
            name: channel.name,
            description: channel.description,
            topic: channel.topic,
            posting: posting_code(channel.posting),
            slow_mode_seconds: channel.slow_mode_seconds,
            archived_at: channel.archived_at.map(At),
            owner_id: channel.owner_id.map(Id),
            direct_a: people.map(|[a, _]| Id(a)),
            direct_b: people.map(|[_, b]| Id(b)),
            created_at: At(channel.created_at),
            updated_at: At(channel.updated_at),
            deleted_at: channel.deleted_at.map(At),
            rev: channel.rev,
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
pub(crate) struct KnownRequestRow {
    key: Id<Uuid>,
    digest: Vec<u8>,
    channel_id: Id<ChannelId>,
}

impl TryFrom<KnownRequestRow> for KnownRequest {
    type Error = Error;

    fn try_from(row: KnownRequestRow) -> Result<Self, Error> {
        let digest = row.digest.try_into().map_err(|_| Error::Corrupt("digest"))?;
        let request = RequestKey { key: row.key.0, digest };
        Ok(Self { request, channel: row.channel_id.0 })
    }
}

impl From<KnownRequest> for KnownRequestRow {
    fn from(known: KnownRequest) -> Self {
        Self {
            key: Id(known.request.key),
            digest: known.request.digest.to_vec(),
            channel_id: Id(known.channel),
        }
    }
}

#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = members, treat_none_as_default_value = false)]
pub(crate) struct MemberRow {
    pub(crate) channel_id: Id<ChannelId>,
    pub(crate) user_id: Id<UserId>,
    pub(crate) role: i16,
    pub(crate) state: i16,
    pub(crate) joined_at: At,
    pub(crate) rev: i64,
    pub(crate) user_rev: i64,
    pub(crate) read_seq: i64,
    pub(crate) joined_rev: i64,
    pub(crate) muted_until: Option<At>,
    pub(crate) banned_until: Option<At>,
    pub(crate) said_at: Option<At>,
    pub(crate) seen_seq: i64,
    pub(crate) delivered_seq: i64,
    pub(crate) level: i16,
    pub(crate) quiet_until: Option<At>,
    entered: i64,
}

impl TryFrom<MemberRow> for Member {
    type Error = Error;

    fn try_from(row: MemberRow) -> Result<Self, Error> {
        Ok(Self {
            channel_id: row.channel_id.0,
            user_id: row.user_id.0,
            role: role(row.role)?,
            state: member_state(row.state)?,
            joined_at: row.joined_at.0,
            rev: row.rev,
            read_seq: row.read_seq,
            receipt: Receipt { read_seq: row.seen_seq, delivered_seq: row.delivered_seq },
            user_rev: row.user_rev,
            joined_rev: row.joined_rev,
            muted_until: row.muted_until.map(|at| at.0),
            banned_until: row.banned_until.map(|at| at.0),
            said_at: row.said_at.map(|at| at.0),
            entered: row.entered,
            notifications: NotificationSetting {
                level: notification_level(row.level)?,
                muted_until: row.quiet_until.map(|at| at.0),
            },
        })
    }
}

impl From<Member> for MemberRow {
    fn from(member: Member) -> Self {
        Self {
            channel_id: Id(member.channel_id),
            user_id: Id(member.user_id),
            role: role_code(member.role),
            state: member_state_code(member.state),
            joined_at: At(member.joined_at),
            rev: member.rev,
            user_rev: member.user_rev,
            read_seq: member.read_seq,
            joined_rev: member.joined_rev,
            muted_until: member.muted_until.map(At),
            banned_until: member.banned_until.map(At),
            said_at: member.said_at.map(At),
            seen_seq: member.receipt.read_seq,
            delivered_seq: member.receipt.delivered_seq,
            level: notification_level_code(member.notifications.level),
            quiet_until: member.notifications.muted_until.map(At),
            entered: member.entered,
        }
    }
}

/// The last rev of which a feed has lost the row.
#[derive(Insertable)]
#[diesel(table_name = horizons, treat_none_as_default_value = false)]
pub(crate) struct HorizonRow {
    pub(crate) feed_id: Id<FeedId>,
    pub(crate) rev: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
pub(crate) struct MessageRow {
    pub(crate) id: Id<MessageId>,
    pub(crate) channel_id: Id<ChannelId>,
    pub(crate) seq: i64,
    pub(crate) rev: i64,
    pub(crate) author_id: Id<UserId>,
    pub(crate) kind: i16,
    pub(crate) content: String,
    pub(crate) reply_to: Option<Id<MessageId>>,
    pub(crate) digest: Vec<u8>,
    pub(crate) version: i32,
    pub(crate) created_at: At,
    pub(crate) edited_at: Option<At>,
    pub(crate) deleted_at: Option<At>,
    pub(crate) thread_id: Option<Id<MessageId>>,
    reply_count: i64,
    last_reply_at: Option<At>,
    pinned_at: Option<At>,
    pinned_by: Option<Id<UserId>>,
    pub(crate) mentioned: Option<Vec<u8>>,
    pub(crate) mentions_channel: i16,
}

impl TryFrom<MessageRow> for MessageAndDigest {
    type Error = Error;

    fn try_from(row: MessageRow) -> Result<Self, Error> {
        let digest = row.digest.try_into().map_err(|_| Error::Corrupt("digest"))?;
        let (kind, event) = message_kind(row.kind)?;
        let message = Message {
            id: row.id.0,
            channel_id: row.channel_id.0,
            seq: row.seq,
            rev: row.rev,
            author_id: row.author_id.0,
            kind,
            event,
            content: row.content,
            reply_to: row.reply_to.map(|id| id.0),
            thread_id: row.thread_id.map(|id| id.0),
            reply_count: row.reply_count,
            last_reply_at: row.last_reply_at.map(|at| at.0),
            pinned_at: row.pinned_at.map(|at| at.0),
            pinned_by: row.pinned_by.map(|id| id.0),
            mentions: mentions_of(row.mentioned.as_deref(), row.mentions_channel),
            // Read afterwards, of those few that have any.
            attachments: Vec::new(),
            created_at: row.created_at.0,
            edited_at: row.edited_at.map(|at| at.0),
            deleted_at: row.deleted_at.map(|at| at.0),
            version: row.version,
        };
        Ok(Self { message, digest })
    }
}

impl TryFrom<MessageRow> for Message {
    type Error = Error;

    fn try_from(row: MessageRow) -> Result<Self, Error> {
        MessageAndDigest::try_from(row).map(|row| row.message)
    }
}

impl From<MessageAndDigest> for MessageRow {
    fn from(row: MessageAndDigest) -> Self {
        let message = row.message;
        Self {
            id: Id(message.id),
            channel_id: Id(message.channel_id),
            seq: message.seq,
            rev: message.rev,
            author_id: Id(message.author_id),
            kind: message_kind_code(message.kind, message.event),
            content: message.content,
            reply_to: message.reply_to.map(Id),
            digest: row.digest.to_vec(),
            version: message.version,
            created_at: At(message.created_at),
            edited_at: message.edited_at.map(At),
            deleted_at: message.deleted_at.map(At),
            thread_id: message.thread_id.map(Id),
            reply_count: message.reply_count,
            last_reply_at: message.last_reply_at.map(At),
            pinned_at: message.pinned_at.map(At),
            pinned_by: message.pinned_by.map(Id),
            mentioned: mentioned(&message.mentions),
            mentions_channel: i16::from(message.mentions.channel),
        }
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, treat_none_as_default_value = false)]
pub(crate) struct SessionRow {
    pub(crate) id: Id<SessionId>,
    pub(crate) user_id: Id<UserId>,
    pub(crate) user_agent: String,
    pub(crate) address: String,
    pub(crate) created_at: At,
    pub(crate) last_used_at: At,
    pub(crate) expires_at: At,
    pub(crate) ended_at: Option<At>,
    pub(crate) rev: Option<i64>,
}

/// Converts all rows, or says which kind of thing was bad.
pub(crate) fn all<R, T>(rows: Vec<R>) -> Result<Vec<T>, Error>
where
    T: TryFrom<R, Error = Error>,
{
    rows.into_iter().map(T::try_from).collect()
}
