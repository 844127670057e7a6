//! Who is typing.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tertulia_domain::policy::Action;
use tertulia_domain::{ChannelId, UserId};
use tertulia_realtime::Signal;
use tokio::time::Instant;

use crate::{Caller, Chat, Error};

/// For so long somebody types who does not say so again.
const LASTS: Duration = Duration::from_secs(6);

/// Who types where, by what sockets of this node say. Locked for a lookup, or once a second for a
/// pass over those who type.
#[derive(Default)]
pub(crate) struct Typists(Mutex<HashMap<(ChannelId, UserId), Typing>>);

struct Typing {
    until: Instant,
    head: i64,
}

impl Typists {
    /// Notes that somebody types, or no longer does. Whether others are to be told.
    fn note(&self, channel: ChannelId, user: UserId, head: i64, active: bool) -> bool {
        let mut typists = self.0.lock();
        if active {
            typists.insert((channel, user), Typing { until: Instant::now() + LASTS, head });
            return true;
        }
        typists.remove(&(channel, user)).is_some()
    }

    /// Forgets those who have not said so again, and what others are to be told of them.
    pub(crate) fn take_expired(&self) -> Vec<Signal> {
        let now = Instant::now();
        let mut expired = Vec::new();
        self.0.lock().retain(|&(channel, user), typing| {
            let lasts = typing.until > now;
            if !lasts {
                let head = typing.head;
                expired.push(Signal::Typing { channel, head, user, active: false });
            }
            lasts
        });
        expired
    }
}

impl Chat {
    /// Shows those who look at a channel that one types there, or no longer does. Of who wants to be
    /// invisible nothing is shown.
    pub async fn typing(
        &self,
        caller: &Caller,
        channel: ChannelId,
        active: bool,
    ) -> Result<(), Error> {
        let place = self.0.store.place(channel, caller.user).await?.ok_or(Error::NotFound)?;
        self.standing(&place).require(Action::Speak)?;
        let (user, head) = (caller.user, place.feed.head);
        if self.0.hub.is_invisible(user) {
            return Ok(());
        }
        if self.0.moments.typists().note(channel, user, head, active) {
            self.0.bus.signal(&[Signal::Typing { channel, head, user, active }]);
        }
        Ok(())
    }
}
