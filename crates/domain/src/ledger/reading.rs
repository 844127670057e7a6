//! How far people have read.

use super::{Ledger, Needs};
use crate::policy::Action;
use crate::{Body, Feed, Mark, MarkTo, Marked, Outcome, Receipt, Rejection};

impl Needs {
    /// The channel's feed too: sending moves the author's marker under its lock.
    pub(super) fn mark(&mut self, mark: &Mark) {
        self.moving(mark.channel, mark.user);
        self.statuses.insert(mark.user);
    }
}

impl Ledger {
    /// Moves somebody's marker. Only where it stands is their own devices' business, and takes a
    /// rev of their own feed; what others see of it is no part of any feed.
    pub(super) fn mark(&mut self, mark: Mark) -> Result<Outcome, Rejection> {
        let Mark { channel, user, to } = mark;
        let standing = self.standing(channel, user)?;
        standing.require(Action::Mark)?;
        let Some(before) = standing.member().cloned() else { return Err(Rejection::NotFound) };
        let feed = Feed::Channel(channel).id();
        let (head, last) = self.feeds.get(&feed).map_or((0, 0), |feed| (feed.head, feed.last_seq));
        if to.seq() > last {
            let why = "at most the place of the channel's last message";
            return Err(Rejection::field("seq", "not_there_yet", why));
        }
        let mut member = before.clone();
        if self.shows_reading(user) {
            member.receipt = moved(before.receipt, to);
        }
        member.read_seq = match to {
            MarkTo::Read { seq } => before.read_seq.max(seq),
            MarkTo::Delivered { .. } => before.read_seq,
            MarkTo::Unread { seq } => before.read_seq.min(seq - 1),
        };
        if member != before {
            if member.read_seq != before.read_seq {
                member.user_rev = self.advance(Feed::Me(user));
                let own = Body::Membership {
                    channel_id: channel,
                    membership: member.membership(last),
                    channel: self.channels.get(&channel).cloned(),
                };
                self.say(Feed::Me(user), member.user_rev, own);
            }
            self.touched.marked.insert((channel, user));
            self.members.insert((channel, user), member.clone());
        }
        let (was, is) = (before.receipt.shown(), member.receipt.shown());
        Ok(Outcome::Marked(Marked {
            read_seq: member.read_seq,
            head,
            read: (is.read_seq > was.read_seq).then_some(is.read_seq),
            delivered: (is.delivered_seq > was.delivered_seq).then_some(is.delivered_seq),
        }))
    }
}

/// What others see moves with the marker, but never back: what was read has been read.
fn moved(receipt: Receipt, to: MarkTo) -> Receipt {
    match to {
        MarkTo::Read { seq } => Receipt { read_seq: receipt.read_seq.max(seq), ..receipt },
        MarkTo::Delivered { seq } => {
            Receipt { delivered_seq: receipt.delivered_seq.max(seq), ..receipt }
        }
        MarkTo::Unread { .. } => receipt,
    }
}
