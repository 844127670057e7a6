//! Everybody dropped at once, and back at once: how long until all are in sync?

use crate::{
    api,
    client::{self, Denied, Handle, Proof},
    fleet::{Fleet, Seat, all},
    histogram::Histogram,
    http::Http,
    measure::{Meter, percentiles},
    report::{Figure, Outcome, figure, float},
    stage::{Site, Stage},
    tally::Tally,
    target::Target,
};
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use std::{rc::Rc, time::Duration};
use tokio::{task::JoinSet, time::sleep};

/// Options of `storm`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StormOptions {
    /// Clients that are dropped
    #[arg(long, default_value_t = 2_000)]
    pub(crate) clients: usize,
    /// Rooms that they are spread over
    #[arg(long, default_value_t = 1)]
    pub(crate) rooms: usize,
    /// Distinct users; they share the clients
    #[arg(long, default_value_t = 100)]
    pub(crate) users: usize,
    /// Messages sent to each room while they are away
    #[arg(long, default_value_t = 50)]
    pub(crate) missed: usize,
    /// How they prove who they are; with tickets each fetches a fresh one first, over REST
    #[arg(long, value_enum, default_value_t = Auth::Bearer)]
    pub(crate) auth: Auth,
}

/// How a client proves whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// In the header.
    Bearer,
    /// As a browser must.
    Ticket,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &StormOptions) -> Result<Vec<Outcome>> {
    let StormOptions { clients, rooms, auth, .. } = options;
    let case = format!("{clients} in {rooms}, {auth:?}").to_lowercase();
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("storm", &case, one).await?])
}

async fn one(stage: &Stage, site: &Site, options: &StormOptions, case: &str) -> Result<Outcome> {
    let globals = &stage.globals;
    let patience = globals.patience();
    let tally = Rc::new(Tally::new());
    let (fleet, talkers) = seat(stage, site, options, &tally).await?;
    let (talking, dropped) = fleet.clients.split_at(talkers);

    // Everybody has seen something before the storm, so that there is a place to come back to.
    talk(talking, 5);
    answered(&fleet, patience).await?;
    ensure!(fleet.arrived(patience).await, "not everybody heard the first messages");

    for client in dropped {
        client.borrow_mut().cut();
    }
    talk(talking, options.missed);
    answered(&fleet, patience).await?;

    let meter = Meter::start(site, &tally)?;
    let begun = tally.now();
    let mut returning = JoinSet::new();
    for (number, client) in (0_u64..).zip(dropped) {
        let (client, target) = (Rc::clone(client), Rc::clone(&site.target));
        returning.spawn_local(come_back(client, target, options.auth, number, patience));
    }
    let mut denied = 0;
    while let Some(tries) = returning.join_next().await {
        denied += tries?;
    }
    let ready = all(dropped, patience, crate::session::Session::is_whole).await;
    talk(talking, 1);
    answered(&fleet, patience).await?;
    let arrived = fleet.arrived(patience).await;
    let in_sync = milliseconds(tally.now() - begun);
    let window = meter.stop()?;
    let mut failures = fleet.finish(patience).await;
    if !(ready && arrived) {
        failures.push(format!("not everybody was in sync again within {patience:?}"));
    }

    let (ready, whole) = returns(dropped, begun);
    let counts = fleet.counts();
    let clients = options.clients as u64;
    let mut figures = spread(&ready, ["ready_p50_ms", "ready_p99_ms", "ready_max_ms"], READY);
    figures.extend(spread(&whole, ["whole_p50_ms", "whole_p99_ms", "whole_max_ms"], WHOLE));
    figures.push(figure("all_in_sync_ms", "all in sync ms", in_sync, 0));
    figures.push(figure("server_us_per_client", "µs/client", window.server_each(clients), 0));
    figures.extend(window.parts_each(clients));
    figures.push(figure("denied", "denied", float(denied), 0));
    figures.push(figure("syncs", "syncs", float(counts.syncs), 0));
    figures.push(figure("synced_messages", "synced", float(counts.synced), 0));
    figures.push(figure("resets", "reset", float(counts.resets), 0));
    let resident = site.resident()?.map(|kib| float(kib) / 1024.0);
    figures.push(figure("server_rss_mib", "RSS MiB", resident, 1));
    Ok(Outcome {
        scenario: "storm",
        case: case.to_owned(),
        figures,
        notes: fleet.refusals().into_iter().collect(),
        failures,
    })
}

const READY: [&str; 3] = ["ready p50 ms", "p99", "max"];
const WHOLE: [&str; 3] = ["whole p50 ms", "p99", "max"];

/// Connects everybody: first one talker a room, who stays, then those who will be dropped.
async fn seat(
    stage: &Stage,
    site: &Site,
    options: &StormOptions,
    tally: &Rc<Tally>,
) -> Result<(Fleet, usize)> {
    let rooms = options.rooms.max(1);
    let users = options.users.max(rooms).div_ceil(rooms) * rooms;
    let users = api::register(&site.target, users + rooms).await?;
    let (talkers, users) = users.split_at(rooms);
    let mut http = Http::new(&site.target);
    let mut channels = Vec::new();
    let mut seats = Vec::new();
    for (talker, listeners) in talkers.iter().zip(users.chunks(users.len() / rooms)) {
        let mut members = vec![Rc::clone(talker)];
        members.extend(listeners.iter().cloned());
        let channel = api::room(&mut http, &members, "bench storm").await?;
        seats.push(Seat { user: Rc::clone(talker), channel: Rc::clone(&channel), publishes: true });
        channels.push((channel, listeners));
    }
    for number in 0..options.clients {
        let (channel, listeners) = &channels[number % rooms];
        seats.push(Seat {
            user: Rc::clone(&listeners[number / rooms % listeners.len()]),
            channel: Rc::clone(channel),
            publishes: false,
        });
    }
    let payload = stage.globals.payload.into();
    Ok((Fleet::seat(&site.target, tally, seats, payload).await?, rooms))
}

fn talk(talkers: &[Handle], count: usize) {
    for talker in talkers {
        (0..count).for_each(|_| talker.borrow_mut().publish());
    }
}

async fn answered(fleet: &Fleet, patience: Duration) -> Result<()> {
    let answered = all(&fleet.clients, patience, |session| {
        session.publisher.as_ref().is_none_or(|publisher| publisher.in_flight == 0)
    });
    ensure!(answered.await, "messages were not answered within {patience:?}");
    Ok(())
}

/// Connects again and again until it works; gives how often it was denied.
async fn come_back(
    client: Handle,
    target: Rc<Target>,
    auth: Auth,
    number: u64,
    patience: Duration,
) -> u64 {
    let mut denials = 0;
    let user = Rc::clone(&client.borrow().user);
    let trying = async {
        loop {
            let connected = match auth {
                Auth::Bearer => client::connect(&client, Proof::Bearer(&user.token)).await,
                Auth::Ticket => match api::ticket(&mut Http::new(&target), &user.token).await {
                    Ok(ticket) => client::connect(&client, Proof::Ticket(&ticket)).await,
                    Err(error) => Err(Denied { status: None, why: format!("{error:#}") }),
                },
            };
            match connected {
                Ok(()) => return,
                Err(denied) => {
                    denials += 1;
                    if denials == 1 && number == 0 {
                        eprintln!("  denied: {:?} {}", denied.status, denied.why);
                    }
                    // Spread over 50–300 ms, as a client's jitter is.
                    let jitter = (number * 37 + denials * 101) % 250;
                    sleep(Duration::from_millis(50 + jitter)).await;
                }
            }
        }
    };
    if tokio::time::timeout(patience, trying).await.is_err() {
        client.borrow_mut().session.end("never let in again".into());
    }
    denials
}

fn returns(clients: &[Handle], begun: u64) -> (Histogram, Histogram) {
    let (mut ready, mut whole) = (Histogram::default(), Histogram::default());
    for client in clients {
        let session = &client.borrow().session;
        if let Some(at) = session.ready_at {
            ready.add(at.saturating_sub(begun));
            whole.add(session.whole_at.saturating_sub(begun));
        }
    }
    (ready, whole)
}

fn spread(
    histogram: &Histogram,
    keys: [&'static str; 3],
    titles: [&'static str; 3],
) -> Vec<Figure> {
    let [p50, p99, _] = percentiles(histogram);
    let values = [p50, p99, histogram.largest()];
    let columns = keys.into_iter().zip(titles).zip(values);
    columns.map(|((key, title), value)| figure(key, title, value, 0)).collect()
}

fn milliseconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3
}
