//! What somebody sees, by whatever way they came to know it: what a client holds and what a fresh read
//! tells are compared as these.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::inbox::mentions;
use crate::server::text;

/// A channel as somebody who is in it sees it, by whatever way they came to know it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    pub(crate) head: i64,
    pub(crate) channel: Value,
    /// Who is in it.
    pub(crate) members: BTreeMap<String, Value>,
    /// By their places.
    pub(crate) messages: BTreeMap<i64, Value>,
    /// How far one has read, of a channel that one is in.
    pub(crate) read_seq: Option<i64>,
    pub(crate) unread: usize,
    /// How many of them mention one.
    pub(crate) mentions: usize,
    /// Who sees it so.
    pub(crate) user: String,
}

/// What is one's own, beside channels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Own {
    /// Those that are not answered, by channel.
    pub(crate) invitations: BTreeMap<String, Value>,
    /// Those that hold something, in the channels that one is in.
    pub(crate) drafts: BTreeMap<(String, String), Value>,
    pub(crate) status: Value,
    /// What one was told of and may see, by what it is about: whether it is read.
    pub(crate) told: BTreeMap<String, (Value, bool)>,
}

impl View {
    /// What somebody sees who has no older messages than this place.
    pub(crate) fn forget_below(&mut self, floor: i64) {
        self.messages.retain(|seq, _| *seq >= floor);
        // What lies below cannot be quoted from what one holds.
        let held: BTreeSet<String> =
            self.messages.values().map(|message| text(&message["id"])).collect();
        for message in self.messages.values_mut() {
            if message["quote"]["id"].as_str().is_some_and(|id| !held.contains(id)) {
                message["quote"] = Value::Null;
            }
        }
        self.unread = self.read_seq.map_or(0, |read_seq| unread(&self.messages, read_seq));
        let read_seq = self.read_seq;
        self.mentions = read_seq.map_or(0, |read| mentions(&self.messages, read, &self.user));
    }

    /// Where this one is otherwise than `real`.
    pub(crate) fn against(&self, real: &Self) -> String {
        let (mut held, mut is) = (self.clone(), real.clone());
        held.messages.retain(|seq, message| real.messages.get(seq) != Some(message));
        is.messages.retain(|seq, message| self.messages.get(seq) != Some(message));
        held.members.retain(|user, member| real.members.get(user) != Some(member));
        is.members.retain(|user, member| self.members.get(user) != Some(member));
        format!("apart from what is right, it is held as\n{held:?}\nand is\n{is:?}")
    }
}

/// Whether a message counts in anybody's unread.
pub(super) fn counts(message: &Value) -> bool {
    message["deleted_at"].is_null() && message["type"] != "system"
}

/// How many of these messages one has not read.
pub(super) fn unread(messages: &BTreeMap<i64, Value>, read_seq: i64) -> usize {
    messages.range(read_seq + 1..).filter(|(_, message)| counts(message)).count()
}
