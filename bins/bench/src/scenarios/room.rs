//! One room: what does a delivery cost, and how late is it?

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

/// Options of `room`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RoomOptions {
    /// Clients that send, each of another user; they receive too
    #[arg(long, default_value_t = 10)]
    pub(crate) publishers: usize,
    /// Clients that only receive; a case for each number
    #[arg(long, value_delimiter = ',', default_value = "100,1000")]
    pub(crate) subscribers: Vec<usize>,
    /// Unacknowledged messages that each publisher keeps; a case for each number [default: 1,8, or
    /// none when --rate is given]
    #[arg(long, value_delimiter = ',')]
    pub(crate) outstanding: Vec<usize>,
    /// Paced: messages a second, of all publishers together; a case for each number [default: 50, or
    /// none when --outstanding is given]
    #[arg(long, value_delimiter = ',')]
    pub(crate) rate: Vec<f64>,
    /// Distinct users, all of them members; they share the clients
    #[arg(long, default_value_t = 64)]
    pub(crate) users: usize,
}

/// How the publishers send.
#[derive(Debug, Clone, Copy)]
enum Load {
    Outstanding(usize),
    Rate(f64),
}

/// Plays every case.
pub(crate) async fn run(stage: &Stage, options: &RoomOptions) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for subscribers in &options.subscribers {
        for load in options.loads() {
            let case = match load {
                Load::Outstanding(count) => format!("S={subscribers} ×{count}"),
                Load::Rate(rate) => format!("S={subscribers} {rate}/s"),
            };
            let one =
                async |site: &Site| one(stage, site, options, *subscribers, load, &case).await;
            outcomes.push(stage.play("room", &case, one).await?);
        }
    }
    Ok(outcomes)
}

async fn one(
    stage: &Stage,
    site: &Site,
    options: &RoomOptions,
    subscribers: usize,
    load: Load,
    case: &str,
) -> Result<Outcome> {
    let globals = &stage.globals;
    let tally = Rc::new(Tally::new());
    let users = options.users.max(options.publishers).min(options.publishers + subscribers);
    let users = api::register(&site.target, users).await?;
    let room = api::room(&mut Http::new(&site.target), &users, "bench room").await?;
    let seats = users
        .iter()
        .cycle()
        .take(options.publishers + subscribers)
        .enumerate()
        .map(|(number, user)| Seat {
            user: Rc::clone(user),
            channel: Rc::clone(&room),
            publishes: number < options.publishers,
        })
        .collect();
    let fleet = Fleet::seat(&site.target, &tally, seats, globals.payload.into()).await?;

    let pace = match load {
        Load::Outstanding(count) => {
            fleet.start_loops(count);
            None
        }
        Load::Rate(rate) => Some(fleet.pace(rate)),
    };
    let window = measure::watch(site, &tally, globals.warm_up(), globals.length()).await?;
    drop(pace);
    let failures = fleet.finish(globals.patience()).await;

    let mut figures = window.by_delivery();
    figures.extend(measure::latencies(&tally));
    figures.extend(measure::endings(site, &fleet.counts())?);
    Ok(Outcome {
        scenario: "room",
        case: case.to_owned(),
        figures,
        notes: fleet.refusals().into_iter().collect(),
        failures,
    })
}

impl RoomOptions {
    fn loads(&self) -> Vec<Load> {
        if self.outstanding.is_empty() && self.rate.is_empty() {
            return vec![Load::Outstanding(1), Load::Outstanding(8), Load::Rate(50.0)];
        }
        let loops = self.outstanding.iter().copied().map(Load::Outstanding);
        loops.chain(self.rate.iter().copied().map(Load::Rate)).collect()
    }
}
