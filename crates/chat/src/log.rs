//! The one door for changes.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tertulia_domain::{Change, Clock, Frame, Outcome, SessionId};
use tertulia_realtime::{Bus, Event, Hub};
use tertulia_store::{self as store, Batch, Store};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::indexing::Hints;
use crate::pace::Pace;
use crate::{Caller, Error};

/// Changes that may wait; more are answered [`Error::Overloaded`].
const MAX_QUEUED: usize = 4096;
/// Bytes that may wait.
const MAX_QUEUED_BYTES: usize = 8 * 1024 * 1024;
/// Changes in one transaction: beyond some hundred, a larger one is no cheaper per change.
const MAX_BATCH: usize = 512;
/// Bytes in one transaction.
const MAX_BATCH_BYTES: usize = 1024 * 1024;
/// A batch that has as many does not wait for more: what a transaction costs by itself is little
/// beside what they cost.
const ENOUGH: usize = 32;
/// How long reactions wait for others while many come and nothing else does. Several to one message
/// are one frame to each of its readers, and nobody sees so short a delay.
const REACTIONS_GATHER: Duration = Duration::from_millis(20);
/// A change that has waited longer is answered [`Error::Timeout`], unwritten: its sender has
/// most likely given up.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Between tries while the database is away.
const RETRY: Duration = Duration::from_millis(250);

/// The only way in which a feed moves. What is queued while a batch commits is the next batch; a
/// caller is answered once the change is on disk and has been handed to the hub, in rev order.
/// Changes are committed in the order in which they were submitted. Clones share it.
#[derive(Clone)]
pub(crate) struct ChangeLog(Arc<Queue>);

struct Queue {
    /// Taken away to close the log.
    sender: Mutex<Option<mpsc::Sender<Pending>>>,
    bytes: AtomicUsize,
}

struct Pending {
    change: Change,
    /// Whose change it is; none when it is the server's own.
    session: Option<SessionId>,
    weight: usize,
    since: Instant,
    answer: oneshot::Sender<Result<Outcome, Error>>,
}

impl ChangeLog {
    /// Queues a change, at once, and gives what becomes of it. Nothing is written when this is an
    /// error, or when the answer is one, but [`Error::Unavailable`], after which a message that
    /// has an id may be sent again. What a session asks for after its own end in the log is not
    /// done.
    pub(crate) fn submit(
        &self,
        change: Change,
        session: Option<SessionId>,
    ) -> Result<impl Future<Output = Result<Outcome, Error>> + Send + use<>, Error> {
        let overloaded = || Error::Overloaded(Duration::from_secs(1));
        let weight = change.weight();
        let (answer, answered) = oneshot::channel();
        {
            let sender = self.0.sender.lock();
            let sender = sender.as_ref().ok_or(Error::Unavailable)?;
            if self.0.bytes.fetch_add(weight, Ordering::AcqRel) + weight > MAX_QUEUED_BYTES {
                self.0.bytes.fetch_sub(weight, Ordering::AcqRel);
                return Err(overloaded());
            }
            let pending = Pending { change, session, weight, since: Instant::now(), answer };
            if sender.try_send(pending).is_err() {
                self.0.bytes.fetch_sub(weight, Ordering::AcqRel);
                return Err(overloaded());
            }
        }
        Ok(async move { answered.await.unwrap_or(Err(Error::Unavailable)) })
    }

    /// Makes a change and waits until it is on disk.
    pub(crate) async fn commit(&self, change: Change, caller: &Caller) -> Result<Outcome, Error> {
        self.submit(change, Some(caller.session))?.await
    }

    /// Takes no more changes; what is queued is still committed.
    pub(crate) fn close(&self) {
        self.0.sender.lock().take();
    }
}

fn is_end(change: &Change) -> bool {
    matches!(change, Change::EndSessions { .. } | Change::Account(_))
}

struct Writer {
    store: Store,
    bus: Bus,
    hub: Hub,
    clock: Clock,
    gather: Duration,
    pace: Pace,
    queue: Arc<Queue>,
    wakes: Wakes,
}

/// Who is woken by what was committed here. They find it in the database in any case, later.
pub(crate) struct Wakes {
    /// A channel was deleted.
    pub(crate) deleted: Arc<Notify>,
    /// Somebody is yet to be told of something.
    pub(crate) due: Arc<Notify>,
    /// Channels in which something was said.
    pub(crate) hints: Hints,
}

/// Starts a log and the task that drains it, which ends after [`ChangeLog::close`].
pub(crate) fn start(
    store: Store,
    bus: Bus,
    hub: Hub,
    clock: Clock,
    gather: Duration,
    wakes: Wakes,
) -> (ChangeLog, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(MAX_QUEUED);
    let queue = Arc::new(Queue { sender: Mutex::new(Some(sender)), bytes: AtomicUsize::new(0) });
    let pace = Pace::new();
    let writer = Writer { store, bus, hub, clock, gather, pace, queue: Arc::clone(&queue), wakes };
    (ChangeLog(queue), tokio::spawn(writer.run(receiver)))
}

impl Writer {
    async fn run(mut self, mut receiver: mpsc::Receiver<Pending>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH);
        loop {
            if waiting.is_empty() && receiver.recv_many(&mut waiting, MAX_BATCH).await == 0 {
                return;
            }
            self.pace.begin();
            loop {
                let (gather, enough) = self.patience(&waiting);
                if waiting.len() >= enough || !self.pace.expects_more(gather) {
                    break;
                }
                let more = receiver.recv_many(&mut waiting, MAX_BATCH);
                let Ok(1..) = tokio::time::timeout_at(self.pace.begun + gather, more).await else {
                    break;
                };
            }
            while waiting.len() < MAX_BATCH {
                let Ok(more) = receiver.try_recv() else { break };
                waiting.push(more);
            }
            self.pace.note(waiting.len());
            let batch = self.cut(&mut waiting);
            if !batch.is_empty() {
                self.commit(batch).await;
            }
            self.hub.room().await;
        }
    }

    /// How long these wait for company, and from how many on they do not.
    fn patience(&self, waiting: &[Pending]) -> (Duration, usize) {
        let reactions = waiting.iter().all(|pending| matches!(pending.change, Change::React(_)));
        if reactions {
            (REACTIONS_GATHER.max(self.gather), MAX_BATCH)
        } else {
            (self.gather, ENOUGH)
        }
    }

    /// The next batch: as much from the front as one transaction takes. What has waited too long
    /// is answered.
    fn cut(&self, waiting: &mut Vec<Pending>) -> Vec<Pending> {
        let mut bytes = 0;
        let mut ending = false;
        let fits = |pending: &Pending| {
            // What follows the end of a session may be asked by it: that is seen once it is known.
            let after_an_end = std::mem::replace(&mut ending, is_end(&pending.change));
            bytes += pending.weight;
            bytes <= MAX_BATCH_BYTES && !after_an_end
        };
        // The first one always fits: a change is bounded far below a batch.
        let count = waiting.iter().map(fits).take_while(|fits| *fits).count().max(1);
        let mut batch = Vec::with_capacity(count);
        for pending in waiting.drain(..count.min(waiting.len())) {
            self.queue.bytes.fetch_sub(pending.weight, Ordering::AcqRel);
            if pending.since.elapsed() > MAX_WAIT {
                let _ = pending.answer.send(Err(Error::Timeout));
            } else if pending.session.is_some_and(|session| self.hub.has_ended(session)) {
                let _ = pending.answer.send(Err(Error::Unauthenticated));
            } else {
                batch.push(pending);
            }
        }
        batch
    }

    async fn commit(&self, batch: Vec<Pending>) {
        // Nobody is answered later than the limit, however the database goes away.
        let oldest = batch.iter().map(|pending| pending.since).min();
        let deadline = oldest.unwrap_or_else(Instant::now) + MAX_WAIT;
        let (changes, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|pending| (pending.change, pending.answer)).unzip();
        let changes: Arc<[Change]> = changes.into();
        match self.write(Arc::clone(&changes), deadline).await {
            Ok(batch) => self.publish(batch, answers),
            // One of them may be what the database chokes on: it shall fail by itself.
            Err(
                error @ (store::Error::Other(_) | store::Error::Raced | store::Error::Corrupt(_)),
            ) if answers.len() > 1 => {
                tracing::warn!(%error, changes = answers.len(), "a batch failed; one by one");
                for (change, answer) in changes.iter().zip(answers) {
                    match self.write([change.clone()].into(), deadline).await {
                        Ok(batch) => self.publish(batch, vec![answer]),
                        Err(error) => drop(answer.send(Err(error.into()))),
                    }
                }
            }
            Err(error) => {
                let error = Error::from(error);
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Writes a batch; again while the database is away, since it may have gone away after it
    /// committed: the server has named every message, so the next try finds them.
    async fn write(
        &self,
        changes: Arc<[Change]>,
        deadline: Instant,
    ) -> Result<Batch, store::Error> {
        loop {
            let result =
                self.store.commit_before(Arc::clone(&changes), self.clock.now(), deadline).await;
            match result {
                Err(store::Error::Unavailable(why)) if Instant::now() + RETRY < deadline => {
                    tracing::warn!(why, "the database is away; trying again");
                    tokio::time::sleep(RETRY).await;
                }
                result => return result,
            }
        }
    }

    fn publish(&self, batch: Batch, answers: Vec<oneshot::Sender<Result<Outcome, Error>>>) {
        self.bus.publish(batch.frames.iter().map(Event::new).collect());
        if batch.frames.iter().any(Frame::ends_channel) {
            self.wakes.deleted.notify_one();
        }
        if batch.due {
            self.wakes.due.notify_one();
        }
        for (outcome, answer) in batch.outcomes.into_iter().zip(answers) {
            // Who has gone away needs no answer: it is on disk all the same.
            let _ = answer.send(outcome.map_err(Error::from));
        }
        self.wakes.hints.note(&batch.frames);
    }
}
