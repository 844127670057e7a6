//! How far people have read: each marker is moved at once, and then at most once a second.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tertulia_domain::policy::Action;
use tertulia_domain::{
    Change, ChannelId, Mark, MarkTo, Marked, MessageId, Outcome, Page, PageRequest, ReadBy, UserId,
};
use tertulia_realtime::{Bus, Signal};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use crate::log::ChangeLog;
use crate::{Caller, Chat, Error, ReadView};

/// Between two commits of one person's marker in one channel.
const INTERVAL: Duration = Duration::from_secs(1);

/// What is due within this time of what is due first is done with it.
const TOGETHER: Duration = Duration::from_millis(50);

/// Markers that are moved, and those that wait for their second to pass: what comes meanwhile rides
/// with them. Everybody is answered after the commit that holds what they said. Clones share it.
#[derive(Clone)]
pub(crate) struct Marks(Arc<Inner>);

struct Inner {
    log: ChangeLog,
    bus: Bus,
    /// Held for a lookup at a time. Nobody waits here longer than a second, nor with more than a
    /// socket may leave unanswered.
    slots: Mutex<HashMap<UserId, HashMap<ChannelId, Slot>>>,
    filled: Notify,
}

struct Slot {
    /// When the next commit may be.
    due: Instant,
    waiting: Vec<Waiting>,
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
        let now = Instant::now();
        let mut slots = self.0.slots.lock();
        let slots = slots.entry(caller.user).or_default();
        let slot = slots.entry(channel).or_insert_with(|| Slot { due: now, waiting: Vec::new() });
        // Wakes whoever clears away what nobody waits in any more, too.
        self.0.filled.notify_one();
        if slot.waiting.is_empty() && slot.due <= now {
            slot.due = now + INTERVAL;
            return None;
        }
        let (answer, answered) = oneshot::channel();
        slot.waiting.push(Waiting { caller, to, answer });
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
        let due = self.take(user);
        join_all(due.into_iter().map(|due| self.settle(due))).await;
    }

    fn take(&self, user: UserId) -> Vec<Due> {
        let mut slots = self.0.slots.lock();
        let slots = slots.get_mut(&user).into_iter().flatten();
        let waiting = slots.filter(|(_, slot)| !slot.waiting.is_empty());
        let next = Instant::now() + INTERVAL;
        waiting
            .map(|(channel, slot)| {
                slot.due = next;
                (*channel, std::mem::take(&mut slot.waiting))
            })
            .collect()
    }

    /// What is due by `until`, and when the next is. What nobody waits in is forgotten.
    fn due(&self, until: Instant) -> (Vec<Due>, Option<Instant>) {
        let mut due = Vec::new();
        let mut next: Option<Instant> = None;
        self.0.slots.lock().retain(|_, slots| {
            slots.retain(|channel, slot| {
                if slot.due <= until {
                    if slot.waiting.is_empty() {
                        return false;
                    }
                    due.push((*channel, std::mem::take(&mut slot.waiting)));
                    slot.due = until + INTERVAL;
                }
                next = Some(next.map_or(slot.due, |next| next.min(slot.due)));
                true
            });
            !slots.is_empty()
        });
        (due, next)
    }

    /// Runs until `stop`, and then commits all that still waits.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut next = None;
        loop {
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at + TOGETHER).await,
                    None => self.0.filled.notified().await,
                }
            };
            let stopped = tokio::select! {
                _ = stop.changed() => true,
                () = due => false,
            };
            let until = Instant::now() + if stopped { INTERVAL } else { Duration::ZERO };
            let (due, then) = self.due(until);
            next = then;
            join_all(due.into_iter().map(|due| self.settle(due))).await;
            if stopped {
                return;
            }
        }
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
