//! Many publishers, few listeners: what does an acknowledged message cost?

use crate::{
    api,
    fleet::{Fleet, Seat},
    http::Http,
    measure,
    report::Outcome,
    stage::{Site, Stage},
    tally::Tally,
};
use anyhow::Result;
use clap::Args;
use std::rc::Rc;

/// Options of `ingest`.
#[derive(Debug, Clone, Args)]
pub(crate) struct IngestOptions {
    /// Clients that send, each another user, spread over the channels; each hears its channel
    #[arg(long, default_value_t = 32)]
    pub(crate) publishers: usize,
    /// Unacknowledged messages that each publisher keeps
    #[arg(long, default_value_t = 64)]
    pub(crate) outstanding: usize,
    /// Channels, each with one client that only listens
    #[arg(long, default_value_t = 8)]
    pub(crate) channels: usize,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &IngestOptions) -> Result<Vec<Outcome>> {
    let IngestOptions { publishers, outstanding, channels } = options;
    let case = format!("{publishers} ×{outstanding} into {channels}");
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("ingest", &case, one).await?])
}

async fn one(stage: &Stage, site: &Site, options: &IngestOptions, case: &str) -> Result<Outcome> {
    let globals = &stage.globals;
    let tally = Rc::new(Tally::new());
    let channels = options.channels.clamp(1, options.publishers.max(1));
    let users = api::register(&site.target, options.publishers + channels).await?;
    let (listeners, publishers) = users.split_at(channels);
    let mut http = Http::new(&site.target);
    let mut seats = Vec::new();
    for (number, listener) in listeners.iter().enumerate() {
        let mut members = vec![Rc::clone(listener)];
        members.extend(publishers.iter().skip(number).step_by(channels).cloned());
        let channel = api::room(&mut http, &members, "bench ingest").await?;
        seats.extend(members.into_iter().enumerate().map(|(place, user)| Seat {
            user,
            channel: Rc::clone(&channel),
            publishes: place > 0,
        }));
    }
    let fleet = Fleet::seat(&site.target, &tally, seats, globals.payload.into()).await?;

    fleet.start_loops(options.outstanding);
    let window = measure::watch(site, &tally, globals.warm_up(), globals.length()).await?;
    let failures = fleet.finish(globals.patience()).await;

    let mut figures = window.by_ack();
    figures.extend(measure::latencies(&tally));
    figures.extend(measure::endings(site, &fleet.counts())?);
    Ok(Outcome {
        scenario: "ingest",
        case: case.to_owned(),
        figures,
        notes: fleet.refusals().into_iter().collect(),
        failures,
    })
}
