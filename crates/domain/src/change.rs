//! What people ask the feeds to become. Every change goes through one door, `chat::ChangeLog`.

use std::net::IpAddr;
use std::time::Duration;

use uuid::Uuid;

use crate::policy::Denied;
use crate::{
    AuditEntry, Ban, Channel, ChannelId, ChannelKind, ChannelName, Description, Draft, DraftKey,
    Emoji, Fault, Faults, FeedRow, FileId, Inbox, Invitation, Invite, MAX_MENTIONS, Marked, Member,
    Message, MessageBody, MessageId, NewDraft, Notification, OwnStatus, Pin, Reaction, SessionId,
    StatusChange, UserId,
};

mod account;
mod channel;
mod notifications;
mod reading;

pub use account::{AccountAct, AccountChange};
pub use channel::{ChannelEdit, InviteChange, MemberAct, MemberChange, NewInvite};
pub use notifications::NotificationsChange;
pub use reading::{Mark, MarkTo};

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// Chosen by the client, or by the server before its first try.
    pub id: MessageId,
    /// Where to.
    pub channel: ChannelId,
    /// By whom.
    pub author: UserId,
    /// What it says; may be missing beside files.
    pub body: Option<MessageBody>,
    /// What it answers.
    pub reply_to: Option<MessageId>,
    /// The author's own files, not yet attached to anything; at most 10, none twice.
    pub attachments: Vec<FileId>,
    /// A keyed digest of the request: the same id with another request is a conflict, however the
    /// message has changed since.
    pub digest: [u8; 16],
    /// Whether it is what stands in the author's draft of it, which then goes. Only who has written a
    /// draft knows of it: so a message without one costs nothing more.
    pub drafted: bool,
}

impl NewMessage {
    /// The draft of it.
    pub fn draft(&self) -> DraftKey {
        DraftKey { user: self.author, channel: self.channel, reply_to: self.reply_to }
    }
}

/// A channel to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChannel {
    /// Chosen by the server.
    pub id: ChannelId,
    /// Who may find and read it.
    pub kind: ChannelKind,
    /// Its name, if it has one.
    pub name: Option<ChannelName>,
    /// What it is for.
    pub description: Description,
    /// Who makes it.
    pub creator: UserId,
    /// The others, in it from the start: one of a direct conversation, at most 49 of a group.
    pub others: Vec<UserId>,
    /// How the request is known when it comes again, if its client said so.
    pub request: Option<RequestKey>,
}

/// A request that may come again, and makes nothing more when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// A keyed digest of who asks and of the key that they chose.
    pub key: Uuid,
    /// A keyed digest of all that is asked: the same key with another request is refused.
    pub digest: [u8; 16],
}

/// What an edit or a delete expects to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePrecondition {
    /// Whatever is there.
    Any,
    /// The content at this version.
    Version(i32),
    /// An `If-Match` that no version satisfies.
    Never,
}

impl MessagePrecondition {
    /// Whether the message is as expected.
    pub fn holds(self, message: &Message) -> bool {
        match self {
            Self::Any => true,
            Self::Version(version) => version == message.version,
            Self::Never => false,
        }
    }
}

/// Which of a person's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionScope {
    /// This one.
    One(SessionId),
    /// All of them.
    All,
    /// All but this one.
    AllBut(SessionId),
}

/// What somebody wants to be different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Say something.
    Send(NewMessage),
    /// Change what a message says.
    Edit {
        /// Which.
        message: MessageId,
        /// Who asks.
        by: UserId,
        /// What it shall say.
        body: MessageBody,
        /// What it must be for this to happen.
        expect: MessagePrecondition,
    },
    /// Erase what a message says, and leave a tombstone.
    Delete {
        /// Which.
        message: MessageId,
        /// Who asks.
        by: UserId,
        /// What it must be for this to happen.
        expect: MessagePrecondition,
        /// From where, for the audit log, when it is somebody else's.
        from: Option<IpAddr>,
    },
    /// Pin a message, or let go of it.
    Pin(Pin),
    /// React to a message, or take that back.
    React(Reaction),
    /// Move one's place among the messages of a channel.
    Mark(Mark),
    /// Tell people of something, or note what they have seen, or want to know.
    Notifications(Box<NotificationsChange>),
    /// Be seen otherwise.
    SetStatus(Box<StatusChange>),
    /// Write down what one has begun to say, or empty it.
    SetDraft(Box<NewDraft>),
    /// Make a channel; of a direct conversation there is only one.
    CreateChannel(NewChannel),
    /// Change a channel.
    UpdateChannel {
        /// Which.
        channel: ChannelId,
        /// Who asks.
        by: UserId,
        /// What of it.
        edit: Box<ChannelEdit>,
    },
    /// Delete a channel: neither it nor what was said in it can be seen any more.
    DeleteChannel {
        /// Which.
        channel: ChannelId,
        /// Who asks.
        by: UserId,
    },
    /// Come into a public channel.
    Join {
        /// Which.
        channel: ChannelId,
        /// Who.
        user: UserId,
    },
    /// Leave a channel.
    Leave {
        /// Which.
        channel: ChannelId,
        /// Who.
        user: UserId,
        /// Who owns it from then on, if they own it: of a group only.
        heir: Option<UserId>,
    },
    /// Change somebody's place in a channel.
    Member(Box<MemberChange>),
    /// Open, close or use a way into a channel.
    Invite(Box<InviteChange>),
    /// Bring somebody into a channel.
    AddMember {
        /// Which.
        channel: ChannelId,
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
    },
    /// Send somebody out of a channel.
    RemoveMember {
        /// Which.
        channel: ChannelId,
        /// Who asks.
        by: UserId,
        /// Whom.
        user: UserId,
        /// From where, for the audit log.
        from: Option<IpAddr>,
    },
    /// End sessions: their tokens stop working and their sockets close.
    EndSessions {
        /// Whose.
        user: UserId,
        /// Which.
        scope: SessionScope,
    },
    /// Change an account.
    Account(Box<AccountChange>),
    /// Take somebody who has deleted their account out of a channel. What they own goes to the heir;
    /// without one, the channel is deleted.
    Withdraw {
        /// Which.
        channel: ChannelId,
        /// Who.
        user: UserId,
        /// Who owns the channel from then on, if they own it.
        heir: Option<UserId>,
    },
    /// Erase what somebody said who has deleted their account.
    EraseMessage {
        /// Which.
        message: MessageId,
        /// Whose it must be.
        author: UserId,
    },
    /// Take back all reactions to a message of somebody who has deleted their account.
    EraseReactions {
        /// To which message.
        message: MessageId,
        /// Whose.
        by: UserId,
    },
    /// Delete a channel as an admin of the server, who need not be in it.
    TakeDownChannel {
        /// Which.
        channel: ChannelId,
        /// The admin.
        by: UserId,
        /// What is kept of it.
        audit: Box<AuditEntry>,
    },
}

impl Change {
    /// The existing message that is changed: which channel it lies in must be looked up before
    /// that channel's feed can be locked.
    pub fn target(&self) -> Option<MessageId> {
        match self {
            Self::Edit { message, .. }
            | Self::Delete { message, .. }
            | Self::EraseMessage { message, .. }
            | Self::EraseReactions { message, .. } => Some(*message),
            Self::React(reaction) => Some(reaction.message),
            Self::Pin(pin) => Some(pin.message),
            Self::Notifications(change) => change.target(),
            _ => None,
        }
    }

    /// The existing message that it changes or answers.
    pub fn refers_to(&self) -> Option<MessageId> {
        match self {
            Self::Send(new) => new.reply_to,
            Self::SetDraft(new) => new.key.reply_to,
            other => other.target(),
        }
    }

    /// Roughly how many bytes it takes to keep and write: what the bounds of a batch count.
    pub fn weight(&self) -> usize {
        let text = match self {
            Self::Send(new) => {
                new.body.as_ref().map_or(0, |body| body.as_str().len() + calls(body) * PERSON)
                    + new.attachments.len() * 512
            }
            Self::Edit { body, .. } => body.as_str().len() + calls(body) * PERSON,
            Self::Notifications(change) => change.people() * PERSON,
            Self::SetDraft(new) => new.content.as_str().len() + 512,
            Self::CreateChannel(new) => new.others.len() * 64 + 1024,
            Self::UpdateChannel { .. } | Self::Member(_) | Self::Invite(_) => 1024,
            _ => 0,
        };
        text + 256
    }
}

/// What it takes to tell somebody: two rows, two frames, two locks.
const PERSON: usize = 160;

/// At most how many people it calls.
fn calls(body: &MessageBody) -> usize {
    body.as_str().bytes().filter(|byte| *byte == b'@').take(MAX_MENTIONS).count()
}

/// What a change that was accepted led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The message as it now stands.
    Message {
        /// The message.
        message: Message,
        /// False when the same request had made it before.
        created: bool,
    },
    /// The channel as it now stands.
    Channel {
        /// The channel.
        channel: Channel,
        /// Its feed.
        feed: FeedRow,
        /// False when it was there before.
        created: bool,
    },
    /// The ban as it now stands.
    Ban {
        /// The ban.
        ban: Ban,
        /// False when the person was banned before.
        created: bool,
    },
    /// A link that was made.
    Invite(Invite),
    /// The invitation as it now stands.
    Invitation {
        /// The invitation.
        invitation: Invitation,
        /// False when there was one before.
        created: bool,
    },
    /// The member as they now stand.
    Member {
        /// The member.
        member: Member,
        /// False when nothing had to change.
        changed: bool,
    },
    /// The reaction as it now stands.
    Reaction {
        /// With what.
        emoji: Emoji,
        /// How many people have reacted with it.
        count: i64,
        /// Whether who asked is among them.
        mine: bool,
    },
    /// Somebody's place among the messages of a channel, as it now is.
    Marked(Marked),
    /// A notification as it now stands.
    Notification(Notification),
    /// Up to where somebody has seen what they were told of.
    Inbox(Inbox),
    /// How somebody now wants to be seen.
    Status(OwnStatus),
    /// The draft as it now stands.
    Draft(Draft),
    /// How many sessions ended.
    SessionsEnded(usize),
    /// It is so.
    Done,
}

/// Why a change was not made. It took no number and wrote nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such thing, as far as this person may know.
    #[error("not found")]
    NotFound,
    /// It can be seen, but not done.
    #[error("{0}")]
    Forbidden(&'static str),
    /// They are muted for so long.
    #[error("you are muted")]
    Muted(Duration),
    /// They have spoken lately, and wait for so long.
    #[error("slow mode is on: wait a little")]
    SlowMode(Duration),
    /// It contradicts what is there: a stable code and a sentence.
    #[error("{1}")]
    Conflict(&'static str, &'static str),
    /// Fields that refer to what is not there.
    #[error("invalid")]
    Invalid(Faults),
    /// The thing is not as the precondition said.
    #[error("the message has changed since")]
    Stale,
    /// The password that was proven is another one by now.
    #[error("this is not your password")]
    WrongPassword,
}

impl Rejection {
    /// One bad field.
    pub fn field(field: &'static str, code: &'static str, message: &'static str) -> Self {
        Self::Invalid(Faults::one(field, Fault::new(code, message)))
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotFound => Self::NotFound,
            Denied::Forbidden(why) => Self::Forbidden(why),
            Denied::Archived => Self::Conflict("archived", "the channel is archived"),
            Denied::Muted(wait) => Self::Muted(wait),
            Denied::SlowMode(wait) => Self::SlowMode(wait),
        }
    }
}
