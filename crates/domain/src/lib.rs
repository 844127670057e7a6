//! The words and the rules of Tertulia: ids, value types that parse, entities, who may do what, and
//! what a change does to a feed. No I/O, no async, no clock but the one that is passed in.

mod audit;
mod change;
mod channel;
mod clock;
mod fault;
mod file;
mod frame;
mod id;
mod ledger;
mod message;
mod page;
pub mod policy;
mod text;
mod user;

pub use audit::{AuditAction, AuditEntry, AuditResult};
pub use change::{
    AccountAct, AccountChange, Change, MessagePrecondition, NewChannel, NewMessage, Outcome,
    Rejection, RequestKey, SessionScope,
};
pub use channel::{Channel, ChannelKind, DirectKey, Member, MemberState, Membership, Role};
pub use clock::{Clock, Timestamp};
pub use fault::{Fault, Faults, FieldFault};
pub use file::{File, StoredFile};
pub use frame::{Body, Feed, Frame};
pub use id::{AuditId, ChannelId, FeedId, FileId, MessageId, SessionId, UserId};
pub use ledger::{
    AccountWrite, Attached, EndedSession, FeedRow, KnownRequest, Ledger, MessageRow, Needs, Plan,
    Snapshot,
};
pub use message::{Message, MessageKind};
pub use page::{Cursor, Page, PageRequest};
pub use text::{
    Bio, ChannelName, Description, DisplayName, Email, FileName, IdempotencyKey, MessageBody,
    NewPassword, Username,
};
pub use user::{Account, AccountKind, AccountRole, AccountState, Profile};
