//! What the operations take and give, beside the domain's own types.

use serde::Serialize;
use tertulia_domain::{
    Account, AccountKind, AccountRole, Bio, Channel, ChannelId, DisplayName, Email, FeedRow, Frame,
    Inbox, Member, Message, MessageView, NotificationView, Outcome, Page, Rejection, SessionId,
    Timestamp, UserId, Username,
};
use utoipa::ToSchema;

use crate::rows::SessionRow;

mod channels;
mod files;
mod search;

pub use channels::{BannedUser, Door};
pub use files::{Admission, Deletion, FileContent, FileLimits, NewFile};
pub use search::{Findable, Found, Older, Search, Share};

/// A client that is further behind is told to begin anew: reading its newest page costs less.
pub const MAX_BEHIND: i64 = 1000;

/// The SHA-256 of a token.
pub type TokenHash = [u8; 32];

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Chosen by the server.
    pub id: UserId,
    /// Unique without case.
    pub username: Username,
    /// Unique without case.
    pub email: Option<Email>,
    /// How the person is shown.
    pub display_name: DisplayName,
    /// In PHC format; absent when no password signs in.
    pub password_hash: Option<String>,
    /// Whose it is: a person's or a guest's.
    pub kind: AccountKind,
    /// What the account may do on the whole server.
    pub role: AccountRole,
    /// When it is made.
    pub created_at: Timestamp,
}

/// What signs a person in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who.
    pub user: UserId,
    /// In PHC format; absent when no password signs in.
    pub password_hash: Option<String>,
    /// Whether an admin has disabled the account.
    pub disabled: bool,
}

/// What a person changes of how they are seen.
#[derive(Clone, Debug, Default)]
pub struct ProfileEdit {
    /// The new display name.
    pub display_name: Option<DisplayName>,
    /// The new text about themselves.
    pub bio: Option<Bio>,
}

/// A device that has just signed in.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Chosen by the server.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What the client calls itself, at most 200 characters.
    pub user_agent: String,
    /// Where it came from.
    pub address: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends, unless it refreshes before.
    pub expires_at: Timestamp,
    /// The password's hash that was proven, in PHC format: who signs in as it changes has not
    /// signed in. Absent where no password was.
    pub proof: Option<String>,
}

/// When a session ends that is not refreshed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnd {
    /// A person's.
    pub person: Timestamp,
    /// A guest's.
    pub guest: Timestamp,
}

/// A signed-in device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// What the client calls itself.
    #[schema(example = "curl/8.5.0")]
    pub user_agent: String,
    /// Where it signed in from.
    #[schema(example = "127.0.0.1")]
    pub address: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends, unless it refreshes before.
    pub expires_at: Timestamp,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: row.id.0,
            user_agent: row.user_agent,
            address: row.address,
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.0,
            expires_at: row.expires_at.0,
        }
    }
}

/// What became of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Its successor is the family's token now.
    Rotated {
        /// Whose.
        user: UserId,
        /// Which family.
        session: SessionId,
    },
    /// It came back long after its use: somebody has stolen one of the two.
    Reused {
        /// Whose.
        user: UserId,
        /// Which family.
        session: SessionId,
    },
    /// No live session has it.
    Unknown,
}

/// A channel, and one person's place in it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The channel.
    pub channel: Channel,
    /// Its feed.
    pub feed: FeedRow,
    /// The person's row, if they ever were in it.
    pub member: Option<Member>,
    /// The head of the person's own feed.
    pub own_head: i64,
}

/// A channel that one is in.
#[derive(Clone, Debug)]
pub struct OwnChannel {
    /// The channel.
    pub channel: Channel,
    /// Its feed.
    pub feed: FeedRow,
    /// One's place.
    pub member: Member,
    /// Messages above one's marker that count.
    pub unread: i64,
    /// Those of them that mention one.
    pub mentions: i64,
    /// The last message, where asked for.
    pub last_message: Option<Message>,
}

/// Which part of a channel's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryPart {
    /// The end.
    Newest,
    /// What lies before this place.
    Before(i64),
    /// What lies right after this place.
    After(i64),
    /// What lies on both sides of this place.
    Around(i64),
}

/// Part of a channel's history.
#[derive(Clone, Debug)]
pub struct History {
    /// Newest first.
    pub items: Vec<MessageView>,
    /// The place before which older messages lie, if there are any.
    pub next: Option<i64>,
}

/// Part of a thread.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Replies, oldest first.
    pub items: Vec<MessageView>,
    /// The place after which more replies lie, if there are any.
    pub next: Option<i64>,
    /// Whether the one who asks follows it.
    pub following: bool,
}

/// What a client needs to begin.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Who it is.
    pub account: Account,
    /// The head of the person's own feed.
    pub head: i64,
    /// The channels that they are in, the newest first, without last messages.
    pub channels: Page<OwnChannel>,
    /// The heads of all channels that they are in, listed or not.
    pub heads: Vec<(ChannelId, i64)>,
    /// With a `since`: channels that were deleted from then on while the person was in them.
    pub gone: Vec<ChannelId>,
    /// Up to where the person has seen what they were told of.
    pub inbox: Inbox,
    /// How many of their notifications are unread.
    pub notifications: i64,
}

/// What a person was told of.
#[derive(Clone, Debug)]
pub struct Notices {
    /// The newest first.
    pub page: Page<NotificationView>,
    /// How many are unread, on this page or not.
    pub unread: i64,
    /// Up to where they have seen all of it.
    pub inbox: Inbox,
    /// The head of their own feed.
    pub head: i64,
}

/// What a client missed.
#[derive(Clone, Debug)]
pub struct Changes {
    /// In the order of their revs, chained by `prev`.
    pub items: Vec<Frame>,
    /// The feed's head in the same snapshot.
    pub head: i64,
    /// Whether there is more after the last item; if not, the client is at `head`.
    pub more: bool,
    /// Why there are no items and the client must begin anew.
    pub reset: Option<&'static str>,
}

impl Changes {
    /// The client must begin anew.
    pub const fn reset(reason: &'static str, head: i64) -> Self {
        Self { items: Vec::new(), head, more: false, reset: Some(reason) }
    }
}

/// What a node missed, and who of its listeners may hear it.
#[derive(Clone, Debug)]
pub struct Gap {
    /// What happened.
    pub changes: Changes,
    /// Listeners who may no longer hear this feed.
    pub barred: Vec<UserId>,
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// One for each change, in order.
    pub outcomes: Vec<Result<Outcome, Rejection>>,
    /// What listeners hear, each feed in the order of its revs.
    pub frames: Vec<Frame>,
    /// Whether people are yet to be told of something.
    pub due: bool,
}
