//! One socket, as whoever reads from it and writes to it sees it.

use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tertulia_domain::{ChannelId, Feed, FeedId, SessionId, Timestamp, UserId};
use tokio::time::Instant;

use super::{Local, Socket};
use crate::outbox::CloseReason;
use crate::wire::{pong_frame, text_frame};

/// A socket: what is put into it is written in order. Clones share it; the last one that goes away
/// takes it off all feeds.
#[derive(Clone)]
pub struct Connection(Rc<Attached>);

struct Attached {
    local: Rc<Local>,
    socket: Rc<Socket>,
}

impl Connection {
    pub(super) fn new(local: Rc<Local>, socket: Rc<Socket>) -> Self {
        Self(Rc::new(Attached { local, socket }))
    }

    pub(super) fn local(&self) -> &Rc<Local> {
        &self.0.local
    }

    pub(super) fn socket(&self) -> &Rc<Socket> {
        &self.0.socket
    }

    /// Whose socket.
    pub fn user(&self) -> UserId {
        self.0.socket.user
    }

    /// Which session's socket.
    pub fn session(&self) -> SessionId {
        self.0.socket.session
    }

    /// Hears these channels from now on. Whether the person may is to be asked afterwards, before
    /// [`Connection::open`], and what they may not hear given back by [`Connection::unsubscribe`].
    pub fn subscribe<'a>(&self, channels: impl IntoIterator<Item = &'a ChannelId>) {
        for channel in channels {
            self.0.local.add(Feed::Channel(*channel), &self.0.socket);
        }
    }

    /// Hears this channel no more, nor what still waits of it.
    pub fn unsubscribe(&self, channel: ChannelId) {
        self.0.local.remove(Feed::Channel(channel).id(), &self.0.socket);
    }

    /// Takes heads that were read after the feeds were subscribed to: all that comes later is heard.
    /// Where somebody else has begun a feed from a later head, the client is asked to sync it. False
    /// when that feed is the person's own: it may have said that they came into a channel, so all
    /// is to be read again.
    pub fn learn(&self, heads: impl IntoIterator<Item = (Feed, i64)>) -> bool {
        let Attached { local, socket } = &*self.0;
        let heads = heads.into_iter().map(|(feed, head)| (feed.id(), head));
        let further = local.hub.learn(heads);
        let unknown = socket.unknown.take();
        let me = Feed::Me(socket.user).id();
        let mut complete = true;
        for (feed, head) in further.into_iter().filter(|(feed, _)| unknown.contains(feed)) {
            if feed == me {
                complete = false;
            } else if let Some(name) = local.name(feed) {
                socket.outbox.borrow_mut().set_stale(feed, &name, head);
            }
        }
        complete
    }

    /// Whether this socket is subscribed to a feed.
    pub fn hears(&self, feed: Feed) -> bool {
        self.0.socket.hears(feed.id())
    }

    /// Writes the first frame, and after it all that was held back.
    pub fn open(&self, first: &[u8]) {
        self.0.socket.outbox.borrow_mut().open(text_frame(first));
    }

    /// Queues a reply or another frame that is never dropped.
    pub fn send(&self, json: &[u8]) {
        self.0.socket.outbox.borrow_mut().push_control(text_frame(json));
    }

    /// Queues a page of a feed that was asked for. Whoever may no longer hear the feed by the time
    /// that it can be written is answered `instead`.
    pub fn send_page(&self, feed: Feed, json: &[u8], instead: &[u8]) {
        let mut outbox = self.0.socket.outbox.borrow_mut();
        if self.hears(feed) {
            outbox.push_page(feed.id(), text_frame(json), text_frame(instead));
        } else {
            outbox.push_control(text_frame(json));
        }
    }

    /// Answers a ping.
    pub fn pong(&self, payload: &[u8]) {
        self.0.socket.outbox.borrow_mut().push_control(pong_frame(payload));
    }

    /// Sends a close frame after what waits, and nothing more. The connection stays open until
    /// [`Connection::finish`].
    pub fn close(&self, reason: CloseReason) {
        self.0.socket.outbox.borrow_mut().close(reason);
    }

    /// Ends the connection after what waits. It hears nothing from now on, however long the client
    /// takes to read the last of it.
    pub fn finish(&self) {
        self.0.socket.outbox.borrow_mut().finish();
        self.0.leave();
    }

    /// Puts the socket back on a feed, before what it missed is read.
    pub fn resume(&self, feed: FeedId) {
        self.0.socket.outbox.borrow_mut().set_on(feed);
    }

    /// Takes the socket off a feed again: what was read does not reach the head.
    pub fn suspend(&self, feed: FeedId) {
        self.0.socket.outbox.borrow_mut().set_off(feed);
    }

    /// Notes that something came in.
    pub fn heard(&self) {
        self.0.socket.heard.set(Instant::now());
    }

    /// Notes that the person has done something.
    pub fn acted(&self, now: Timestamp) {
        self.0.socket.person.act(now);
    }

    /// The next chunk for the wire; `None` when the connection is to end.
    pub fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        self.0.socket.outbox.borrow_mut().poll_next(cx)
    }

    /// Ready when the connection is to end. Wakes also when [`Connection::has_room`] has become
    /// true.
    pub fn poll_closing(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.socket.outbox.borrow_mut().poll_closing(cx)
    }

    /// Whether the socket may be read from: not while its outbox is over half full.
    pub fn has_room(&self) -> bool {
        self.0.socket.outbox.borrow().has_room()
    }
}

impl Attached {
    fn leave(&self) {
        let feeds = self.socket.feeds.borrow().clone();
        for feed in feeds {
            self.local.remove(feed, &self.socket);
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.leave();
    }
}
