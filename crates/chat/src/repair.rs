//! Makes the bus a mere hint: finds what it lost in the database, and hands it to the hub.

use std::collections::VecDeque;
use std::time::Duration;

use tertulia_domain::{Clock, FeedId};
use tertulia_realtime::{Bus, Event, Fill, GapRequest, Hub};
use tertulia_store::{Changes, Error, Gap, Store};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use crate::MAX_ACCESS_TTL;

/// Before a hole is read from the database: the bus may only have swapped two events.
const REORDER: Duration = Duration::from_millis(20);

/// Before a head that is ahead of what was released counts as a loss: mostly the event is on its
/// way.
const IN_FLIGHT: Duration = Duration::from_millis(100);

/// Between two looks at all heads because something may have been lost: a bus that loses much must not
/// become a database that is asked without pause.
const DOUBT: Duration = Duration::from_millis(250);

pub(crate) struct Repair {
    pub(crate) store: Store,
    pub(crate) hub: Hub,
    pub(crate) bus: Bus,
    pub(crate) clock: Clock,
    pub(crate) every: Duration,
    pub(crate) system_every: Duration,
}

impl Repair {
    /// Runs until `stop`.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut feeds = tokio::time::interval(self.every);
        let mut system = tokio::time::interval(self.system_every);
        feeds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        system.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // When it is to look because something may have been lost, and when it last did.
        let (mut due, mut looked) = (None, Instant::now());
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                () = self.hub.gap_noticed() => {
                    tokio::time::sleep(REORDER).await;
                    self.close(self.hub.gaps()).await;
                }
                () = self.bus.doubted(), if due.is_none() => {
                    due = Some(Instant::now().max(looked + DOUBT));
                }
                () = tokio::time::sleep_until(due.unwrap_or(looked)), if due.is_some() => {
                    due = None;
                    self.close(self.hub.gaps()).await;
                    self.reconcile(self.hub.released(), Duration::ZERO).await;
                    looked = Instant::now();
                }
                _ = feeds.tick() => {
                    self.close(self.hub.gaps()).await;
                    self.reconcile(self.hub.released(), IN_FLIGHT).await;
                    self.hub.forget_ended(self.clock.now().plus(-MAX_ACCESS_TTL));
                }
                _ = system.tick() => {
                    let released = self.hub.released();
                    let system = released.into_iter().filter(|(id, _)| *id == FeedId::SYSTEM);
                    self.reconcile(system.collect(), Duration::ZERO).await;
                }
            }
        }
    }

    async fn reconcile(&self, released: Vec<(FeedId, i64)>, in_flight: Duration) {
        match self.store.moved(released).await {
            Ok(moved) if moved.is_empty() => {}
            Ok(moved) => {
                tokio::time::sleep(in_flight).await;
                self.close(self.hub.behind(&moved)).await;
            }
            Err(error) => tracing::warn!(%error, "heads could not be read"),
        }
    }

    async fn close(&self, gaps: Vec<GapRequest>) {
        let mut gaps = VecDeque::from(gaps);
        while let Some(gap) = gaps.pop_front() {
            let feed = gap.feed;
            match self.read(gap).await {
                Ok(fill) => {
                    let (reached, head) = (fill.reached, fill.head);
                    self.hub.fill(feed, fill);
                    // One reading is bounded: the rest is another one.
                    if reached < head {
                        gaps.extend(self.hub.behind(&[(feed.id(), head)]));
                    }
                }
                Err(error) => tracing::warn!(%error, ?feed, "a gap could not be read"),
            }
        }
    }

    /// What is missing, as far as one reading goes.
    async fn read(&self, gap: GapRequest) -> Result<Fill, Error> {
        // A feed of which nothing is known yet needs its head only, and who may hear it.
        let since = gap.since.unwrap_or(i64::MAX);
        let now = self.clock.now();
        let Gap { changes, barred } = self.store.gap(gap.feed, since, gap.listeners, now).await?;
        let Changes { items, head, reset, more } = changes;
        let limited = reset.is_some() && gap.since.is_some();
        let reached = if more { items.last().map_or(head, |last| last.rev) } else { head };
        let events = items.iter().map(Event::new).collect();
        Ok(Fill { events, reached, head, limited, barred })
    }
}
