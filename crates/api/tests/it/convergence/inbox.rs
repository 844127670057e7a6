//! What a client holds of what its person was told of, and of what counts as mentioning them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::state::int;
use super::view::counts;
use crate::server::text;

/// What one was told of. A message is told of once, so is an invitation: the newest stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbox {
    /// By message, or by channel for invitations: the rev of `me`, and what it says.
    held: BTreeMap<String, (i64, Value)>,
    /// Up to where all of it is read, as of this rev of `me`.
    read_up_to: (i64, i64),
}

/// How many of these messages above a place mention somebody: what others have said.
pub(crate) fn mentions(messages: &BTreeMap<i64, Value>, read_seq: i64, user: &str) -> usize {
    let mentions = |message: &Value| {
        let named = message["mentions"]["users"].as_array().unwrap();
        let meant = message["mentions"]["channel"] == true || named.iter().any(|id| id == user);
        counts(message) && message["author_id"] != user && meant
    };
    messages.range(read_seq + 1..).filter(|(_, message)| mentions(message)).count()
}

/// What it is about.
pub(crate) fn about(told: &Value) -> String {
    text(told["message_id"].as_str().map_or(&told["channel_id"], |_| &told["message_id"]))
}

impl Inbox {
    pub(crate) fn ready(&mut self, me: &Value, head: i64) {
        if self.read_up_to.0 < head {
            self.read_up_to = (head, int(&me["notifications"]["read_up_to"]));
        }
    }

    pub(crate) fn take(&mut self, frame: &Value, rev: i64) {
        if let Some(told) = frame.get("notification") {
            let held = self.held.entry(about(told)).or_default();
            if held.0 < rev {
                *held = (rev, told.clone());
            }
        } else if self.read_up_to.0 < rev {
            self.read_up_to = (rev, int(&frame["inbox"]["read_up_to"]));
        }
    }

    pub(crate) fn begin_anew(&mut self, items: &[Value], page: &Value) {
        let head = int(&page["head"]);
        self.held.retain(|_, (rev, _)| *rev > head);
        for told in items {
            let mut told = told.clone();
            told.as_object_mut().unwrap().remove("read");
            self.held.entry(about(&told)).or_insert((head, told));
        }
        if self.read_up_to.0 < head {
            self.read_up_to = (head, int(&page["read_up_to"]));
        }
    }

    /// What there is of it, and whether it is read. `stands` says whether it is still there, and
    /// how far one has read where it is.
    pub(crate) fn seen(
        &self,
        stands: impl Fn(&Value) -> Option<i64>,
    ) -> BTreeMap<String, (Value, bool)> {
        let mut seen = BTreeMap::new();
        for (key, (_, told)) in &self.held {
            let Some(read_seq) = stands(told) else { continue };
            let read = !told["read_at"].is_null()
                || int(&told["made"]) <= self.read_up_to.1
                || told["seq"].as_i64().is_some_and(|seq| seq <= read_seq);
            seen.insert(key.clone(), (told.clone(), read));
        }
        seen
    }
}
