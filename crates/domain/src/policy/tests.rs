use super::table::actions;
use super::*;
use crate::{ChannelId, MemberState};

const KINDS: [ChannelKind; 4] =
    [ChannelKind::Public, ChannelKind::Private, ChannelKind::Direct, ChannelKind::Group];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(seconds * 1000)
}

fn channel(kind: ChannelKind) -> Channel {
    let now = at(0);
    Channel {
        id: ChannelId::new(now),
        kind,
        name: None,
        description: String::new(),
        topic: String::new(),
        posting: Posting::Everyone,
        slow_mode_seconds: 0,
        archived_at: None,
        owner_id: None,
        participant_ids: None,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        rev: 1,
    }
}

fn member(channel: &Channel, role: Role, state: MemberState) -> Member {
    let now = at(0);
    Member {
        channel_id: channel.id,
        user_id: UserId::new(now),
        role,
        state,
        joined_at: now,
        muted_until: None,
        rev: 2,
        read_seq: 0,
        receipt: crate::Receipt::default(),
        user_rev: 1,
        joined_rev: 2,
        banned_until: None,
        said_at: None,
        entered: 1,
        notifications: crate::NotificationSetting::of(channel.kind),
    }
}

/// What is written here in words the table must say: for each kind of channel, who may (`s`tranger
/// to a channel that can be seen, `m`ember, m`O`derator, o`W`ner), and whether it may be done in an
/// archived channel.
#[rustfmt::skip]
const EXPECTED: [(Action, [&str; 4], bool); 23] = [
    (Action::Read,           ["smOW", "mOW", "mOW", "mOW"], true),
    (Action::Join,           ["smOW", "",    "",    ""],    false),
    (Action::Leave,          ["mO",   "mO",  "",    "mOW"], true),
    (Action::Speak,          ["mOW",  "mOW", "mOW", "mOW"], false),
    (Action::Change,         ["OW",   "OW",  "",    "mOW"], false),
    (Action::Regulate,       ["OW",   "OW",  "",    "OW"],  false),
    (Action::Archive,        ["W",    "W",   "",    "W"],   true),
    (Action::Delete,         ["W",    "W",   "",    "W"],   true),
    (Action::Transfer,       ["W",    "W",   "",    "W"],   true),
    (Action::SetRole,        ["W",    "W",   "",    "W"],   true),
    (Action::AddMember,      ["OW",   "OW",  "",    "mOW"], false),
    (Action::RemoveMember,   ["OW",   "OW",  "",    "OW"],  true),
    (Action::Ban,            ["OW",   "OW",  "",    "OW"],  true),
    (Action::Mute,           ["OW",   "OW",  "",    "OW"],  true),
    (Action::Invite,         ["mOW",  "OW",  "",    "mOW"], false),
    (Action::InviteByLink,   ["OW",   "OW",  "",    "OW"],  true),
    (Action::DeleteMessages, ["OW",   "OW",  "",    "OW"],  true),
    (Action::React,          ["mOW",  "mOW", "mOW", "mOW"], false),
    (Action::Pin,            ["OW",   "OW",  "mOW", "mOW"], false),
    (Action::Mark,           ["mOW",  "mOW", "mOW", "mOW"], true),
    (Action::Draft,          ["mOW",  "mOW", "mOW", "mOW"], true),
    (Action::MentionChannel, ["OW",   "OW",  "mOW", "mOW"], false),
    (Action::SetNotifications, ["mOW", "mOW", "mOW", "mOW"], true),
];

const WHO: [(char, Option<Role>); 4] = [
    ('s', None),
    ('m', Some(Role::Member)),
    ('O', Some(Role::Moderator)),
    ('W', Some(Role::Owner)),
];

#[test]
fn every_cell_of_the_table_is_as_written() {
    assert_eq!(actions(), EXPECTED.map(|(action, ..)| action));
    for (action, who, when_archived) in EXPECTED {
        for (kind, allowed) in KINDS.into_iter().zip(who) {
            for (letter, role) in WHO {
                let mut channel = channel(kind);
                let row = role.map(|role| member(&channel, role, MemberState::Joined));
                let ask = |channel: &Channel, row: &Option<Member>| {
                    Standing::new(channel, row.as_ref(), at(0)).require(action)
                };
                let cell = format!("{action:?} in {kind:?}, {letter}");
                let hidden = role.is_none() && kind != ChannelKind::Public;
                let refused =
                    if hidden { Denied::NotFound } else { Denied::Forbidden(action.refusal()) };
                let expected = if allowed.contains(letter) { Ok(()) } else { Err(refused) };
                assert_eq!(ask(&channel, &row), expected, "{cell}");

                channel.archived_at = Some(at(0));
                let archived = match expected {
                    Ok(()) if !when_archived => Err(Denied::Archived),
                    other => other,
                };
                assert_eq!(ask(&channel, &row), archived, "{cell}, archived");

                // Who is out has no role, and who is banned sees nothing.
                channel.archived_at = None;
                let state = |state| row.clone().map(|row| Member { state, ..row });
                for out in [MemberState::Left, MemberState::Removed, MemberState::Unbanned] {
                    assert_eq!(ask(&channel, &state(out)), ask(&channel, &None), "{cell}, {out:?}");
                }
                if row.is_some() {
                    let banned = ask(&channel, &state(MemberState::Banned));
                    assert_eq!(banned, Err(Denied::NotFound), "{cell}, banned");
                }
            }
        }
    }
}

#[test]
fn nobody_does_anything_to_their_equals_or_to_those_above_them() {
    let channel = channel(ChannelKind::Public);
    let roles = [Role::Member, Role::Moderator, Role::Owner];
    for action in [Action::RemoveMember, Action::Ban, Action::Mute] {
        for role in roles {
            let row = member(&channel, role, MemberState::Joined);
            let standing = Standing::new(&channel, Some(&row), at(0));
            for other in roles {
                let may = role >= Role::Moderator && role > other;
                assert_eq!(standing.require_over(action, other).is_ok(), may, "{role:?} {other:?}");
            }
        }
    }
}

#[test]
fn a_ban_is_over_when_its_time_has_come() {
    let channel = channel(ChannelKind::Public);
    let mut bob = member(&channel, Role::Member, MemberState::Banned);
    bob.banned_until = Some(at(60));
    let read = |now| Standing::new(&channel, Some(&bob), now).require(Action::Read);
    assert_eq!(read(at(0)), Err(Denied::NotFound));
    assert_eq!(read(Timestamp::from_unix_millis(59_999)), Err(Denied::NotFound));
    assert_eq!(read(at(60)), Ok(()));
    assert!(
        Standing::new(&channel, Some(&bob), at(60)).member().is_none(),
        "he is not in it again"
    );
}

#[test]
fn who_is_muted_waits_to_the_end() {
    let channel = channel(ChannelKind::Public);
    for role in [Role::Member, Role::Moderator, Role::Owner] {
        let mut bob = member(&channel, role, MemberState::Joined);
        bob.muted_until = Some(at(60));
        let speak = |now| Standing::new(&channel, Some(&bob), now).require(Action::Speak);
        assert_eq!(speak(at(20)), Err(Denied::Muted(Duration::from_secs(40))));
        assert_eq!(speak(at(60)), Ok(()));
    }
}

#[test]
fn slow_mode_holds_members_back_and_nobody_else() {
    let mut channel = channel(ChannelKind::Group);
    channel.slow_mode_seconds = 30;
    for (role, waits) in [(Role::Member, true), (Role::Moderator, false), (Role::Owner, false)] {
        let mut bob = member(&channel, role, MemberState::Joined);
        assert_eq!(Standing::new(&channel, Some(&bob), at(0)).require_pause(), Ok(()));
        bob.said_at = Some(at(0));
        let speak = |now| Standing::new(&channel, Some(&bob), now).require_pause();
        let wait = Err(Denied::SlowMode(Duration::from_secs(20)));
        assert_eq!(speak(at(10)), if waits { wait } else { Ok(()) });
        assert_eq!(speak(at(30)), Ok(()));
    }
}

#[test]
fn only_moderators_make_announcements() {
    let mut channel = channel(ChannelKind::Public);
    channel.posting = Posting::Moderators;
    for (role, may) in [(Role::Member, false), (Role::Moderator, true), (Role::Owner, true)] {
        let row = member(&channel, role, MemberState::Joined);
        assert_eq!(Standing::new(&channel, Some(&row), at(0)).require(Action::Speak).is_ok(), may);
    }
}

#[test]
fn a_deleted_channel_is_not_there_even_for_its_owner() {
    let mut channel = channel(ChannelKind::Public);
    let owner = member(&channel, Role::Owner, MemberState::Joined);
    channel.deleted_at = Some(channel.created_at);
    let owner_stands = Standing::new(&channel, Some(&owner), at(0));
    assert_eq!(owner_stands.require(Action::Read), Err(Denied::NotFound));
}

#[test]
fn who_missed_something_goes_on_if_they_were_let_to_all_the_while() {
    let goes_on = |kind, row: Option<(MemberState, i64)>| {
        let channel = channel(kind);
        let row = row.map(|(state, rev)| {
            let mut row = member(&channel, Role::Member, state);
            row.rev = rev;
            row
        });
        may_go_on_hearing(&channel, row.as_ref(), 10, at(0))
    };
    for kind in KINDS {
        let public = kind == ChannelKind::Public;
        assert!(goes_on(kind, Some((MemberState::Joined, 5))));
        assert!(goes_on(kind, Some((MemberState::Joined, 15))), "came in meanwhile");
        assert_eq!(goes_on(kind, None), public, "visitors of what is public");
        for out in [MemberState::Left, MemberState::Removed] {
            assert_eq!(goes_on(kind, Some((out, 5))), public, "went before, and visits");
            assert!(!goes_on(kind, Some((out, 15))), "went meanwhile");
        }
        assert!(!goes_on(kind, Some((MemberState::Banned, 5))));
    }
}
