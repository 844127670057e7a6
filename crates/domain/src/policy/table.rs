//! The table of who may do what.

use super::Action;
use crate::{ChannelKind, Role};

/// Some of those who can see a channel.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "the columns of a table")]
pub(super) struct Who {
    outsiders: bool,
    members: bool,
    moderators: bool,
    owner: bool,
}

const NOBODY: Who = Who { outsiders: false, members: false, moderators: false, owner: false };
const OWNER: Who = Who { owner: true, ..NOBODY };
/// The owner and moderators.
const STAFF: Who = Who { moderators: true, ..OWNER };
/// Everybody who is in the channel.
const MEMBERS: Who = Who { members: true, ..STAFF };
/// Everybody who can see it.
const ALL: Who = Who { outsiders: true, ..MEMBERS };
/// Everybody who is in it but its owner: it never stands without one.
const OTHERS: Who = Who { owner: false, ..MEMBERS };

impl Who {
    /// Whether somebody with this role is among them; none has who is not in the channel.
    pub(super) const fn includes(self, role: Option<Role>) -> bool {
        match role {
            None => self.outsiders,
            Some(Role::Member) => self.members,
            Some(Role::Moderator) => self.moderators,
            Some(Role::Owner) => self.owner,
        }
    }
}

/// Who may do something.
pub(super) struct Rule {
    action: Action,
    public: Who,
    private: Who,
    direct: Who,
    group: Who,
    /// Whether it may be done while the channel is archived.
    pub(super) archived: bool,
}

impl Rule {
    pub(super) const fn who(&self, kind: ChannelKind) -> Who {
        match kind {
            ChannelKind::Public => self.public,
            ChannelKind::Private => self.private,
            ChannelKind::Direct => self.direct,
            ChannelKind::Group => self.group,
        }
    }
}

const fn row(action: Action, [public, private, direct, group]: [Who; 4]) -> Rule {
    Rule { action, public, private, direct, group, archived: false }
}

/// What may also be done while the channel is archived.
const fn always(action: Action, who: [Who; 4]) -> Rule {
    Rule { archived: true, ..row(action, who) }
}

/// In the order of [`Action`]. Direct conversations have no owner.
#[rustfmt::skip]
static TABLE: [Rule; 23] = [
    //                             public   private  direct   group
    always(Action::Read,           [ALL,     MEMBERS, MEMBERS, MEMBERS]),
    row(   Action::Join,           [ALL,     NOBODY,  NOBODY,  NOBODY]),
    // The owner of a group goes, and somebody else owns it.
    always(Action::Leave,          [OTHERS,  OTHERS,  NOBODY,  MEMBERS]),
    row(   Action::Speak,          [MEMBERS, MEMBERS, MEMBERS, MEMBERS]),
    row(   Action::Change,         [STAFF,   STAFF,   NOBODY,  MEMBERS]),
    row(   Action::Regulate,       [STAFF,   STAFF,   NOBODY,  STAFF]),
    always(Action::Archive,        [OWNER,   OWNER,   NOBODY,  OWNER]),
    always(Action::Delete,         [OWNER,   OWNER,   NOBODY,  OWNER]),
    always(Action::Transfer,       [OWNER,   OWNER,   NOBODY,  OWNER]),
    always(Action::SetRole,        [OWNER,   OWNER,   NOBODY,  OWNER]),
    row(   Action::AddMember,      [STAFF,   STAFF,   NOBODY,  MEMBERS]),
    always(Action::RemoveMember,   [STAFF,   STAFF,   NOBODY,  STAFF]),
    always(Action::Ban,            [STAFF,   STAFF,   NOBODY,  STAFF]),
    always(Action::Mute,           [STAFF,   STAFF,   NOBODY,  STAFF]),
    row(   Action::Invite,         [MEMBERS, STAFF,   NOBODY,  MEMBERS]),
    always(Action::InviteByLink,   [STAFF,   STAFF,   NOBODY,  STAFF]),
    always(Action::DeleteMessages, [STAFF,   STAFF,   NOBODY,  STAFF]),
    row(   Action::React,          [MEMBERS, MEMBERS, MEMBERS, MEMBERS]),
    row(   Action::Pin,            [STAFF,   STAFF,   MEMBERS, MEMBERS]),
    always(Action::Mark,           [MEMBERS, MEMBERS, MEMBERS, MEMBERS]),
    always(Action::Draft,          [MEMBERS, MEMBERS, MEMBERS, MEMBERS]),
    row(   Action::MentionChannel, [STAFF,   STAFF,   MEMBERS, MEMBERS]),
    always(Action::SetNotifications, [MEMBERS, MEMBERS, MEMBERS, MEMBERS]),
];

/// The row of this action.
pub(super) fn rule(action: Action) -> &'static Rule {
    let rule = &TABLE[action as usize];
    debug_assert_eq!(rule.action, action);
    rule
}

/// What the rows are about, in their order.
#[cfg(test)]
pub(super) fn actions() -> Vec<Action> {
    TABLE.iter().map(|rule| rule.action).collect()
}
