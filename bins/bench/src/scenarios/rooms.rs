//! Many small rooms: what does a message cost when there is little to batch?

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

/// Options of `rooms`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RoomsOptions {
    /// Rooms
    #[arg(long, default_value_t = 200)]
    pub(crate) rooms: usize,
    /// Members of each room, each another user with one client
    #[arg(long, default_value_t = 5)]
    pub(crate) members: usize,
    /// Messages that each member sends a second
    #[arg(long, default_value_t = 1.0)]
    pub(crate) rate: f64,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &RoomsOptions) -> Result<Vec<Outcome>> {
    let case = format!("{}×{} {}/s each", options.rooms, options.members, options.rate);
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("rooms", &case, one).await?])
}

async fn one(stage: &Stage, site: &Site, options: &RoomsOptions, case: &str) -> Result<Outcome> {
    let globals = &stage.globals;
    let tally = Rc::new(Tally::new());
    let count = options.rooms * options.members;
    // A socket hears all rooms of its user, so each must be another user's.
    let users = api::register(&site.target, count).await?;
    let mut http = Http::new(&site.target);
    let mut rooms = Vec::new();
    for members in users.chunks(options.members) {
        rooms.push((api::room(&mut http, members, "bench rooms").await?, members));
    }
    // Members in turn, one of each room, so that a room's messages are spread over the second.
    let seats = (0..options.members)
        .flat_map(|member| rooms.iter().map(move |(room, members)| (room, &members[member])))
        .map(|(room, user)| Seat {
            user: Rc::clone(user),
            channel: Rc::clone(room),
            publishes: true,
        })
        .collect();
    let fleet = Fleet::seat(&site.target, &tally, seats, globals.payload.into()).await?;

    let rate = crate::report::float(count as u64) * options.rate;
    let pace = fleet.pace(rate);
    let window = measure::watch(site, &tally, globals.warm_up(), globals.length()).await?;
    drop(pace);
    let failures = fleet.finish(globals.patience()).await;

    let mut figures = window.by_ack();
    figures.extend(measure::latencies(&tally));
    figures.extend(measure::endings(site, &fleet.counts())?);
    Ok(Outcome {
        scenario: "rooms",
        case: case.to_owned(),
        figures,
        notes: fleet.refusals().into_iter().collect(),
        failures,
    })
}
