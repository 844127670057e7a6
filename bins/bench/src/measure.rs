//! A window of time, and what happened in it.

use crate::{
    feed::Counts,
    histogram::Histogram,
    proc::Cpu,
    report::{Figure, figure, float},
    stage::{Site, Usage},
    tally::Tally,
};
use anyhow::Result;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// A running measurement.
pub(crate) struct Meter<'a> {
    site: &'a Site,
    tally: &'a Tally,
    begun: Instant,
    usage: Usage,
    acks: u64,
    deliveries: u64,
}

/// What happened between the meter's start and stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Its length.
    pub(crate) seconds: f64,
    /// CPU time of the server and its database.
    pub(crate) server: Option<Cpu>,
    /// Of this, the database's.
    pub(crate) database: Option<Cpu>,
    /// CPU time of this process.
    pub(crate) client: Cpu,
    /// Messages acknowledged.
    pub(crate) acks: u64,
    /// Messages seen, each by each client.
    pub(crate) deliveries: u64,
}

impl<'a> Meter<'a> {
    /// Begins.
    pub(crate) fn start(site: &'a Site, tally: &'a Tally) -> Result<Self> {
        Ok(Self {
            site,
            tally,
            usage: site.usage()?,
            begun: Instant::now(),
            acks: tally.acks.get(),
            deliveries: tally.deliveries.get(),
        })
    }

    /// Ends.
    pub(crate) fn stop(self) -> Result<Window> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let usage = self.site.usage()?;
        let since = |now: Option<Cpu>, then: Option<Cpu>| Some(now? - then?);
        let own = since(usage.server, self.usage.server);
        let database = since(usage.database, self.usage.database);
        Ok(Window {
            seconds,
            server: own.map(|own| own + database.unwrap_or_default()),
            database,
            client: usage.client - self.usage.client,
            acks: self.tally.acks.get() - self.acks,
            deliveries: self.tally.deliveries.get() - self.deliveries,
        })
    }
}

/// Lets what runs warm up, then measures it, with its latencies.
pub(crate) async fn watch(
    site: &Site,
    tally: &Tally,
    warm_up: Duration,
    length: Duration,
) -> Result<Window> {
    sleep(warm_up).await;
    tally.record();
    let meter = Meter::start(site, tally)?;
    sleep(length).await;
    let window = meter.stop()?;
    tally.recording.set(false);
    Ok(window)
}

/// Microseconds of `cpu` for each of `count`.
pub(crate) fn each(cpu: Option<f64>, count: u64) -> Option<f64> {
    (count > 0).then_some(cpu? * 1e6 / float(count))
}

impl Window {
    /// Microseconds of the server and its database for each of `count`.
    pub(crate) fn server_each(&self, count: u64) -> Option<f64> {
        each(self.server.map(Cpu::total), count)
    }

    /// The same, the part in the programs and the part in the kernel, and the part of the database.
    pub(crate) fn parts_each(&self, count: u64) -> [Figure; 3] {
        let user = self.server.map(|cpu| cpu.user);
        let system = self.server.map(|cpu| cpu.system);
        let database = self.database.map(Cpu::total);
        [
            figure("server_user_us", "user µs", each(user, count), 3),
            figure("server_system_us", "sys µs", each(system, count), 3),
            figure("database_us", "of it db µs", each(database, count), 3),
        ]
    }

    /// The server's share of one core, in percent.
    pub(crate) fn server_percent(&self) -> Option<f64> {
        Some(self.server?.total() / self.seconds * 100.0)
    }

    /// `count` a second.
    pub(crate) fn rate(&self, count: u64) -> f64 {
        float(count) / self.seconds
    }

    /// The columns of a scenario whose unit is the delivery.
    pub(crate) fn by_delivery(&self) -> Vec<Figure> {
        let client = Some(self.client.total());
        let mut figures = self.rates();
        figures.push(figure(
            "server_us_per_delivery",
            "µs/dlv",
            self.server_each(self.deliveries),
            3,
        ));
        figures.extend(self.parts_each(self.deliveries));
        figures.push(figure("server_us_per_ack", "µs/ack", self.server_each(self.acks), 1));
        figures.push(figure(
            "client_us_per_delivery",
            "bench µs/dlv",
            each(client, self.deliveries),
            3,
        ));
        figures
    }

    /// The columns of a scenario whose unit is the acknowledged message.
    pub(crate) fn by_ack(&self) -> Vec<Figure> {
        let client = Some(self.client.total());
        let mut figures = self.rates();
        figures.push(figure("server_us_per_ack", "µs/ack", self.server_each(self.acks), 1));
        figures.extend(self.parts_each(self.acks));
        figures.push(figure("client_us_per_ack", "bench µs/ack", each(client, self.acks), 2));
        figures
    }

    fn rates(&self) -> Vec<Figure> {
        vec![
            figure("acks_per_second", "acks/s", self.rate(self.acks), 0),
            figure("deliveries_per_second", "dlv/s", self.rate(self.deliveries), 0),
            figure("server_cpu_percent", "cpu %", self.server_percent(), 0),
        ]
    }
}

/// The columns of latencies: from sending to receipt, and from sending to the acknowledgement.
pub(crate) fn latencies(tally: &Tally) -> Vec<Figure> {
    let [p50, p99, p999] = percentiles(&tally.latency.borrow());
    let [ack_p50, ack_p99, _] = percentiles(&tally.ack_latency.borrow());
    vec![
        figure("receipt_p50_ms", "p50 ms", p50, 2),
        figure("receipt_p99_ms", "p99", p99, 2),
        figure("receipt_p999_ms", "p99.9", p999, 2),
        figure("ack_p50_ms", "ack p50", ack_p50, 2),
        figure("ack_p99_ms", "ack p99", ack_p99, 2),
    ]
}

/// The median, the 99th and the 99.9th percentile, in milliseconds.
pub(crate) fn percentiles(histogram: &Histogram) -> [Option<f64>; 3] {
    [500, 990, 999].map(|per_mille| histogram.milliseconds(per_mille))
}

/// The columns that every scenario with clients ends with.
pub(crate) fn endings(site: &Site, counts: &Counts) -> Result<Vec<Figure>> {
    let resident = site.resident()?.map(|kib| float(kib) / 1024.0);
    Ok(vec![
        figure("server_rss_mib", "RSS MiB", resident, 1),
        figure("stale", "stale", float(counts.stale), 0),
        figure("resets", "reset", float(counts.resets), 0),
        figure("synced_messages", "synced", float(counts.synced), 0),
    ])
}
