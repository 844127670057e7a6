//! Who may do what, and who may hear what: pure functions, asked by every use case.
//!
//! What a person may not know of is [`Denied::NotFound`], as if it were not there; what they may
//! see but not do is [`Denied::Forbidden`].

use crate::{Channel, ChannelKind, Member, Message, Role, UserId};

/// Something that a person does in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// See the channel, its members and its messages, now and then.
    Read,
    /// Come in by oneself.
    Join,
    /// Go.
    Leave,
    /// Say something.
    Speak,
    /// Change the name or the description.
    Change,
    /// Delete the channel: neither it nor what was said in it can be seen any more.
    Delete,
    /// Bring somebody in.
    AddMember,
    /// Send somebody away.
    RemoveMember,
}

impl Action {
    /// What was refused, for people.
    pub const fn refusal(self) -> &'static str {
        match self {
            Self::Read => "you may not read this channel",
            Self::Join => "this channel cannot be joined",
            Self::Leave => "you cannot leave this channel",
            Self::Speak => "only members may write here",
            Self::Change => "only the owner may change this channel",
            Self::Delete => "only the owner may delete this channel",
            Self::AddMember => "you may not add members here",
            Self::RemoveMember => "only the owner may remove members",
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
}

/// A channel from where one person stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    channel: &'a Channel,
    member: Option<&'a Member>,
}

impl<'a> Standing<'a> {
    /// The channel as the person with this row (if any) sees it.
    pub fn new(channel: &'a Channel, member: Option<&'a Member>) -> Self {
        Self { channel, member: member.filter(|member| member.is_joined()) }
    }

    /// The person's row, when they are in the channel now.
    pub fn member(&self) -> Option<&'a Member> {
        self.member
    }

    /// Whether the person may see the channel at all.
    pub fn may_read(&self) -> bool {
        self.channel.deleted_at.is_none()
            && (self.member.is_some() || self.channel.kind == ChannelKind::Public)
    }

    /// Whether the person may do this.
    pub fn require(&self, action: Action) -> Result<(), Denied> {
        if !self.may_read() {
            return Err(Denied::NotFound);
        }
        let role = self.member.map(|member| member.role);
        let owner = role == Some(Role::Owner);
        let allowed = match (action, self.channel.kind) {
            (Action::Read, _) | (Action::Join, ChannelKind::Public) => true,
            (Action::Speak, _) | (Action::AddMember | Action::Change, ChannelKind::Group) => {
                role.is_some()
            }
            // A channel never stands without an owner: deleting it, or handing it on, comes first.
            (Action::Leave, ChannelKind::Public | ChannelKind::Private | ChannelKind::Group) => {
                !owner
            }
            (_, ChannelKind::Public | ChannelKind::Private | ChannelKind::Group) => owner,
            (_, ChannelKind::Direct) => false,
        };
        if allowed { Ok(()) } else { Err(Denied::Forbidden(action.refusal())) }
    }

    /// Whether the person may change what this message says: its author, while still a member.
    pub fn require_edit(&self, message: &Message, person: UserId) -> Result<(), Denied> {
        self.require(Action::Read)?;
        if self.member.is_some() && message.author_id == person {
            return Ok(());
        }
        Err(Denied::Forbidden("only its author may edit a message"))
    }

    /// Whether the person may delete this message: its author or the channel's owner, while members.
    pub fn require_delete(&self, message: &Message, person: UserId) -> Result<(), Denied> {
        self.require(Action::Read)?;
        let owner = self.member.is_some_and(|member| member.role == Role::Owner);
        if owner || (self.member.is_some() && message.author_id == person) {
            return Ok(());
        }
        Err(Denied::Forbidden("only its author or the channel's owner may delete a message"))
    }
}

/// Whether a person's sockets hear a channel's feed unasked: the one rule for joining, coming back,
/// and what was missed.
pub fn may_hear(channel: &Channel, member: Option<&Member>) -> bool {
    channel.deleted_at.is_none() && member.is_some_and(Member::is_joined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelId, MemberState, Timestamp};

    fn channel(kind: ChannelKind) -> Channel {
        let now = Timestamp::from_unix_millis(0);
        Channel {
            id: ChannelId::new(now),
            kind,
            name: None,
            description: String::new(),
            owner_id: None,
            participant_ids: None,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            rev: 1,
        }
    }

    fn member(channel: &Channel, role: Role, state: MemberState) -> Member {
        let now = Timestamp::from_unix_millis(0);
        Member {
            channel_id: channel.id,
            user_id: UserId::new(now),
            role,
            state,
            joined_at: now,
            rev: 2,
            read_seq: 0,
            user_rev: 1,
        }
    }

    #[test]
    fn strangers_and_former_members_do_not_know_of_closed_channels() {
        for kind in [ChannelKind::Private, ChannelKind::Direct, ChannelKind::Group] {
            let channel = channel(kind);
            for state in [MemberState::Left, MemberState::Removed] {
                let gone = member(&channel, Role::Owner, state);
                let standing = Standing::new(&channel, Some(&gone));
                assert_eq!(standing.require(Action::Read), Err(Denied::NotFound));
                assert_eq!(standing.require(Action::Join), Err(Denied::NotFound));
                assert!(!may_hear(&channel, Some(&gone)));
            }
            assert_eq!(Standing::new(&channel, None).require(Action::Speak), Err(Denied::NotFound));
        }
    }

    #[test]
    fn everybody_reads_a_public_channel_and_members_write() {
        let channel = channel(ChannelKind::Public);
        let stranger = Standing::new(&channel, None);
        assert_eq!(stranger.require(Action::Read), Ok(()));
        assert_eq!(stranger.require(Action::Join), Ok(()));
        assert!(matches!(stranger.require(Action::Speak), Err(Denied::Forbidden(_))));
        let bob = member(&channel, Role::Member, MemberState::Joined);
        let bob = Standing::new(&channel, Some(&bob));
        assert_eq!(bob.require(Action::Speak), Ok(()));
        assert!(matches!(bob.require(Action::Delete), Err(Denied::Forbidden(_))));
    }

    #[test]
    fn a_deleted_channel_is_not_there_even_for_its_owner() {
        let mut channel = channel(ChannelKind::Public);
        let owner = member(&channel, Role::Owner, MemberState::Joined);
        channel.deleted_at = Some(channel.created_at);
        let owner_stands = Standing::new(&channel, Some(&owner));
        assert_eq!(owner_stands.require(Action::Read), Err(Denied::NotFound));
        assert!(!may_hear(&channel, Some(&owner)));
    }
}
