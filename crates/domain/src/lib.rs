//! The words and the rules of Tertulia: ids, value types that parse, entities, who may do what, and
//! what a change does to a feed. No I/O, no async, no clock but the one that is passed in.

mod audit;
mod change;
mod channel;
mod clock;
mod draft;
mod emoji;
mod fault;
mod file;
mod frame;
mod id;
mod invite;
mod ledger;
mod mention;
mod message;
mod notification;
mod page;
pub mod policy;
mod reaction;
mod receipt;
mod search;
mod status;
mod text;
mod user;

pub use audit::{AuditAction, AuditEntry, AuditResult};
pub use change::{
    AccountAct, AccountChange, Change, ChannelEdit, InviteChange, Mark, MarkTo, MemberAct,
    MemberChange, MessagePrecondition, NewChannel, NewInvite, NewMessage, NotificationsChange,
    Outcome, Rejection, RequestKey, SessionScope,
};
pub use channel::{
    Ban, Channel, ChannelKind, DirectKey, Member, MemberState, Membership, Posting, Role,
};
pub use clock::{Clock, Timestamp};
pub use draft::{Draft, DraftKey, NewDraft};
pub use emoji::Emoji;
pub use fault::{Fault, Faults, FieldFault};
pub use file::{File, StoredFile};
pub use frame::{Body, Feed, Frame};
pub use id::{
    AuditId, ChannelId, FeedId, FileId, InviteId, MessageId, NotificationId, SessionId, UserId,
};
pub use invite::{Invitation, InvitationState, Invite};
pub use ledger::{
    AccountWrite, Attached, DraftNeeds, EndedSession, FeedRow, FoundDrafts, FoundNotifications,
    FoundReactions, Gone, KnownRequest, Ledger, MAX_EMOJI, MAX_PINS, Mentioned, MessageRow, Needs,
    NotificationNeeds, NotificationsPlan, OwnReaction, Plan, ReactionCount, ReactionsPlan,
    Rewritten, Snapshot, Target, Ways,
};
pub use mention::{Calls, MAX_MENTIONS, Mentions, Names};
pub use message::{Message, MessageEdition, MessageKind, MessageView, Pin, Quote, SystemEvent};
pub use notification::{
    Audience, Due, Inbox, Notification, NotificationKind, NotificationLevel, NotificationSetting,
    NotificationView,
};
pub use page::{Cursor, Page, PageRequest};
pub use reaction::{ReactedBy, Reaction, ReactionView, Tallies, Tally};
pub use receipt::{Marked, ReadBy, Receipt};
pub use search::{SearchHit, SearchQuery, SearchTerm, Span, Word, has_link, words};
pub use status::{Availability, KnownStatus, OwnStatus, Presence, Shown, Status, StatusChange};
pub use text::{
    BanReason, Bio, ChannelName, Description, DisplayName, DraftText, Email, FileName,
    IdempotencyKey, MessageBody, NewPassword, StatusText, Topic, Username,
};
pub use user::{Account, AccountKind, AccountRole, AccountState, Profile};
