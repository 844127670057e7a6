//! How people want to be seen.

use super::{Ledger, Needs};
use crate::{Body, Feed, KnownStatus, Outcome, OwnStatus, StatusChange, UserId};

impl Needs {
    pub(super) fn status(&mut self, user: UserId) {
        self.feeds.insert(Feed::Me(user).id());
        self.statuses.insert(user);
    }
}

impl Ledger {
    pub(super) fn set_status(&mut self, change: StatusChange) -> Outcome {
        let StatusChange { user, status, receipts, last_seen } = change;
        let known = self.statuses.remove(&user).unwrap_or_else(|| KnownStatus::unsaid(user));
        let before = known.own.at(self.now);
        let own = OwnStatus {
            status: status.unwrap_or_else(|| before.status.clone()),
            receipts: receipts.unwrap_or(before.receipts),
            last_seen: last_seen.unwrap_or(before.last_seen),
        };
        let mut known = KnownStatus { own: own.clone(), ..known };
        if own != before {
            known.user_rev = self.advance(Feed::Me(user));
            // Who does not want it to be seen is not followed either.
            known.seen_at = known.seen_at.filter(|_| own.last_seen);
            self.touched.statuses.insert(user);
            self.say(Feed::Me(user), known.user_rev, Body::Status(own.clone()));
        }
        self.statuses.insert(user, known);
        Outcome::Status(own)
    }

    /// Whether others may see now that somebody reads.
    pub(super) fn shows_reading(&self, user: UserId) -> bool {
        self.statuses.get(&user).is_none_or(|known| known.own.shows_reading(self.now))
    }
}
