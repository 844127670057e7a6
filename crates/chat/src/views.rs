//! What the use cases give, beside the domain's own types.

use serde::Serialize;
use tertulia_domain::{
    Account, Channel, ChannelId, Cursor, FeedRow, Inbox, Message, MessageView, NotificationSetting,
    NotificationView, Role, SessionId, Timestamp,
};
use tertulia_store::OwnChannel;
use utoipa::ToSchema;

/// Somebody has signed in.
#[derive(Clone, Serialize, ToSchema)]
pub struct SignedIn {
    /// Proof of identity: `Authorization: Bearer …`.
    pub access_token: String,
    /// Always `bearer`.
    #[schema(value_type = String, example = "bearer")]
    pub token_type: &'static str,
    /// How long the access token is good, in seconds.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Good once, for the next access token.
    pub refresh_token: String,
    /// The device that signed in.
    pub session_id: SessionId,
    /// Who signed in.
    pub user: Account,
}

/// A proof of identity for one WebSocket.
#[derive(Clone, Serialize, ToSchema)]
pub struct Ticket {
    /// Passed as subprotocol `ticket.…`, or as `?ticket=…`; good once.
    pub ticket: String,
    /// How long it is good, in seconds.
    #[schema(example = 30)]
    pub expires_in: i64,
}

/// A channel, with where its feed stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelView {
    /// The channel.
    #[serde(flatten)]
    pub channel: Channel,
    /// The last rev of its feed, in the same snapshot.
    #[schema(example = 42)]
    pub head: i64,
    /// The place of its last message; 0 when there is none.
    #[schema(example = 40)]
    pub last_seq: i64,
    /// Of which `head` is a rev.
    #[schema(example = "5f1c7a1e9d2b4c0f8a3e6d5b4c3a2f1e")]
    pub epoch: String,
}

impl ChannelView {
    pub(crate) fn new(channel: Channel, feed: FeedRow, epoch: &str) -> Self {
        Self { channel, head: feed.head, last_seq: feed.last_seq, epoch: epoch.to_owned() }
    }
}

/// A channel that one is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OwnChannelView {
    /// The channel.
    pub channel: ChannelView,
    /// What one may do in it.
    pub role: Role,
    /// When one came in.
    pub joined_at: Timestamp,
    /// Until when one may not write.
    pub muted_until: Option<Timestamp>,
    /// Up to where one has read.
    pub read_seq: i64,
    /// How many messages above that count.
    pub unread: i64,
    /// How many of them mention one, by name or with everybody; without one's own.
    pub mentions: i64,
    /// What one wants to be told of here.
    pub notifications: NotificationSetting,
    /// The last message, which may be a tombstone.
    pub last_message: Option<Message>,
}

impl OwnChannelView {
    pub(crate) fn new(own: OwnChannel, epoch: &str) -> Self {
        Self {
            channel: ChannelView::new(own.channel, own.feed, epoch),
            role: own.member.role,
            joined_at: own.member.joined_at,
            muted_until: own.member.muted_until,
            read_seq: own.member.read_seq,
            unread: own.unread,
            mentions: own.mentions,
            notifications: own.member.notifications,
            last_message: own.last_message,
        }
    }
}

/// How far one has read in a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReadView {
    /// Which channel.
    pub channel_id: ChannelId,
    /// The last message that one has read; 0 when there is none.
    #[schema(example = 40)]
    pub read_seq: i64,
}

/// A page of history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HistoryPage {
    /// At most `limit` messages.
    pub items: Vec<MessageView>,
    /// Pass it back as `cursor` for older ones; null at the beginning.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
    /// Of which `head` is a rev.
    pub epoch: String,
    /// The channel's head in the same snapshot: a client whose cursor is already past it syncs
    /// from there.
    pub head: i64,
    /// The head of one's own feed in the same snapshot: what is one's own in the items is as of this
    /// rev.
    pub own_head: i64,
}

/// A page of a thread, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RepliesPage {
    /// At most `limit` replies.
    pub items: Vec<MessageView>,
    /// Pass it back as `cursor` for newer ones; null at the end.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
    /// Whether one follows the thread: as one has said, or else because one began it or replied.
    pub following: bool,
    /// Of which `head` is a rev.
    pub epoch: String,
    /// The channel's head in the same snapshot.
    pub head: i64,
    /// The head of one's own feed in the same snapshot.
    pub own_head: i64,
}

/// Where one of one's channels stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelHead {
    /// The channel's feed, named by its id.
    pub feed: ChannelId,
    /// Its last rev.
    pub head: i64,
    /// The place of its last message.
    pub last_seq: i64,
    /// Up to where one has read.
    pub read_seq: i64,
    /// How many messages above that count.
    pub unread: i64,
    /// How many of them mention one, by name or with everybody; without one's own.
    pub mentions: i64,
}

/// What a client needs to begin, all of one snapshot.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Who it is.
    pub account: Account,
    /// Of which all heads are revs.
    pub epoch: String,
    /// When this was read.
    pub server_time: Timestamp,
    /// From when on channels are listed; `None` when all are.
    pub since: Option<Timestamp>,
    /// The head of the person's own feed.
    pub head: i64,
    /// The channels that they are in, the newest first.
    pub channels: Vec<ChannelHead>,
    /// The heads of all channels that they are in, listed or not.
    pub heads: Vec<(ChannelId, i64)>,
    /// Where the list goes on, in the list of one's own channels.
    pub next: Option<Cursor>,
    /// With a `since`: channels that were deleted from then on.
    pub gone: Vec<ChannelId>,
    /// Up to where they have seen all that they were told of.
    pub inbox: Inbox,
    /// How many of their notifications are unread.
    pub notifications: i64,
}

/// A page of what one was told of, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct InboxPage {
    /// At most `limit` notifications.
    pub items: Vec<NotificationView>,
    /// Pass it back as `cursor` for older ones; null at the end.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
    /// How many are unread, on this page or not.
    #[schema(example = 3)]
    pub unread: i64,
    /// Whatever was made at this rev of one's own feed or before is read.
    #[schema(example = 12)]
    pub read_up_to: i64,
    /// Of which `head` is a rev.
    pub epoch: String,
    /// The head of one's own feed in the same snapshot.
    pub head: i64,
}
