//! Many clients at once: seated, set to work, and at the end held to what they must have seen.

use crate::{
    client::{self, Client, Handle, Proof},
    feed::Counts,
    publisher::Publisher,
    session::{Session, is_overload},
    speech::Speech,
    tally::Tally,
    target::{Target, User},
    verdict::{Seen, verdict},
};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    sync::Semaphore,
    task::{AbortHandle, JoinSet, spawn_local, yield_now},
    time::sleep,
};

/// Handshakes under way at once: half of what the kernel queues for a listener at the least.
const HANDSHAKES: usize = 64;

/// How often a condition is looked at again.
const GLANCE: Duration = Duration::from_millis(1);

/// One client to be.
pub(crate) struct Seat {
    /// Whose it is.
    pub(crate) user: Rc<User>,
    /// What it watches.
    pub(crate) channel: Rc<str>,
    /// Whether it sends too.
    pub(crate) publishes: bool,
}

/// Connected clients.
pub(crate) struct Fleet {
    /// The clients, in the order of their seats.
    pub(crate) clients: Vec<Handle>,
    tally: Rc<Tally>,
}

/// A steady stream of messages, until it is dropped.
pub(crate) struct Pace(AbortHandle);

impl Drop for Pace {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Fleet {
    /// Connects a client for every seat and waits until all are `ready`.
    pub(crate) async fn seat(
        target: &Rc<Target>,
        tally: &Rc<Tally>,
        seats: Vec<Seat>,
        payload: usize,
    ) -> Result<Self> {
        let mut fleet = Self { clients: Vec::new(), tally: Rc::clone(tally) };
        fleet.add(target, seats, payload).await?;
        Ok(fleet)
    }

    /// Connects more clients.
    pub(crate) async fn add(
        &mut self,
        target: &Rc<Target>,
        seats: Vec<Seat>,
        payload: usize,
    ) -> Result<()> {
        let first = self.clients.len();
        let permits = Rc::new(Semaphore::new(HANDSHAKES));
        let mut connecting = JoinSet::new();
        for seat in seats {
            let publisher = seat
                .publishes
                .then(|| Publisher::new(Rc::clone(&self.tally), &seat.channel, payload));
            let session = Session::new(Rc::clone(&self.tally), seat.channel, publisher);
            let client = Client::new(session, Rc::clone(target), seat.user);
            self.clients.push(Rc::clone(&client));
            let permits = Rc::clone(&permits);
            connecting.spawn_local(async move {
                let _permit = permits.acquire().await?;
                let user = Rc::clone(&client.borrow().user);
                client::connect(&client, Proof::Bearer(&user.token))
                    .await
                    .map_err(|denied| anyhow::anyhow!("connecting: {}", denied.why))
            });
        }
        while let Some(connected) = connecting.join_next().await {
            connected.context("connecting")??;
        }
        let patience = Duration::from_secs(30);
        if !all(&self.clients[first..], patience, |session| session.ready_at.is_some()).await {
            bail!("no ready within {patience:?}: {}", self.first_ended());
        }
        Ok(())
    }

    /// The publishers say words from now on.
    pub(crate) fn speak(&self) {
        for (seed, client) in (1..).zip(&self.clients) {
            if let Some(publisher) = &mut client.borrow_mut().session.publisher {
                publisher.speech = Some(Speech::new(seed));
            }
        }
    }

    /// Every publisher keeps `outstanding` messages unacknowledged from now on.
    pub(crate) fn start_loops(&self, outstanding: usize) {
        for client in &self.clients {
            client.borrow_mut().start_loop(outstanding);
        }
    }

    /// The publishers send in turn, `rate` messages a second in all, evenly spread.
    pub(crate) fn pace(&self, rate: f64) -> Pace {
        let publishers: Vec<Handle> = self
            .clients
            .iter()
            .filter(|client| client.borrow().session.publisher.is_some())
            .cloned()
            .collect();
        let task = spawn_local(async move {
            let begun = Instant::now();
            for (number, client) in (0_u32..).zip(publishers.iter().cycle()) {
                let due = Duration::from_secs_f64(f64::from(number) / rate);
                match due.checked_sub(begun.elapsed()) {
                    Some(wait) => sleep(wait).await,
                    None => yield_now().await,
                }
                client.borrow_mut().publish();
            }
        });
        Pace(task.abort_handle())
    }

    /// Stops all sending, waits until everything is answered and has arrived, and says what is
    /// missing or wrong after `patience`.
    pub(crate) async fn finish(&self, patience: Duration) -> Vec<String> {
        for client in &self.clients {
            if let Some(publisher) = &mut client.borrow_mut().session.publisher {
                publisher.closed_loop = false;
            }
        }
        all(&self.clients, patience, |session| {
            session.publisher.as_ref().is_none_or(|publisher| publisher.in_flight == 0)
        })
        .await;
        self.arrived(patience).await;
        let seen: Vec<Seen> = self
            .clients
            .iter()
            .enumerate()
            .map(|(number, client)| {
                let client = client.borrow();
                Seen::of(number, &client.user.username, &client.session)
            })
            .collect();
        let mut failures = verdict(&seen);
        let refused = self.tally.refused.borrow();
        for (code, count) in refused.iter().filter(|(code, _)| !is_overload(code)) {
            failures.push(format!("{count} times {code}"));
        }
        if !self.clients.is_empty() && self.tally.acks.get() == 0 {
            failures.push("nothing was acknowledged".into());
        }
        failures
    }

    /// Waits until every client has seen everything that was acknowledged so far; `false` after
    /// `patience`.
    pub(crate) async fn arrived(&self, patience: Duration) -> bool {
        let mut acks: BTreeMap<Rc<str>, u64> = BTreeMap::new();
        for client in &self.clients {
            let session = &client.borrow().session;
            if let Some(publisher) = &session.publisher {
                *acks.entry(Rc::clone(&session.channel)).or_default() += publisher.acks;
            }
        }
        all(&self.clients, patience, |session| {
            let wanted = session.first_seq + acks.get(&session.channel).copied().unwrap_or(0);
            let seen = session.channel_feed().map_or(0, |feed| feed.last_seq);
            seen >= wanted && session.is_whole()
        })
        .await
    }

    /// What happened to the channels' feeds, summed over all clients.
    pub(crate) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for client in &self.clients {
            if let Some(feed) = client.borrow().session.channel_feed() {
                sum.messages += feed.counts.messages;
                sum.synced += feed.counts.synced;
                sum.stale += feed.counts.stale;
                sum.syncs += feed.counts.syncs;
                sum.resets += feed.counts.resets;
                sum.faults += feed.counts.faults;
            }
        }
        sum
    }

    /// What was refused, as a note.
    pub(crate) fn refusals(&self) -> Option<String> {
        let refused = self.tally.refused.borrow();
        (!refused.is_empty()).then(|| format!("refused, and sent again if in a loop: {refused:?}"))
    }

    fn first_ended(&self) -> String {
        let mut reasons =
            self.clients.iter().filter_map(|client| client.borrow().session.ended.clone());
        reasons.next().unwrap_or_else(|| "the sockets are open but silent".into())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for client in &self.clients {
            client.borrow_mut().disconnect();
        }
    }
}

/// Waits until `done` held once for every client, or its connection ended; `false` after `patience`.
pub(crate) async fn all(
    clients: &[Handle],
    patience: Duration,
    done: impl Fn(&Session) -> bool,
) -> bool {
    let begun = Instant::now();
    for client in clients {
        loop {
            {
                let session = &client.borrow().session;
                if session.ended.is_some() || done(session) {
                    break;
                }
            }
            if begun.elapsed() > patience {
                return false;
            }
            sleep(GLANCE).await;
        }
    }
    true
}
