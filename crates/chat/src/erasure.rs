//! Deleting an account. What is personal goes at once, with all sessions; the rest (leaving
//! channels, erasing messages and reactions) is noted down in the same transaction and done in pieces, in the
//! background, also after a crash. Everything may be done twice, so any number of nodes may do it.
//! Guests who have been away too long go the same way, and leave what they said.

use std::time::Duration;

use tertulia_domain::{
    AccountAct, AccountChange, AuditAction, Change, ChannelId, Clock, NotificationsChange, UserId,
};
use tertulia_store::{Erasure as Due, Store};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::log::ChangeLog;
use crate::sessions::Client;
use crate::{Caller, Chat, Error};

/// Places that are searched for messages at a time.
const RANGE: i64 = 2_000;

/// Changes that are under way at a time: the log has room for others beside them.
const PIECE: usize = 64;

/// Messages from which reactions are taken at a time.
const REACTIONS: i64 = 250;
/// Messages that name somebody, at a time.
const MENTIONS: i64 = 64;

/// Guests that are forgotten at a time.
const GUESTS: i64 = 100;

/// The clocks of nodes may differ; and a guest is made a moment before their session is.
const SLACK: time::Duration = time::Duration::hours(1);

/// Between two pieces, at least; after one that took long, as long as it took.
const PAUSE: Duration = Duration::from_millis(20);

impl Chat {
    /// Deletes one's account: one is signed out everywhere, and all that is personal is erased,
    /// before this returns. What one said stays, as a deleted user's, or goes as well.
    pub async fn delete_account(
        &self,
        caller: &Caller,
        password: Option<&str>,
        erase_messages: bool,
        client: &Client,
    ) -> Result<(), Error> {
        let action = AuditAction::AccountDeleted;
        let proven = self.prove(caller, password, action, client).await?;
        let audit = self.entry(caller.user, client, action, caller.user);
        let act = AccountAct::Delete { proven, erase_messages, audit: Some(audit.clone()) };
        match self.change_account(caller, caller.user, act).await {
            Err(Error::WrongPassword) => return self.refuse(audit).await,
            other => other?,
        }
        self.0.erasure.send_modify(|wishes| *wishes += 1);
        Ok(())
    }
}

pub(crate) struct Erasure {
    pub(crate) store: Store,
    pub(crate) log: ChangeLog,
    pub(crate) clock: Clock,
    pub(crate) every: Duration,
    /// Changes when somebody has deleted their account here.
    pub(crate) wishes: watch::Receiver<u64>,
}

impl Erasure {
    /// Runs until `stop`; a piece that was begun is finished.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut looks = tokio::time::interval(self.every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                _ = looks.tick() => {}
                Ok(()) = self.wishes.changed() => {}
            }
            let work = async {
                self.forget_guests().await?;
                while let Some(due) = self.store.next_erasure().await? {
                    self.erase(due).await?;
                }
                Ok::<(), Error>(())
            };
            tokio::select! {
                _ = stop.changed() => return,
                done = work => {
                    if let Err(error) = done {
                        tracing::warn!(%error, "an account could not be erased yet; later again");
                    }
                }
            }
        }
    }

    async fn forget_guests(&self) -> Result<(), Error> {
        let now = self.clock.now();
        loop {
            let absent = self.store.absent_guests(now.plus(-SLACK), now, GUESTS).await?;
            if absent.is_empty() {
                return Ok(());
            }
            self.commit(absent.into_iter().map(|user| {
                let act = AccountAct::Delete { proven: None, erase_messages: false, audit: None };
                Change::Account(Box::new(AccountChange { user, act }))
            }))
            .await?;
        }
    }

    async fn erase(&self, due: Due) -> Result<(), Error> {
        let user = due.user;
        self.leave_channels(user).await?;
        // Nothing of theirs can come after that, nor is there anything for them.
        self.forget_mentions(user).await?;
        self.store.erase_inbox(user).await?;
        if due.messages {
            self.erase_messages(due).await?;
        }
        self.erase_reactions(user).await?;
        self.store.blank_addresses(user).await?;
        self.store.scrub().await?;
        self.store.finish_erasure(user).await?;
        tracing::info!(%user, "an account was erased");
        Ok(())
    }

    async fn leave_channels(&self, user: UserId) -> Result<(), Error> {
        loop {
            let channels = self.store.channel_ids_of(user).await?;
            if channels.is_empty() {
                return Ok(());
            }
            for some in channels.chunks(PIECE) {
                let begun = Instant::now();
                let mut changes = Vec::with_capacity(some.len());
                for channel in some {
                    let heir = self.store.heir(*channel, user).await?;
                    changes.push(Change::Withdraw { channel: *channel, user, heir });
                }
                match self.commit(changes).await {
                    // The heir has just gone; the next one is asked for.
                    Err(Error::Stale) => {}
                    other => other?,
                }
                pause_after(begun).await;
            }
        }
    }

    async fn forget_mentions(&self, user: UserId) -> Result<(), Error> {
        loop {
            let begun = Instant::now();
            let messages = self.store.messages_naming(user, MENTIONS).await?;
            if messages.is_empty() {
                return Ok(());
            }
            let forget = |message| {
                Change::Notifications(Box::new(NotificationsChange::Forget { message, user }))
            };
            self.commit(messages.clone().into_iter().map(forget)).await?;
            // Of what lies in deleted channels, too.
            self.store.forget_mentions(user, messages).await?;
            pause_after(begun).await;
        }
    }

    async fn erase_messages(&self, due: Due) -> Result<(), Error> {
        let user = due.user;
        let (mut channel, mut seq) = (due.channel, due.seq);
        if let Some(channel) = channel {
            let last = self.store.feed(tertulia_domain::Feed::Channel(channel)).await?.last_seq;
            self.erase_in(user, channel, seq, last).await?;
        }
        while let Some((next, last)) = self.store.channel_after(user, channel).await? {
            (channel, seq) = (Some(next), 0);
            self.erase_in(user, next, seq, last).await?;
        }
        Ok(())
    }

    /// Counts move by frames; what nobody sees any more is just forgotten.
    async fn erase_reactions(&self, user: UserId) -> Result<(), Error> {
        loop {
            let begun = Instant::now();
            let some = self.store.reacted_to(user, REACTIONS).await?;
            if some.is_empty() {
                break;
            }
            let erase = |message| Change::EraseReactions { message, by: user };
            self.commit(some.into_iter().map(erase)).await?;
            pause_after(begun).await;
        }
        loop {
            let begun = Instant::now();
            if self.store.forget_reactions(user, REACTIONS).await? == 0 {
                return Ok(());
            }
            pause_after(begun).await;
        }
    }

    async fn erase_in(
        &self,
        user: UserId,
        channel: ChannelId,
        mut from: i64,
        last: i64,
    ) -> Result<(), Error> {
        while from < last {
            let begun = Instant::now();
            let to = from + RANGE;
            let said = self.store.said(channel, user, from, to).await?;
            let erasing: Vec<_> = said
                .iter()
                .map(|message| Change::EraseMessage { message: *message, author: user })
                .collect();
            self.commit(erasing).await?;
            // Not when its turn comes: what was said is to be gone from the index as well.
            let mut said = said;
            while !said.is_empty() {
                let rest = said.split_off(said.len().min(PIECE));
                self.store.unindex(std::mem::replace(&mut said, rest)).await?;
            }
            self.store.note_erasure(user, channel, to).await?;
            from = to;
            pause_after(begun).await;
        }
        Ok(())
    }

    /// Commits changes of the server's own, a piece at a time. The first that fails is told when
    /// the others of its piece are done.
    async fn commit(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), Error> {
        let mut changes = changes.into_iter().peekable();
        while changes.peek().is_some() {
            let submitted: Vec<_> = changes
                .by_ref()
                .take(PIECE)
                .map(|change| self.log.submit(change, None))
                .collect::<Result<_, _>>()?;
            let mut done = Ok(());
            for outcome in submitted {
                done = done.and(outcome.await.map(drop));
            }
            done?;
        }
        Ok(())
    }
}

async fn pause_after(begun: Instant) {
    tokio::time::sleep(PAUSE.max(begun.elapsed())).await;
}
