//! Ending sessions.

use super::{EndedSession, Ledger, in_scope};
use crate::{Body, Feed, Outcome, SessionScope, UserId};

impl Ledger {
    pub(super) fn end_sessions(&mut self, user: UserId, scope: SessionScope) -> Outcome {
        let live = self.sessions.entry(user).or_default();
        let (ended, kept): (Vec<_>, Vec<_>) =
            live.drain(..).partition(|session| in_scope(scope, *session));
        *live = kept;
        for session in &ended {
            let rev = self.advance(Feed::System);
            self.touched.ended_sessions.push(EndedSession { id: *session, rev });
            self.say(Feed::System, rev, Body::SessionEnded { session: *session, user });
        }
        Outcome::SessionsEnded(ended.len())
    }
}
