//! What sockets look at, and where they are without their users being members.

use std::rc::Rc;

use bytes::Bytes;
use tertulia_domain::{ChannelId, Feed, FeedId};

use super::{Connection, Local, Socket};
use crate::signal::Audience;
use crate::wire::text_frame;

impl Socket {
    /// Its user is in this channel from now on.
    pub(super) fn stays_in(&self, feed: FeedId) {
        self.visits.borrow_mut().retain(|visit| *visit != feed);
    }

    /// It neither looks at this channel nor visits it any more.
    pub(super) fn forgets(&self, feed: FeedId) {
        self.visits.borrow_mut().retain(|visit| *visit != feed);
        self.focus.borrow_mut().retain(|look| *look != feed);
    }

    fn visits(&self, feed: FeedId) -> bool {
        self.visits.borrow().contains(&feed)
    }

    fn belongs_to(&self, feed: FeedId, audience: Audience) -> bool {
        match audience {
            Audience::All => true,
            Audience::Members => !self.visits(feed),
            Audience::Readers => !self.visits(feed) && self.person.receipts(),
        }
    }
}

impl Local {
    /// Shows something to those who look at a feed.
    pub(super) fn show(&self, feed: FeedId, frame: &Bytes, audience: Audience) {
        let feeds = self.feeds.borrow();
        let lookers = feeds.get(&feed).into_iter().flat_map(|local| &local.lookers);
        for socket in lookers.filter(|socket| socket.belongs_to(feed, audience)) {
            socket.outbox.borrow_mut().push_glimpse(feed, frame);
        }
    }

    fn look(&self, feed: FeedId, socket: &Rc<Socket>) {
        let mut feeds = self.feeds.borrow_mut();
        let Some(local) = feeds.get_mut(&feed) else { return };
        if local.lookers.is_empty() {
            self.hub.look(feed, self.id, true);
        }
        local.lookers.push(Rc::clone(socket));
    }

    /// Lets a socket hear a feed no more. Of members their own feed says that they are out; who only
    /// visits is told here, since what they are cut off by may be older than their visit.
    pub(super) fn cut(&self, feed: FeedId, socket: &Rc<Socket>) {
        let visited = self.name(feed).filter(|_| socket.visits(feed));
        self.remove(feed, socket);
        if let Some(channel) = visited {
            let ended = format!(r#"{{"type":"subscription.ended","channel_id":"{channel}"}}"#);
            socket.outbox.borrow_mut().push_control(text_frame(ended.as_bytes()));
        }
    }

    pub(super) fn unlook(&self, feed: FeedId, socket: &Rc<Socket>) {
        let mut feeds = self.feeds.borrow_mut();
        let Some(local) = feeds.get_mut(&feed) else { return };
        let Some(at) = local.lookers.iter().position(|other| Rc::ptr_eq(other, socket)) else {
            return;
        };
        local.lookers.swap_remove(at);
        if local.lookers.is_empty() {
            self.hub.look(feed, self.id, false);
        }
    }
}

impl Connection {
    /// Looks at these channels, and at no others. Gives those whose people are to be shown: which
    /// the person is in. `None`, and nothing changes, when the socket does not hear one of them.
    pub fn focus(&self, channels: &[ChannelId]) -> Option<Vec<ChannelId>> {
        let (local, socket) = (self.local(), self.socket());
        let id = |channel: &ChannelId| Feed::Channel(*channel).id();
        if !channels.iter().all(|channel| socket.hears(id(channel))) {
            return None;
        }
        for before in socket.focus.take() {
            local.unlook(before, socket);
        }
        for channel in channels {
            if !socket.focus.borrow().contains(&id(channel)) {
                socket.focus.borrow_mut().push(id(channel));
                local.look(id(channel), socket);
            }
        }
        Some(channels.iter().filter(|channel| !socket.visits(id(channel))).copied().collect())
    }

    /// Shows something to the person who looks at this channel, if they still do, and are in it.
    pub fn glimpse(&self, channel: ChannelId, frame: &Bytes) {
        let (feed, socket) = (Feed::Channel(channel).id(), self.socket());
        if socket.focus.borrow().contains(&feed) && !socket.visits(feed) {
            socket.outbox.borrow_mut().push_glimpse(feed, frame);
        }
    }

    /// Hears a channel from now on without the person being in it. Whether they may is to be asked
    /// afterwards, and [`Connection::leave`] called if not. False when so many are heard already.
    pub fn visit(&self, channel: ChannelId, most: usize) -> bool {
        let (local, socket) = (self.local(), self.socket());
        let feed = Feed::Channel(channel);
        if socket.hears(feed.id()) {
            return true;
        }
        if socket.visits.borrow().len() >= most {
            return false;
        }
        socket.visits.borrow_mut().push(feed.id());
        local.add(feed, socket);
        true
    }

    /// Hears a channel no more that the person is not in.
    pub fn leave(&self, channel: ChannelId) {
        if self.socket().visits(Feed::Channel(channel).id()) {
            self.unsubscribe(channel);
        }
    }
}
