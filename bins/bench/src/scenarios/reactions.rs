//! Many reactions to one message that many look at: what does that cost, and do all end with the
//! right counts?

use crate::{
    api,
    fleet::{Fleet, Seat, all},
    http::Http,
    measure,
    publisher::Publisher,
    report::{Outcome, figure, float},
    stage::{Site, Stage},
    tallies::Tallies,
    tally::Tally,
};
use anyhow::Result;
use clap::Args;
use std::{collections::BTreeMap, rc::Rc};

/// Options of `reactions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReactionsOptions {
    /// Clients that hear of them
    #[arg(long, default_value_t = 1_000)]
    pub(crate) subscribers: usize,
    /// People who react, with a client each
    #[arg(long, default_value_t = 64)]
    pub(crate) reactors: usize,
    /// Reactions a second, of all of them together
    #[arg(long, default_value_t = 1_000.0)]
    pub(crate) rate: f64,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &ReactionsOptions) -> Result<Vec<Outcome>> {
    let case = format!("S={} {}/s", options.subscribers, options.rate);
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("reactions", &case, one).await?])
}

async fn one(
    stage: &Stage,
    site: &Site,
    options: &ReactionsOptions,
    case: &str,
) -> Result<Outcome> {
    let globals = &stage.globals;
    let patience = globals.patience();
    let tally = Rc::new(Tally::new());
    let users = api::register(&site.target, options.reactors.max(1)).await?;
    let mut http = Http::new(&site.target);
    let room = api::room(&mut http, &users, "bench reactions").await?;
    let message = api::say(&mut http, &users[0].token, &room, "react to this").await?;
    let seats = users.iter().cycle().take(users.len() + options.subscribers).map(|user| Seat {
        user: Rc::clone(user),
        channel: Rc::clone(&room),
        publishes: false,
    });
    let fleet = Fleet::seat(&site.target, &tally, seats.collect(), globals.payload.into()).await?;
    for (number, client) in fleet.clients.iter().enumerate() {
        let session = &mut client.borrow_mut().session;
        session.tallies = Some(Tallies::default());
        if number < users.len() {
            session.publisher = Some(Publisher::reacting(Rc::clone(&tally), &message));
        }
    }

    let pace = fleet.pace(options.rate);
    let window = measure::watch(site, &tally, globals.warm_up(), globals.length()).await?;
    drop(pace);
    let answered = all(&fleet.clients, patience, |session| {
        session.publisher.as_ref().is_none_or(|publisher| publisher.in_flight == 0)
    });
    let mut failures = Vec::new();
    if !answered.await {
        failures.push(format!("not everything was answered within {patience:?}"));
    }
    let truth = api::reactions(&mut http, &users[0].token, &message).await?;
    let truth: BTreeMap<&str, u64> =
        truth.iter().map(|(key, count)| (key.as_str(), *count)).collect();
    let knows = |session: &crate::session::Session| {
        session.tallies.as_ref().is_some_and(|tallies| tallies.standing() == truth)
    };
    all(&fleet.clients, patience, knows).await;
    let wrong = fleet.clients.iter().filter(|client| !knows(&client.borrow().session)).count();
    if wrong > 0 {
        failures.push(format!("{wrong} clients do not end with {truth:?}"));
    }
    let counts = fleet.counts();
    if counts.faults > 0 {
        failures.push(format!("{} steps of feeds were wrong", counts.faults));
    }
    if tally.acks.get() == 0 {
        failures.push("nothing was acknowledged".into());
    }

    let reactions = window.acks;
    let mut figures = vec![
        figure("reactions_per_second", "reactions/s", window.rate(reactions), 0),
        figure("server_cpu_percent", "cpu %", window.server_percent(), 1),
        figure("server_us_per_reaction", "µs/reaction", window.server_each(reactions), 0),
    ];
    figures.extend(window.parts_each(reactions));
    figures.push(figure("stale", "stale", float(counts.stale), 0));
    figures.extend(measure::latencies(&tally));
    let notes = fleet.refusals().into_iter().collect();
    Ok(Outcome { scenario: "reactions", case: case.to_owned(), figures, notes, failures })
}
