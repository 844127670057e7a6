//! How much a socket, and whoever is behind it, may ask.

use tertulia_chat::{Caller, Chat, Gauge, Refused, Rule};

use super::frames::Request;
use super::looking::Look;

/// What a socket may still ask. Its frames are counted here, where no other thread comes; what they ask
/// for is counted for the person, on all of their devices and over REST.
pub(super) struct Limited(Gauge);

impl Limited {
    pub(super) fn new(chat: &Chat) -> Self {
        Self(chat.throttle().gauge(Rule::Frames))
    }

    /// Counts a frame, good or bad.
    pub(super) fn frame(&self) -> Result<(), Refused> {
        self.0.take()
    }
}

/// Counts what a frame asks for.
pub(super) fn request(chat: &Chat, caller: &Caller, request: &Request) -> Result<(), Refused> {
    let throttle = chat.throttle();
    let user = caller.user;
    let one = |rule| throttle.take(&[throttle.charge(rule, user)], |_| {});
    let both = |rule, narrow, target| {
        let charges = [throttle.charge(rule, user), throttle.charge(narrow, (user, target))];
        throttle.take(&charges, |_| {})
    };
    match request {
        Request::Send { channel, .. } => {
            both(Rule::Messages, Rule::ChannelMessages, channel.uuid())
        }
        Request::React { message, .. } => {
            both(Rule::Reactions, Rule::MessageReactions, message.uuid())
        }
        Request::Edit { .. } | Request::Delete { .. } | Request::Look(Look::SetStatus(_)) => {
            one(Rule::Changes)
        }
        Request::Look(Look::SetDraft { .. }) => one(Rule::Drafts),
        Request::Look(
            Look::Read { .. }
            | Look::Delivered { .. }
            | Look::Focus { .. }
            | Look::Typing { .. }
            | Look::Subscribe { .. }
            | Look::Unsubscribe { .. },
        )
        | Request::Sync { .. }
        | Request::AuthRefresh { .. }
        | Request::Ping => Ok(()),
    }
}
