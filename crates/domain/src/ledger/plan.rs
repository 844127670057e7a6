//! What a decided batch writes.

use std::collections::BTreeSet;

use super::{
    AccountWrite, Attached, FeedRow, KnownRequest, Ledger, MessageRow, NotificationsPlan,
    ReactionsPlan, Ways,
};
use crate::{
    AuditEntry, Channel, ChannelId, Draft, FeedId, Frame, KnownStatus, Member, Message, MessageId,
    SessionId, Timestamp, UserId,
};

/// What a message said until it was edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Which message.
    pub message: MessageId,
    /// How often it had been edited.
    pub version: i32,
    /// What it said.
    pub content: String,
    /// When it began to say so.
    pub said_at: Timestamp,
}

/// A session that a plan ends, with its rev in the system feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// Which.
    pub id: SessionId,
    /// Its place in the system feed.
    pub rev: i64,
}

/// What is to be written, and said afterwards.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Heads that moved.
    pub feeds: Vec<FeedRow>,
    /// Channels made or changed.
    pub channels: Vec<Channel>,
    /// Requests that have made one, and may come again.
    pub new_requests: Vec<KnownRequest>,
    /// Members who came or went.
    pub members: Vec<Member>,
    /// Members whose markers were moved, and nothing else of them.
    pub marked: Vec<Member>,
    /// Members who have read further, and did nothing else.
    pub readers: Vec<Member>,
    /// Members who have spoken in slow mode.
    pub slowed: Vec<Member>,
    /// Members who want to be told of something else.
    pub set: Vec<Member>,
    /// What people are told of.
    pub notifications: NotificationsPlan,
    /// Ways into channels that opened or closed.
    pub ways: Ways,
    /// Messages sent.
    pub new_messages: Vec<MessageRow>,
    /// Messages edited or deleted that were there before.
    pub changed_messages: Vec<Message>,
    /// What messages said that say something else now.
    pub rewritten: Vec<Rewritten>,
    /// Messages that are deleted, with all that hangs on them.
    pub buried: Vec<MessageId>,
    /// Messages whose threads have changed.
    pub roots: Vec<Message>,
    /// Reactions that came and went.
    pub reactions: ReactionsPlan,
    /// How people want to be seen.
    pub statuses: Vec<KnownStatus>,
    /// Drafts that were written or emptied.
    pub drafts: Vec<Draft>,
    /// Files that now belong to a message.
    pub attached: Vec<Attached>,
    /// Messages whose files go with them.
    pub bereft: Vec<MessageId>,
    /// Sessions that end.
    pub ended_sessions: Vec<EndedSession>,
    /// Accounts that change.
    pub accounts: Vec<AccountWrite>,
    /// What is kept of it all.
    pub audit: Vec<AuditEntry>,
    /// What listeners hear once this is on disk, each feed in the order of its revs.
    pub frames: Vec<Frame>,
}

/// What the changes of a batch have touched so far.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) feeds: BTreeSet<FeedId>,
    pub(super) channels: BTreeSet<ChannelId>,
    pub(super) members: BTreeSet<(ChannelId, UserId)>,
    pub(super) marked: BTreeSet<(ChannelId, UserId)>,
    pub(super) readers: BTreeSet<(ChannelId, UserId)>,
    pub(super) slowed: BTreeSet<(ChannelId, UserId)>,
    pub(super) set: BTreeSet<(ChannelId, UserId)>,
    pub(super) ways: Ways,
    /// In the order of their ids, as concurrent batches must insert them.
    pub(super) new_messages: BTreeSet<MessageId>,
    pub(super) changed_messages: BTreeSet<MessageId>,
    pub(super) roots: BTreeSet<MessageId>,
    pub(super) rewritten: Vec<Rewritten>,
    pub(super) buried: Vec<MessageId>,
    pub(super) new_requests: Vec<KnownRequest>,
    pub(super) statuses: BTreeSet<UserId>,
    pub(super) attached: Vec<Attached>,
    pub(super) bereft: Vec<MessageId>,
    pub(super) ended_sessions: Vec<EndedSession>,
    pub(super) accounts: Vec<AccountWrite>,
    pub(super) audit: Vec<AuditEntry>,
}

impl Ledger {
    /// What is to be written.
    pub fn into_plan(mut self) -> Plan {
        self.close_threads();
        let touched = self.touched;
        let as_it_stands = |id| self.messages.get(id).map(|row: &MessageRow| row.message.clone());
        let roots = touched.roots.iter().filter_map(as_it_stands).collect();
        let member = |key| self.members.get(key).cloned();
        let slowed = touched.slowed.iter().filter_map(member).collect();
        let set = touched.set.iter().filter_map(member).collect();
        let changed_messages = touched.changed_messages.iter().filter_map(as_it_stands).collect();
        let new_messages =
            touched.new_messages.iter().filter_map(|id| self.messages.remove(id)).collect();
        Plan {
            feeds: touched.feeds.iter().filter_map(|id| self.feeds.remove(id)).collect(),
            channels: touched.channels.iter().filter_map(|id| self.channels.remove(id)).collect(),
            members: touched.members.iter().filter_map(|id| self.members.remove(id)).collect(),
            // Whoever also came or went is already among the members.
            marked: touched.marked.iter().filter_map(|id| self.members.remove(id)).collect(),
            readers: touched.readers.iter().filter_map(|id| self.members.remove(id)).collect(),
            slowed,
            set,
            notifications: self.notifications.plan,
            ways: touched.ways,
            new_requests: touched.new_requests,
            new_messages,
            changed_messages,
            roots,
            rewritten: touched.rewritten,
            buried: touched.buried,
            reactions: self.reactions.into_plan(),
            statuses: touched.statuses.iter().filter_map(|id| self.statuses.remove(id)).collect(),
            drafts: self.drafts.into_plan(),
            attached: touched.attached,
            bereft: touched.bereft,
            ended_sessions: touched.ended_sessions,
            accounts: touched.accounts,
            audit: touched.audit,
            frames: self.frames,
        }
    }
}
