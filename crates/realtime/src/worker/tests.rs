use std::task::{Context, Poll, Waker};

use tertulia_domain::{ChannelId, Clock, Timestamp};
use tokio::task::LocalSet;

use super::*;
use crate::{Effect, Event};

const THEN: Timestamp = Timestamp::from_unix_millis(0);

struct Thread {
    hub: Hub,
    worker: Worker,
    channel: ChannelId,
    user: UserId,
    session: SessionId,
}

impl Thread {
    fn start() -> Self {
        let hub = Hub::new(Clock::manual(THEN));
        let worker = Worker::start(&hub);
        let (channel, user) = (ChannelId::new(THEN), UserId::new(THEN));
        Self { hub, worker, channel, user, session: SessionId::new(THEN) }
    }

    /// A socket that has begun, in the channel at `head`, or not in it.
    fn socket(&self, head: Option<i64>) -> Connection {
        let socket = self.worker.connect(self.user, self.session);
        let own = (Feed::Me(self.user), 0);
        let channel = head.map(|head| (Feed::Channel(self.channel), head));
        socket.subscribe(channel.map(|_| &self.channel));
        assert!(socket.learn([own].into_iter().chain(channel)));
        socket.open(b"ready");
        assert_eq!(heard(&socket), "ready");
        socket
    }

    fn step(&self, rev: i64, effect: Option<Effect>) -> Event {
        let frame = text_frame(rev.to_string().as_bytes());
        Event { feed: Feed::Channel(self.channel), prev: rev - 1, rev, effect, frame }
    }

    fn own(&self, rev: i64, joined: bool) -> Event {
        let effect = Some(Effect::Belongs { channel: self.channel, joined });
        let frame = text_frame(b"me");
        Event { feed: Feed::Me(self.user), prev: rev - 1, rev, effect, frame }
    }

    fn admit(&self, rev: i64) -> Event {
        self.step(rev, Some(Effect::Admit(self.user)))
    }

    fn cut(&self, rev: i64) -> Event {
        self.step(rev, Some(Effect::Cut(self.user)))
    }

    fn publish(&self, event: Event) {
        self.hub.publish(vec![event]);
    }

    fn listens(&self) -> bool {
        let feed = Feed::Channel(self.channel).id();
        self.hub.is_subscribed(feed, self.user, self.worker.0.id)
    }
}

/// The payloads that wait for a socket.
fn heard(socket: &Connection) -> String {
    let mut heard = Vec::new();
    let cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(mut chunk)) = socket.poll_next(&cx) {
        while !chunk.is_empty() {
            let length = usize::from(chunk[1]);
            assert!(length < 126, "short frames only");
            heard.push(String::from_utf8_lossy(&chunk[2..2 + length]).into_owned());
            chunk = chunk.split_off(2 + length);
        }
    }
    heard.join(" ")
}

/// Lets the worker do what it was told.
async fn turn() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// Runs a story on a thread's `LocalSet`.
async fn on_a_thread(story: impl AsyncFnOnce(Thread)) {
    LocalSet::new().run_until(async { story(Thread::start()).await }).await;
}

#[tokio::test]
async fn all_sockets_of_a_thread_hear_a_feed() {
    on_a_thread(async |thread| {
        let sockets = [thread.socket(Some(1)), thread.socket(Some(1))];
        let stranger = Thread { user: UserId::new(THEN), ..thread };
        let elsewhere = stranger.socket(None);
        stranger.hub.publish(vec![stranger.step(2, None), stranger.step(3, None)]);
        turn().await;
        assert_eq!(sockets.each_ref().map(heard), ["2 3", "2 3"]);
        assert_eq!(heard(&elsewhere), "");
    })
    .await;
}

#[tokio::test]
async fn who_is_cut_and_let_in_again_before_the_worker_gets_to_it_misses_nothing_unknowingly() {
    on_a_thread(async |thread| {
        let socket = thread.socket(Some(1));
        let other = thread.hub.clone();
        other.subscribe(Feed::Channel(thread.channel), UserId::new(THEN), thread.worker.0.id);
        // Three batches wait for the worker; by the time that it carries out the first, the hub has
        // long counted this listener again.
        thread.publish(thread.cut(2));
        thread.publish(thread.admit(3));
        thread.publish(thread.step(4, None));
        turn().await;
        thread.publish(thread.step(5, None));
        turn().await;
        let heard = heard(&socket);
        assert!(heard == "3 4 5" || heard.contains("stale"), "{heard}");
        assert!(thread.listens());
    })
    .await;
}

#[tokio::test]
async fn a_device_comes_in_though_another_has_come_in_before() {
    on_a_thread(async |thread| {
        let first = thread.socket(None);
        // That they were let in was lost; a device that connects now knows it from the database.
        let second = thread.socket(Some(3));
        thread.publish(thread.own(1, true));
        turn().await;
        assert!(heard(&first).contains("stale"));
        assert_eq!(heard(&second), "me");
        first.resume(Feed::Channel(thread.channel).id());
        thread.publish(thread.step(4, None));
        turn().await;
        assert_eq!((heard(&first), heard(&second)), ("4".to_owned(), "4".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn who_begins_while_another_does_hears_all_or_is_told() {
    on_a_thread(async |thread| {
        let feed = Feed::Channel(thread.channel);
        let [early, late] = [(); 2].map(|()| {
            let socket = thread.worker.connect(thread.user, thread.session);
            socket.subscribe([&thread.channel]);
            socket
        });
        // The first has read the database, then 6 is said, then the second reads it.
        thread.publish(thread.step(6, None));
        assert!(late.learn([(Feed::Me(thread.user), 0), (feed, 6)]));
        assert!(early.learn([(Feed::Me(thread.user), 0), (feed, 5)]));
        early.open(b"ready");
        late.open(b"ready");
        thread.publish(thread.step(7, None));
        turn().await;
        assert_eq!(heard(&late), "ready 7");
        assert!(heard(&early).starts_with(r#"ready {"type":"stale""#));
        // What the person's own feed said in between may be that they came into a channel.
        let third = thread.worker.connect(UserId::new(THEN), thread.session);
        let fourth = thread.worker.connect(third.user(), thread.session);
        assert!(fourth.learn([(Feed::Me(third.user()), 2)]));
        assert!(!third.learn([(Feed::Me(third.user()), 1)]), "to be read again");
        assert!(third.learn([(Feed::Me(third.user()), 2)]));
    })
    .await;
}

#[tokio::test]
async fn who_begins_while_a_feed_is_busy_is_not_sent_away() {
    on_a_thread(async |thread| {
        let _others = thread.socket(Some(5));
        let socket = thread.worker.connect(thread.user, thread.session);
        socket.subscribe([&thread.channel]);
        thread.publish(thread.step(6, None));
        thread.publish(thread.step(7, None));
        assert!(socket.learn([(Feed::Channel(thread.channel), 6)]));
        socket.open(b"ready");
        turn().await;
        assert_eq!(heard(&socket), "ready 6 7");
    })
    .await;
}

#[tokio::test]
async fn of_a_channel_that_ends_nothing_waits_but_its_end() {
    on_a_thread(async |thread| {
        let socket = thread.socket(Some(1));
        thread.publish(thread.step(2, None));
        turn().await;
        // What it heard before is not taken back; what waits is.
        assert_eq!(heard(&socket), "2");
        thread.publish(thread.step(3, None));
        turn().await;
        let end = thread.step(5, Some(Effect::Close));
        thread.hub.publish(vec![thread.step(4, None), end, thread.step(6, None)]);
        turn().await;
        assert_eq!(heard(&socket), "5");
        assert!(!thread.listens());
    })
    .await;
}

#[tokio::test]
async fn a_session_that_ends_takes_its_own_sockets_only() {
    on_a_thread(async |thread| {
        let gone = thread.socket(Some(1));
        let stays = Thread { session: SessionId::new(THEN), ..thread };
        let other = stays.socket(Some(1));
        stays.hub.follow_system(0, []);
        let (session, user) = (gone.session(), stays.user);
        let effect = Some(Effect::End { session, user });
        let end = Event { feed: Feed::System, prev: 0, rev: 1, effect, frame: Bytes::new() };
        // All in one batch: what comes after the end is in the same chunk as what came before.
        stays.hub.publish(vec![stays.step(2, None), end, stays.step(3, None)]);
        turn().await;
        assert!(heard(&gone).ends_with("the session has ended"));
        assert_eq!(heard(&other), "2 3");
        stays.publish(stays.step(4, None));
        turn().await;
        assert_eq!((heard(&gone), heard(&other)), (String::new(), "4".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn who_goes_away_leaves_nothing_behind() {
    on_a_thread(async |thread| {
        let (first, second) = (thread.socket(Some(1)), thread.socket(Some(1)));
        drop(first);
        assert!(thread.listens());
        second.finish();
        assert!(!thread.hub.has_listeners(), "the client may take its time to read the last of it");
        drop(second);
        let third = thread.socket(Some(1));
        let hub = thread.hub.clone();
        drop(thread);
        assert!(hub.has_listeners(), "a socket keeps its worker");
        drop(third);
        assert!(!hub.has_listeners());
    })
    .await;
}
