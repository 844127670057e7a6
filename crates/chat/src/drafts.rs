//! What people have begun to write: kept for all of their devices, each channel's at once and then at
//! most once a second. The last one that was written counts.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::join_all;
use parking_lot::Mutex;
use tertulia_domain::{
    Change, ChannelId, Draft, DraftKey, DraftText, FileId, MessageId, NewDraft, Outcome, Page,
    PageRequest, Timestamp,
};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

use crate::log::ChangeLog;
use crate::slots::{Slots, keep_pace};
use crate::{Caller, Chat, Error};

/// Drafts that are written, and those that wait for their second to pass. Everybody is answered after
/// the commit that holds what they wrote, or what they wrote after it. Clones share it.
#[derive(Clone)]
pub(crate) struct Drafts(Arc<Inner>);

struct Inner {
    log: ChangeLog,
    /// Held while a change is queued, too: what was taken from here stands in the log before what
    /// comes after it.
    slots: Mutex<Slots<ChannelId, Waiting>>,
    filled: Notify,
}

struct Waiting {
    caller: Caller,
    new: NewDraft,
    answer: oneshot::Sender<Result<Draft, Error>>,
}

/// Drafts that waited while a message was sent that they are.
pub(crate) struct Superseded {
    drafts: Drafts,
    /// What stands there once the message is sent.
    empty: Draft,
    waiting: Vec<Waiting>,
}

impl Drafts {
    pub(crate) fn new(log: ChangeLog) -> Self {
        Self(Arc::new(Inner { log, slots: Mutex::default(), filled: Notify::new() }))
    }

    /// Writes a draft as soon as it may be.
    fn set(
        &self,
        caller: Caller,
        new: NewDraft,
    ) -> Result<impl Future<Output = Result<Draft, Error>> + Send + use<>, Error> {
        let mut slots = self.0.slots.lock();
        // Wakes whoever clears away what nobody waits in any more, too.
        self.0.filled.notify_one();
        let (user, channel) = (new.key.user, new.key.channel);
        let (written, answered) = if slots.is_free(user, channel) {
            (Some(self.submit(&caller, new)?), None)
        } else {
            let (answer, answered) = oneshot::channel();
            slots.waiting(user, channel).push(Waiting { caller, new, answer });
            (None, Some(answered))
        };
        Ok(async move {
            match (written, answered) {
                (Some(written), _) => written.await,
                (None, Some(answered)) => answered.await.unwrap_or(Err(Error::Unavailable)),
                (None, None) => Err(Error::Unavailable),
            }
        })
    }

    fn submit(
        &self,
        caller: &Caller,
        new: NewDraft,
    ) -> Result<impl Future<Output = Result<Draft, Error>> + Send + use<>, Error> {
        let outcome = self.0.log.submit(Change::SetDraft(Box::new(new)), Some(caller.session))?;
        Ok(async move {
            match outcome.await? {
                Outcome::Draft(draft) => Ok(draft),
                _ => Err(Error::internal("a draft led to something else")),
            }
        })
    }

    /// Queues a message that is what stands in a draft. What of that still waits is not written
    /// after it.
    pub(crate) fn sending<T>(
        &self,
        key: DraftKey,
        now: Timestamp,
        submit: impl FnOnce() -> Result<T, Error>,
    ) -> Result<(T, Superseded), Error> {
        let mut slots = self.0.slots.lock();
        let submitted = submit()?;
        let all = slots.waiting(key.user, key.channel);
        let waiting = all.extract_if(.., |it| it.new.key == key).collect();
        let empty = Draft::unwritten(key, now);
        Ok((submitted, Superseded { drafts: self.clone(), empty, waiting }))
    }

    /// Queues the last of what waits for each draft of a channel; it stands for all.
    fn settle(&self, waiting: Vec<Waiting>) -> Vec<impl Future<Output = ()> + use<>> {
        let mut drafts: Vec<Vec<Waiting>> = Vec::new();
        for it in waiting {
            match drafts
                .iter_mut()
                .find(|same| same.iter().all(|other| other.new.key == it.new.key))
            {
                Some(same) => same.push(it),
                None => drafts.push(vec![it]),
            }
        }
        let last = |mut same: Vec<Waiting>| {
            let Waiting { caller, new, answer } = same.pop()?;
            let key = new.key;
            let written = self.submit(&caller, new);
            let drafts = self.clone();
            Some(async move {
                let written = match written {
                    Ok(written) => written.await,
                    Err(error) => Err(error),
                };
                // If it is refused, another one may be good.
                match &written {
                    Ok(draft) => answer_all(same, draft),
                    Err(_) => drafts.put_back(key, same),
                }
                // Who has gone away needs no answer.
                let _ = answer.send(written);
            })
        };
        drafts.into_iter().filter_map(last).collect()
    }

    fn put_back(&self, key: DraftKey, waiting: Vec<Waiting>) {
        if !waiting.is_empty() {
            let mut slots = self.0.slots.lock();
            slots.waiting(key.user, key.channel).splice(0..0, waiting);
            self.0.filled.notify_one();
        }
    }

    /// Runs until `stop`, and then commits all that still waits.
    pub(crate) async fn run(self, stop: watch::Receiver<bool>) {
        let settle = |until: Instant| {
            let mut slots = self.0.slots.lock();
            let (due, next) = slots.due(until);
            let settling: Vec<_> =
                due.into_iter().flat_map(|(_, waiting)| self.settle(waiting)).collect();
            (async move { drop(join_all(settling).await) }, next)
        };
        keep_pace(&self.0.filled, stop, settle).await;
    }
}

impl Superseded {
    /// The message was sent, and the draft is empty. Nothing more is to be told than its feed does.
    pub(crate) fn said(self) {
        answer_all(self.waiting, &self.empty);
    }

    /// Nothing has become of the message: what waited waits on.
    pub(crate) fn unsaid(self) {
        self.drafts.put_back(self.empty.key(), self.waiting);
    }
}

fn answer_all(waiting: Vec<Waiting>, draft: &Draft) {
    for it in waiting {
        let _ = it.answer.send(Ok(draft.clone()));
    }
}

impl Chat {
    /// Keeps what one has begun to write in a channel, or in answer to a message there; nothing at
    /// all empties it. The future gives the draft once it is on disk: within a second of the last
    /// time, it waits for it to pass, and gives what was written last.
    pub fn set_draft(
        &self,
        caller: &Caller,
        channel: ChannelId,
        reply_to: Option<MessageId>,
        content: DraftText,
        attachments: Vec<FileId>,
    ) -> Result<impl Future<Output = Result<Draft, Error>> + Send + use<>, Error> {
        let key = DraftKey { user: caller.user, channel, reply_to };
        self.0.drafts.set(*caller, NewDraft { key, content, attachments })
    }

    /// What one has begun to write, by channel, the newest first.
    pub async fn drafts(&self, caller: &Caller, page: PageRequest) -> Result<Page<Draft>, Error> {
        Ok(self.0.store.drafts(caller.user, page).await?)
    }
}
