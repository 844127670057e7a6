//! Pages at random places of a long history: what does one cost?

use crate::{
    api,
    fleet::{Fleet, Seat},
    histogram::Histogram,
    http::Http,
    measure::{Meter, percentiles},
    proc::Cpu,
    report::{Outcome, figure, float},
    stage::{Site, Stage},
    tally::Tally,
};
use anyhow::{Context, Result, ensure};
use clap::Args;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// Clients that fill the channel, and what each keeps unacknowledged: as much as a server that takes
/// 512 messages a commit can use.
const WRITERS: usize = 8;
const OUTSTANDING: usize = 64;

/// A channel that fills more slowly than this many messages a second is given up.
const SLOWEST: u64 = 500;

/// Options of `history`.
#[derive(Debug, Clone, Args)]
pub(crate) struct HistoryOptions {
    /// Messages in the channel, sent through sockets first
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) messages: u64,
    /// Messages a page
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) page: u64,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 2)]
    pub(crate) readers: u64,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &HistoryOptions) -> Result<Vec<Outcome>> {
    let case = format!("{} of {}", options.page, options.messages);
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("history", &case, one).await?])
}

async fn one(stage: &Stage, site: &Site, options: &HistoryOptions, case: &str) -> Result<Outcome> {
    let globals = &stage.globals;
    ensure!(options.messages > options.page, "a channel shorter than a page");
    let tally = Rc::new(Tally::new());
    let users = api::register(&site.target, WRITERS).await?;
    let channel = api::room(&mut Http::new(&site.target), &users, "bench history").await?;
    let seats = users.iter().map(|user| Seat {
        user: Rc::clone(user),
        channel: Rc::clone(&channel),
        publishes: true,
    });
    let payload = globals.payload.into();
    let fleet = Fleet::seat(&site.target, &tally, seats.collect(), payload).await?;
    let begun = Instant::now();
    fleet.start_loops(OUTSTANDING);
    let deadline = Duration::from_secs(60 + options.messages / SLOWEST);
    while tally.acks.get() < options.messages {
        ensure!(begun.elapsed() < deadline, "filling the channel takes too long");
        for client in &fleet.clients {
            let ended = client.borrow().session.ended.clone();
            ensure!(ended.is_none(), "filling the channel: {}", ended.unwrap_or_default());
        }
        sleep(Duration::from_millis(20)).await;
    }
    let filled = float(tally.acks.get()) / begun.elapsed().as_secs_f64();
    let failures = fleet.finish(globals.patience()).await;
    drop(fleet);

    // What the filling left to do (checkpoints, vacuum) is not the pages'.
    sleep(Duration::from_secs(2)).await;
    let meter = Meter::start(site, &tally)?;
    let until = Instant::now() + globals.length();
    let mut readers = JoinSet::new();
    for reader in 0..options.readers.max(1) {
        let (target, user) = (Rc::clone(&site.target), Rc::clone(&users[0]));
        let (channel, options) = (Rc::clone(&channel), options.clone());
        readers.spawn_local(async move {
            let mut random = Random(0x9E37_79B9_7F4A_7C15 ^ (reader + 1));
            let mut http = Http::new(&target);
            let mut took = Vec::new();
            while Instant::now() < until {
                let before = random.between(options.page + 1, options.messages + 1);
                let asked = Instant::now();
                api::history_before(&mut http, &user.token, &channel, before, options.page).await?;
                took.push(asked.elapsed());
            }
            anyhow::Ok(took)
        });
    }
    let mut histogram = Histogram::default();
    let mut pages = 0;
    while let Some(took) = readers.join_next().await {
        for took in took.context("a reader")?? {
            histogram.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            pages += 1;
        }
    }
    let window = meter.stop()?;

    let [p50, p99, p999] = percentiles(&histogram);
    let client = Some(window.client.total());
    let mut figures = vec![
        figure("pages_per_second", "pages/s", window.rate(pages), 0),
        figure("server_cpu_percent", "cpu %", window.server_percent(), 0),
        figure("server_us_per_page", "µs/page", window.server_each(pages), 1),
    ];
    figures.extend(window.parts_each(pages));
    figures.extend([
        figure("client_us_per_page", "bench µs/page", crate::measure::each(client, pages), 1),
        figure("page_p50_ms", "p50 ms", p50, 2),
        figure("page_p99_ms", "p99", p99, 2),
        figure("page_p999_ms", "p99.9", p999, 2),
        figure("filled_acks_per_second", "filled acks/s", filled, 0),
        figure("server_rss_mib", "RSS MiB", site.resident()?.map(|kib| float(kib) / 1024.0), 1),
    ]);
    let spent = window.database.map(Cpu::total).unwrap_or_default();
    let notes = (window.database.is_some() && spent == 0.0)
        .then(|| "the database used no time at all: is it the right process?".to_owned());
    Ok(Outcome {
        scenario: "history",
        case: case.to_owned(),
        figures,
        notes: notes.into_iter().collect(),
        failures,
    })
}

/// Marsaglia's xorshift: places to look at, the same in every run.
struct Random(u64);

impl Random {
    fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + self.0 % (high - low + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_places_are_within_the_bounds_and_spread() {
        let mut random = Random(7);
        let places: Vec<u64> = (0..1000).map(|_| random.between(51, 1050)).collect();
        assert!(places.iter().all(|place| (51..=1050).contains(place)));
        let low = places.iter().filter(|place| **place < 551).count();
        assert!((400..600).contains(&low), "{low}");
    }
}
