//! What waits to be written to one socket: shared chunks, bounded in bytes.
//!
//! A socket that reads too slowly loses its place in a feed, not its connection: what waits of that
//! feed is dropped, `stale` says so, and nothing more of it is queued until the client syncs. Before
//! that, what is only true for a moment (typing, reading, presence) is dropped.
//! Replies and control frames are never dropped; a socket whose outbox is over half full is not
//! read from, so that it cannot ask for more of them.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tertulia_domain::FeedId;

use crate::wire::{close_frame, text_frame};

/// What may wait. The chunks are shared by all listeners, so a slow socket holds back little more
/// than what nobody else holds; 1 MiB is a second of some 2,500 messages.
const MAX_BYTES: usize = 1024 * 1024;

/// With more waiting, glimpses are dropped: who is slow shall catch up with what was said.
const MAX_GLIMPSES: usize = MAX_BYTES / 4;

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// 1000: the client wished so.
    Normal,
    /// 1001: the server stops; come back after `retry_after_ms`.
    GoingAway,
    /// 1002: the client broke the protocol.
    Protocol,
    /// 1003: a frame of a kind that is not spoken here.
    Unsupported,
    /// 1007: text that is not UTF-8.
    InvalidText,
    /// 1009: a message above 64 KiB.
    TooBig,
    /// 1011: the server failed.
    Failed,
    /// 4008: too slow, or silent for too long; come back.
    TooSlow,
    /// 4009: the session has ended; sign in again.
    SessionEnded,
    /// 4010: the access token has ended; refresh it and come back.
    TokenEnded,
}

impl CloseReason {
    /// The code, and what a person reads.
    pub const fn code(self) -> (u16, &'static str) {
        match self {
            Self::Normal => (1000, ""),
            Self::GoingAway => (1001, "the server stops"),
            Self::Protocol => (1002, "protocol error"),
            Self::Unsupported => (1003, "only text is spoken here"),
            Self::InvalidText => (1007, "text must be UTF-8"),
            Self::TooBig => (1009, "at most 65536 bytes"),
            Self::Failed => (1011, "internal error"),
            Self::TooSlow => (4008, "too slow, or silent for too long"),
            Self::SessionEnded => (4009, "the session has ended"),
            Self::TokenEnded => (4010, "the token has ended"),
        }
    }
}

struct Item {
    what: What,
    bytes: Bytes,
}

enum What {
    /// Never dropped.
    Control,
    /// Frames of a feed, which may be dropped and synced again.
    Frames(FeedId),
    /// What is shown to who looks at a feed, which nobody misses.
    Glimpse(FeedId),
    /// A page of a feed that was asked for, and what is answered instead to whoever may no longer
    /// hear the feed.
    Page(FeedId, Bytes),
}

enum State {
    /// Nothing goes out before the first frame, `ready`.
    Held,
    Open,
    /// What waits is still written, and nothing more.
    Closing,
    /// The connection ends once what waits is written.
    Finished,
}

/// What waits to be written to one socket.
pub(crate) struct Outbox {
    queue: VecDeque<Item>,
    bytes: usize,
    state: State,
    /// Feeds that this socket is not on until it has synced them.
    off: Vec<FeedId>,
    writer: Option<Waker>,
    reader: Option<Waker>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            bytes: 0,
            state: State::Held,
            off: Vec::new(),
            writer: None,
            reader: None,
        }
    }

    /// Sends the first frame, and after it all that was held back.
    pub(crate) fn open(&mut self, first: Bytes) {
        if matches!(self.state, State::Held) {
            self.bytes += first.len();
            self.queue.push_front(Item { what: What::Control, bytes: first });
            self.state = State::Open;
            self.wake();
        }
    }

    /// Queues frames of a feed, the last of which is `last`.
    pub(crate) fn push_frames(&mut self, feed: FeedId, name: &str, chunk: &Bytes, last: i64) {
        if self.is_closing() || self.off.contains(&feed) {
            return;
        }
        if self.bytes > 0 && self.bytes + chunk.len() > MAX_BYTES {
            self.shed();
        }
        // An empty outbox takes anything: a batch may be larger than the bound.
        if self.bytes > 0 && self.bytes + chunk.len() > MAX_BYTES {
            self.set_stale(feed, name, last);
            return;
        }
        self.enqueue(What::Frames(feed), chunk.clone());
    }

    /// Queues what is shown to who looks at a feed, unless the client is slow.
    pub(crate) fn push_glimpse(&mut self, feed: FeedId, frame: &Bytes) {
        let fits = self.bytes + frame.len() <= MAX_GLIMPSES || self.bytes == 0;
        if self.is_open() && !self.is_off(feed) && fits {
            self.enqueue(What::Glimpse(feed), frame.clone());
        }
    }

    /// Drops all glimpses: nobody misses them.
    fn shed(&mut self) {
        self.queue.retain(|item| !matches!(item.what, What::Glimpse(_)));
        self.set_bytes(self.queue.iter().map(|item| item.bytes.len()).sum());
    }

    /// Drops what waits of a feed, and asks the client to sync it.
    pub(crate) fn set_stale(&mut self, feed: FeedId, name: &str, head: i64) {
        if self.off.contains(&feed) {
            return;
        }
        self.drop_feed(feed);
        self.off.push(feed);
        let json = format!(r#"{{"type":"stale","feed":"{name}","head":{head}}}"#);
        self.push_control(text_frame(json.as_bytes()));
    }

    /// Whether the client must sync this feed before it hears more of it.
    pub(crate) fn is_off(&self, feed: FeedId) -> bool {
        self.off.contains(&feed)
    }

    /// Takes a socket off a feed, because a page of what it missed did not reach the head.
    pub(crate) fn set_off(&mut self, feed: FeedId) {
        if !self.off.contains(&feed) {
            self.drop_feed(feed);
            self.off.push(feed);
        }
    }

    /// Puts a socket back on a feed.
    pub(crate) fn set_on(&mut self, feed: FeedId) {
        self.off.retain(|off| *off != feed);
    }

    /// Forgets a feed, and what still waits of it: the person may no longer hear it.
    pub(crate) fn forget(&mut self, feed: FeedId) {
        for item in &mut self.queue {
            if let What::Page(of, instead) = &item.what
                && *of == feed
            {
                let bytes = instead.clone();
                *item = Item { what: What::Control, bytes };
            }
        }
        self.drop_feed(feed);
        self.set_on(feed);
    }

    /// A feed has ended: instead of what still waits of it, its last frame is said. Who was to sync
    /// it first hears nothing of it, and learns it then.
    pub(crate) fn end_feed(&mut self, feed: FeedId, last: &Bytes) {
        let was_on = !self.is_off(feed);
        self.forget(feed);
        if was_on {
            self.push_control(last.clone());
        }
    }

    /// Queues what is never dropped.
    pub(crate) fn push_control(&mut self, bytes: Bytes) {
        if !self.is_closing() {
            self.enqueue(What::Control, bytes);
        }
    }

    /// Queues a page of a feed that was asked for: answered it is in any case, but by `instead` once
    /// the person may no longer hear the feed.
    pub(crate) fn push_page(&mut self, feed: FeedId, page: Bytes, instead: Bytes) {
        if !self.is_closing() {
            self.enqueue(What::Page(feed, instead), page);
        }
    }

    /// Sends a close frame after what waits. The connection stays until [`Outbox::finish`], so that
    /// what the client is still sending does not make the kernel throw the close frame away.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.is_closing() {
            return;
        }
        let (code, text) = reason.code();
        if !matches!(reason, CloseReason::Normal | CloseReason::GoingAway) {
            // Whoever may no longer listen hears nothing of what waits.
            self.queue.clear();
            self.bytes = 0;
        }
        self.enqueue(What::Control, close_frame(code, text));
        self.state = State::Closing;
        self.wake();
    }

    /// Ends the connection after what waits.
    pub(crate) fn finish(&mut self) {
        self.state = State::Finished;
        self.wake();
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(crate) fn is_closing(&self) -> bool {
        matches!(self.state, State::Closing | State::Finished)
    }

    /// The next chunk for the wire; `None` when the connection is to end.
    pub(crate) fn poll_next(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        if !matches!(self.state, State::Held)
            && let Some(item) = self.queue.pop_front()
        {
            self.set_bytes(self.bytes - item.bytes.len());
            if self.queue.is_empty() && self.queue.capacity() > 16 {
                self.queue = VecDeque::new();
            }
            return Poll::Ready(Some(item.bytes));
        }
        if matches!(self.state, State::Finished) {
            return Poll::Ready(None);
        }
        if !self.writer.as_ref().is_some_and(|writer| writer.will_wake(cx.waker())) {
            self.writer = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Ready when the connection is to end; wakes also when there is room again.
    pub(crate) fn poll_closing(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.is_closing() {
            return Poll::Ready(());
        }
        if !self.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            self.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Whether the socket may be read from.
    pub(crate) fn has_room(&self) -> bool {
        !self.is_crowded()
    }

    fn is_crowded(&self) -> bool {
        self.bytes > MAX_BYTES / 2
    }

    fn enqueue(&mut self, what: What, bytes: Bytes) {
        self.bytes += bytes.len();
        self.queue.push_back(Item { what, bytes });
        if !matches!(self.state, State::Held) {
            self.wake();
        }
    }

    fn drop_feed(&mut self, feed: FeedId) {
        let is_of =
            |what: &What| matches!(what, What::Frames(of) | What::Glimpse(of) if *of == feed);
        self.queue.retain(|item| !is_of(&item.what));
        self.set_bytes(self.queue.iter().map(|item| item.bytes.len()).sum());
    }

    /// Less waits than before: there may be room for the reader again.
    fn set_bytes(&mut self, bytes: usize) {
        let crowded = self.is_crowded();
        self.bytes = bytes;
        if crowded
            && !self.is_crowded()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        if self.is_closing()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tertulia_domain::{ChannelId, Feed, Timestamp};

    use super::*;

    fn feed() -> FeedId {
        Feed::Channel(ChannelId::new(Timestamp::from_unix_millis(0))).id()
    }

    fn drain(outbox: &mut Outbox) -> Vec<String> {
        let cx = Context::from_waker(Waker::noop());
        let mut out = Vec::new();
        while let Poll::Ready(Some(bytes)) = outbox.poll_next(&cx) {
            out.push(String::from_utf8_lossy(&bytes).into_owned());
        }
        out
    }

    #[test]
    fn nothing_goes_out_before_the_first_frame() {
        let mut outbox = Outbox::new();
        outbox.push_frames(feed(), "c", &Bytes::from_static(b"one"), 1);
        assert!(drain(&mut outbox).is_empty());
        outbox.open(Bytes::from_static(b"ready"));
        assert_eq!(drain(&mut outbox), ["ready", "one"]);
    }

    #[test]
    fn a_feed_that_overflows_becomes_stale_and_replies_stay() {
        let (slow, other) = (feed(), feed());
        let mut outbox = Outbox::new();
        outbox.open(Bytes::from_static(b"ready"));
        let chunk = Bytes::from(vec![b'x'; MAX_BYTES / 2]);
        outbox.push_frames(slow, "slow", &chunk, 1);
        outbox.push_control(Bytes::from_static(b"reply"));
        outbox.push_frames(other, "other", &Bytes::from_static(b"other"), 7);
        outbox.push_frames(slow, "slow", &chunk, 2);
        outbox.push_frames(slow, "slow", &Bytes::from_static(b"later"), 3);
        let out = drain(&mut outbox);
        assert_eq!(out[..3], ["ready", "reply", "other"]);
        assert!(out[3].ends_with(r#"{"type":"stale","feed":"slow","head":2}"#));
        assert_eq!(out.len(), 4);
        outbox.set_on(slow);
        outbox.push_frames(slow, "slow", &Bytes::from_static(b"again"), 4);
        assert_eq!(drain(&mut outbox), ["again"]);
    }

    #[test]
    fn glimpses_are_the_first_to_go() {
        let (busy, other) = (feed(), feed());
        let mut outbox = Outbox::new();
        outbox.open(Bytes::from_static(b"ready"));
        outbox.push_glimpse(other, &Bytes::from_static(b"typing"));
        outbox.push_frames(busy, "busy", &Bytes::from(vec![b'x'; MAX_BYTES - 11]), 1);
        outbox.push_glimpse(other, &Bytes::from_static(b"more"));
        outbox.push_frames(other, "other", &Bytes::from_static(b"news"), 2);
        let out = drain(&mut outbox);
        assert_eq!((out.len(), &*out[0], &*out[2]), (3, "ready", "news"), "and nothing is stale");

        outbox.push_glimpse(other, &Bytes::from_static(b"secret"));
        outbox.forget(other);
        assert!(drain(&mut outbox).is_empty(), "who may not hear it sees nothing of it");
    }

    #[test]
    fn who_may_no_longer_hear_a_feed_hears_nothing_that_waits() {
        let gone = feed();
        let mut outbox = Outbox::new();
        outbox.open(Bytes::from_static(b"ready"));
        outbox.push_frames(gone, "gone", &Bytes::from_static(b"secret"), 1);
        let (page, instead) = (Bytes::from_static(b"secrets"), Bytes::from_static(b"not found"));
        outbox.push_page(gone, page.clone(), instead.clone());
        outbox.push_page(feed(), page, instead);
        outbox.forget(gone);
        assert_eq!(drain(&mut outbox), ["ready", "not found", "secrets"]);
    }

    #[test]
    fn of_a_feed_that_has_ended_only_its_end_is_heard() {
        let (ended, slow) = (feed(), feed());
        let mut outbox = Outbox::new();
        outbox.open(Bytes::from_static(b"ready"));
        outbox.push_frames(ended, "ended", &Bytes::from_static(b"secret"), 1);
        outbox.set_stale(slow, "slow", 1);
        outbox.end_feed(ended, &Bytes::from_static(b"deleted"));
        outbox.end_feed(slow, &Bytes::from_static(b"deleted unseen"));
        let out = drain(&mut outbox);
        assert!(out[1].contains("stale"));
        assert_eq!((&out[0][..], &out[2..]), ("ready", &["deleted".to_owned()][..]));
    }

    #[test]
    fn an_ended_session_hears_nothing_but_that_it_ended() {
        let mut outbox = Outbox::new();
        outbox.open(Bytes::from_static(b"ready"));
        outbox.push_frames(feed(), "f", &Bytes::from_static(b"secret"), 1);
        outbox.close(CloseReason::SessionEnded);
        assert!(drain(&mut outbox)[0].contains("the session has ended"));
        let cx = Context::from_waker(Waker::noop());
        assert_eq!(outbox.poll_next(&cx), Poll::Pending);
        outbox.finish();
        assert_eq!(outbox.poll_next(&cx), Poll::Ready(None));
    }

    /// Whether it has been woken.
    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicBool);

    impl std::task::Wake for Woken {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    }

    #[test]
    fn a_reader_is_woken_when_what_crowded_the_outbox_is_dropped() {
        let busy = feed();
        for drop_it in [|o: &mut Outbox, f| o.forget(f), |o: &mut Outbox, f| o.set_stale(f, "f", 1)]
        {
            let mut outbox = Outbox::new();
            outbox.open(Bytes::from_static(b"ready"));
            outbox.push_frames(busy, "f", &Bytes::from(vec![b'x'; MAX_BYTES - 5]), 1);
            let woken = std::sync::Arc::new(Woken::default());
            let waker = Waker::from(std::sync::Arc::clone(&woken));
            assert!(outbox.poll_closing(&Context::from_waker(&waker)).is_pending());
            assert!(!outbox.has_room());
            drop_it(&mut outbox, busy);
            assert!(outbox.has_room());
            assert!(woken.0.load(std::sync::atomic::Ordering::Relaxed), "nobody else will");
        }
    }

    #[test]
    fn a_crowded_outbox_stops_its_reader() {
        let mut outbox = Outbox::new();
        outbox.open(Bytes::from_static(b"ready"));
        drain(&mut outbox);
        outbox.push_frames(feed(), "f", &Bytes::from(vec![b'x'; MAX_BYTES]), 1);
        assert!(!outbox.has_room());
        drain(&mut outbox);
        assert!(outbox.has_room());
    }
}
