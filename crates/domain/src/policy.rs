//! Who may do what, and who may hear what: pure functions, asked by every use case.
//!
//! What a person may not know of is [`Denied::NotFound`], as if it were not there; what they may
//! see but not do is [`Denied::Forbidden`].

use std::time::Duration;

use crate::{Channel, ChannelKind, Member, Message, Posting, Role, Timestamp, UserId};

mod table;

use table::rule;

/// Something that a person does in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See the channel, its members and its messages, now and then.
    Read,
    /// Come in by oneself.
    Join,
    /// Go.
    Leave,
    /// Say something, or say otherwise what one has said.
    Speak,
    /// Change the name, the description or the topic.
    Change,
    /// Say who may write, and how often.
    Regulate,
    /// Archive the channel, or open it again.
    Archive,
    /// Delete the channel: neither it nor what was said in it can be seen any more.
    Delete,
    /// Hand the channel on to another member.
    Transfer,
    /// Say who is a moderator.
    SetRole,
    /// Bring somebody in.
    AddMember,
    /// Send somebody away.
    RemoveMember,
    /// Send somebody away for good, let them come again, and see who may not.
    Ban,
    /// Have somebody be silent for a time.
    Mute,
    /// Ask somebody to come in.
    Invite,
    /// Make, see and revoke links by which people come in.
    InviteByLink,
    /// Delete what others have said.
    DeleteMessages,
    /// React to what was said.
    React,
    /// Pin what was said, or let go of it.
    Pin,
    /// Say how far one has read, and see how far others have.
    Mark,
    /// Keep what one has begun to write.
    Draft,
    /// Mention everybody who is there at once.
    MentionChannel,
    /// Say what one wants to be told of.
    SetNotifications,
}

impl Action {
    /// What was refused, for people.
    pub const fn refusal(self) -> &'static str {
        match self {
            Self::Read => "you may not read this channel",
            Self::Join => "this channel cannot be joined",
            Self::Leave => "you cannot leave this channel",
            Self::Speak => "only members may write here",
            Self::Change => "you may not change this channel",
            Self::Regulate => "only moderators may say who writes here",
            Self::Archive => "only the owner may archive this channel",
            Self::Delete => "only the owner may delete this channel",
            Self::Transfer => "only the owner may hand on this channel",
            Self::SetRole => "only the owner may give roles here",
            Self::AddMember => "you may not add members here",
            Self::RemoveMember => "only moderators may remove members",
            Self::Ban => "only moderators may ban people",
            Self::Mute => "only moderators may mute members",
            Self::Invite => "you may not invite people here",
            Self::InviteByLink => "only moderators may have links to this channel",
            Self::DeleteMessages => "only its author or a moderator may delete a message",
            Self::React => "only members may react here",
            Self::Pin => "only moderators may pin messages here",
            Self::Mark => "only members read here so that it is noted",
            Self::Draft => "only members may have drafts here",
            Self::MentionChannel => "only moderators may mention everybody here",
            Self::SetNotifications => "only members are told of what happens here",
        }
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// There is no such thing, as far as this person may know.
    NotFound,
    /// It can be seen, but this cannot be done to it.
    Forbidden(&'static str),
    /// The channel is archived.
    Archived,
    /// Somebody has muted this person for so long.
    Muted(Duration),
    /// This person has spoken lately, and waits for so long.
    SlowMode(Duration),
}

/// A channel from where one person stands, now.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    channel: &'a Channel,
    member: Option<&'a Member>,
    banned: bool,
    now: Timestamp,
}

impl<'a> Standing<'a> {
    /// The channel as the person with this row (if any) sees it. A ban that is over is none.
    pub fn new(channel: &'a Channel, member: Option<&'a Member>, now: Timestamp) -> Self {
        let banned = member.is_some_and(|member| member.is_banned(now));
        Self { channel, member: member.filter(|member| member.is_joined()), banned, now }
    }

    /// The person's row, when they are in the channel now.
    pub fn member(&self) -> Option<&'a Member> {
        self.member
    }

    /// What the person is there; nothing when they are not in the channel now.
    pub fn role(&self) -> Option<Role> {
        self.member.map(|member| member.role)
    }

    /// Whether the person is banned now.
    pub fn is_banned(&self) -> bool {
        self.banned
    }

    /// Whether the person may see the channel at all.
    pub fn may_read(&self) -> bool {
        self.channel.deleted_at.is_none()
            && !self.banned
            && (self.member.is_some() || self.channel.kind == ChannelKind::Public)
    }

    /// Whether the person may do this.
    pub fn require(&self, action: Action) -> Result<(), Denied> {
        if !self.may_read() {
            return Err(Denied::NotFound);
        }
        let rule = rule(action);
        if !rule.who(self.channel.kind).includes(self.role()) {
            return Err(Denied::Forbidden(action.refusal()));
        }
        if self.channel.archived_at.is_some() && !rule.archived {
            return Err(Denied::Archived);
        }
        match action {
            Action::Speak => self.require_voice(),
            Action::React => self.require_unmuted(),
            _ => Ok(()),
        }
    }

    /// The same to another member: nobody does anything to their equals, or to those above them.
    pub fn require_over(&self, action: Action, other: Role) -> Result<(), Denied> {
        self.require(action)?;
        if self.role().is_some_and(|role| role > other) {
            return Ok(());
        }
        Err(Denied::Forbidden("only to members of a lower role"))
    }

    fn require_voice(&self) -> Result<(), Denied> {
        let Some(member) = self.member else { return Ok(()) };
        if self.channel.posting == Posting::Moderators && member.role == Role::Member {
            return Err(Denied::Forbidden("only moderators may write here"));
        }
        self.require_unmuted()
    }

    fn require_unmuted(&self) -> Result<(), Denied> {
        let muted = self.member.and_then(|member| member.muted_until);
        match muted.filter(|until| *until > self.now) {
            Some(until) => Err(Denied::Muted(until.since(self.now).unsigned_abs())),
            None => Ok(()),
        }
    }

    /// Whether slow mode lets the person speak again already.
    pub fn require_pause(&self) -> Result<(), Denied> {
        if !self.is_slow() {
            return Ok(());
        }
        let pause = time::Duration::seconds(self.channel.slow_mode_seconds.into());
        let over = self.member.and_then(|member| member.said_at).map(|said| said.plus(pause));
        match over.filter(|over| *over > self.now) {
            Some(over) => Err(Denied::SlowMode(over.since(self.now).unsigned_abs())),
            None => Ok(()),
        }
    }

    /// Whether slow mode is on for this person.
    pub fn is_slow(&self) -> bool {
        self.channel.slow_mode_seconds > 0 && self.role() == Some(Role::Member)
    }

    /// Whether the person may change what this message says: its author, as long as they may speak.
    pub fn require_edit(&self, message: &Message, person: UserId) -> Result<(), Denied> {
        self.require(Action::Read)?;
        if self.member.is_some() && message.author_id == person {
            return self.require(Action::Speak);
        }
        Err(Denied::Forbidden("only its author may edit a message"))
    }

    /// Whether the person may delete this message: its author, while a member, or a moderator.
    pub fn require_delete(&self, message: &Message, person: UserId) -> Result<(), Denied> {
        self.require(Action::Read)?;
        if self.member.is_some() && message.author_id == person {
            return Ok(());
        }
        self.require(Action::DeleteMessages)
    }
}

/// Whether somebody who hears a channel's feed may go on when what came after `since` was missed:
/// members, and visitors of what they may read. Who went out meanwhile may not, since their row no
/// longer says when; of a channel that was deleted everybody hears that it is.
pub fn may_go_on_hearing(
    channel: &Channel,
    member: Option<&Member>,
    since: i64,
    now: Timestamp,
) -> bool {
    let went_out = member.is_some_and(|member| !member.is_joined() && member.rev > since);
    let standing = Standing::new(channel, member, now);
    !went_out
        && !standing.banned
        && (standing.member.is_some() || channel.kind == ChannelKind::Public)
}

#[cfg(test)]
mod tests;
