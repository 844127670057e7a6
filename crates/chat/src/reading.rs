//! How far people have read: each marker is moved at once, and then at most once a second.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tertulia_domain::policy::Action;
use tertulia_domain::{
    Change, ChannelId, Mark, MarkTo, Marked, MessageId, Outcome, Page, PageRequest, ReadBy, UserId,
};
use tertulia_realtime::{Bus, Signal};
use tokio::sync::{Notify, oneshot, watch};

use crate::log::ChangeLog;
use crate::slots::{Slots, keep_pace};
use crate::{Caller, Chat, Error, ReadView};

/// Markers that are moved, and those that wait for their second to pass: what comes meanwhile rides
/// with them. Everybody is answered after the commit that holds what they said. Clones share it.
#[derive(Clone)]
pub(crate) struct Marks(Arc<Inner>);

struct Inner {
    log: ChangeLog,
    bus: Bus,
    /// Held for a lookup at a time.
    slots: Mutex<Slots<ChannelId, Waiting>>,
    filled: Notify,
}

struct Waiting {
    caller: Caller,
    to: MarkTo,
    answer: oneshot::Sender<Result<Marked, Error>>,
}

/// What waits for one person in one channel.
type Due = (ChannelId, Vec<Waiting>);

impl Marks {
    pub(crate) fn new(log: ChangeLog, bus: Bus) -> Self {
        let (slots, filled) = (Mutex::default(), Notify::new());
        Self(Arc::new(Inner { log, bus, slots, filled }))
    }

    /// Moves a marker as soon as it may be.
    fn mark(
        &self,
        caller: Caller,
        channel: ChannelId,
        to: MarkTo,
    ) -> impl Future<Output = Result<Marked, Error>> + Send + use<> {
        let marks = self.clone();
        let waits = self.wait(caller, channel, to);
        async move {
            match waits {
                Some(answered) => answered.await.unwrap_or(Err(Error::Unavailable)),
                None => marks.commit(caller, channel, to).await,
            }
        }
    }

    /// Waits with others if the marker was moved less than a second ago.
    fn wait(
        &self,
        caller: Caller,
        channel: ChannelId,
        to: MarkTo,
    ) -> Option<oneshot::Receiver<Result<Marked, Error>>> {
        let mut slots = self.0.slots.lock();
        // Wakes whoever clears away what nobody waits in any more, too.
        self.0.filled.notify_one();
        if slots.is_free(caller.user, channel) {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        slots.waiting(caller.user, channel).push(Waiting { caller, to, answer });
        Some(answered)
    }

    async fn commit(
        &self,
        caller: Caller,
        channel: ChannelId,
        to: MarkTo,
    ) -> Result<Marked, Error> {
        let user = caller.user;
        let change = Change::Mark(Mark { channel, user, to });
        let Outcome::Marked(marked) = self.0.log.commit(change, &caller).await? else {
            return Err(Error::internal("a mark led to something else"));
        };
        let head = marked.head;
        let read = marked.read.map(|seq| Signal::Read { channel, head, user, seq });
        // What was read has been delivered: that need not be said.
        let delivered = marked.delivered.filter(|_| marked.read.is_none());
        let delivered = delivered.map(|seq| Signal::Delivered { channel, head, user, seq });
        let signals: Vec<_> = read.into_iter().chain(delivered).collect();
        self.0.bus.signal(&signals);
        Ok(marked)
    }

    /// Commits what waits in a slot: the furthest stands for all. If it is refused, each is asked
    /// for by itself: another one may be good.
    async fn settle(&self, (channel, waiting): Due) {
        let (read, delivered): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|it| matches!(it.to, MarkTo::Read { .. }));
        for some in [delivered, read] {
            let furthest = some.iter().max_by_key(|it| it.to.seq()).map(|it| (it.caller, it.to));
            let Some((caller, to)) = furthest else { continue };
            match self.commit(caller, channel, to).await {
                Err(_) if some.len() > 1 => {
                    for one in some {
                        let _ = one.answer.send(self.commit(one.caller, channel, one.to).await);
                    }
                }
                answer => {
                    for one in some {
                        // Who has gone away needs no answer.
                        let _ = one.answer.send(answer.clone());
                    }
                }
            }
        }
    }

    /// Commits now what waits for somebody: their unread is about to be read.
    pub(crate) async fn flush(&self, user: UserId) {
        let due = self.0.slots.lock().take(user);
        join_all(due.into_iter().map(|due| self.settle(due))).await;
    }

    /// Runs until `stop`, and then commits all that still waits.
    pub(crate) async fn run(self, stop: watch::Receiver<bool>) {
        let settle = |until| {
            let (due, next) = self.0.slots.lock().due(until);
            let settling: Vec<_> = due.into_iter().map(|due| self.settle(due)).collect();
            (async move { drop(join_all(settling).await) }, next)
        };
        keep_pace(&self.0.filled, stop, settle).await;
    }
}

impl Chat {
    /// Moves one's marker forward to a message that one has read. The future gives the marker once it
    /// is on disk: within a second of the last time, it waits for it to pass.
    pub fn read(
        &self,
        caller: &Caller,
        channel: ChannelId,
        seq: i64,
    ) -> impl Future<Output = Result<ReadView, Error>> + Send + use<> {
        self.mark(caller, channel, MarkTo::Read { seq })
    }

    /// Notes that all up to a message has come to one of one's devices, likewise.
    pub fn delivered(
        &self,
        caller: &Caller,
        channel: ChannelId,
        seq: i64,
    ) -> impl Future<Output = Result<ReadView, Error>> + Send + use<> {
        self.mark(caller, channel, MarkTo::Delivered { seq })
    }

    fn mark(
        &self,
        caller: &Caller,
        channel: ChannelId,
        to: MarkTo,
    ) -> impl Future<Output = Result<ReadView, Error>> + Send + use<> {
        let marked = self.0.marks.mark(*caller, channel, to);
        async move { Ok(ReadView { channel_id: channel, read_seq: marked.await?.read_seq }) }
    }

    /// Makes a message and all after it unread again. Others have seen that they were read.
    pub async fn mark_unread(
        &self,
        caller: &Caller,
        channel: ChannelId,
        seq: i64,
    ) -> Result<ReadView, Error> {
        self.0.marks.flush(caller.user).await;
        let marked = self.0.marks.commit(*caller, channel, MarkTo::Unread { seq }).await?;
        Ok(ReadView { channel_id: channel, read_seq: marked.read_seq })
    }

    /// How far the others in a channel have read.
    pub async fn reads(
        &self,
        caller: &Caller,
        channel: ChannelId,
        page: PageRequest,
    ) -> Result<Page<ReadBy>, Error> {
        let found = self.0.store.reads(channel, caller.user, page).await?;
        let (place, reads) = found.ok_or(Error::NotFound)?;
        self.standing(&place).require(Action::Mark)?;
        Ok(reads)
    }

    /// To whom a message has come, and who of them has read it.
    pub async fn message_reads(
        &self,
        caller: &Caller,
        message: MessageId,
        page: PageRequest,
    ) -> Result<Page<ReadBy>, Error> {
        let found = self.0.store.message_reads(message, caller.user, page).await?;
        let (place, reads) = found.ok_or(Error::NotFound)?;
        self.standing(&place).require(Action::Mark)?;
        Ok(reads)
    }
}
