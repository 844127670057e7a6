//! Connections that only listen: what memory does one hold?

use crate::{
    api,
    fleet::{Fleet, Seat},
    http::Http,
    report::{Outcome, figure, float},
    stage::{Site, Stage},
    tally::Tally,
};
use anyhow::Result;
use clap::Args;
use std::{rc::Rc, time::Duration};
use tokio::time::sleep;

/// How long the server gets to free what connecting took.
const SETTLE: Duration = Duration::from_secs(1);

/// Options of `idle`.
#[derive(Debug, Clone, Args)]
pub(crate) struct IdleOptions {
    /// Connections; a case for each number
    #[arg(long, value_delimiter = ',', default_value = "1000,5000,10000")]
    pub(crate) connections: Vec<usize>,
    /// Distinct users; they share the connections
    #[arg(long, default_value_t = 500)]
    pub(crate) users: usize,
    /// Rooms, each of as many of the users
    #[arg(long, default_value_t = 100)]
    pub(crate) rooms: usize,
}

/// Plays every case.
pub(crate) async fn run(stage: &Stage, options: &IdleOptions) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for connections in &options.connections {
        let case = format!("{connections} connections");
        let one = async |site: &Site| one(stage, site, options, *connections, &case).await;
        outcomes.push(stage.play("idle", &case, one).await?);
    }
    Ok(outcomes)
}

async fn one(
    stage: &Stage,
    site: &Site,
    options: &IdleOptions,
    connections: usize,
    case: &str,
) -> Result<Outcome> {
    let globals = &stage.globals;
    let tally = Rc::new(Tally::new());
    let users = api::register(&site.target, options.users.min(connections)).await?;
    let members_each = users.len().div_ceil(options.rooms.max(1)).max(1);
    let mut http = Http::new(&site.target);
    let mut members = Vec::new();
    for group in users.chunks(members_each) {
        let room = api::room(&mut http, group, "bench idle").await?;
        members.extend(group.iter().enumerate().map(|(place, user)| Seat {
            user: Rc::clone(user),
            channel: Rc::clone(&room),
            publishes: place == 0,
        }));
    }
    // Round and round the users; of each room, only the very first client may send.
    let seat = |number: usize| {
        let Seat { user, channel, publishes } = &members[number % members.len()];
        Seat {
            user: Rc::clone(user),
            channel: Rc::clone(channel),
            publishes: *publishes && number < members.len(),
        }
    };

    let empty = settled(site, 0).await?;
    let mut fleet = Fleet::seat(&site.target, &tally, Vec::new(), 0).await?;
    let half = connections / 2;
    fleet.add(&site.target, (0..half).map(seat).collect(), PAYLOAD).await?;
    let half = settled(site, half).await?;
    let rest = (half.connections..connections).map(seat).collect();
    fleet.add(&site.target, rest, PAYLOAD).await?;
    let full = settled(site, connections).await?;
    // Are they all still listening? One message into every room says so.
    for client in &fleet.clients {
        client.borrow_mut().publish();
    }
    let failures = fleet.finish(globals.patience()).await;
    let after = settled(site, connections).await?;

    let figures = vec![
        figure("rss_before_mib", "RSS MiB before", mib(empty), 1),
        figure("rss_mib", "with all", mib(full), 1),
        figure("kib_per_connection", "KiB/conn", each(empty, full), 2),
        figure("kib_per_further_connection", "KiB/conn of 2nd half", each(half, full), 2),
        figure("kib_per_connection_later", "KiB/conn after a message", each(empty, after), 2),
    ];
    Ok(Outcome {
        scenario: "idle",
        case: case.to_owned(),
        figures,
        notes: vec![format!(
            "{} users in rooms of {members_each} share the connections",
            users.len()
        )],
        failures,
    })
}

/// The size of the one message that each room gets.
const PAYLOAD: usize = 100;

/// Resident memory at a number of connections.
#[derive(Debug, Clone, Copy)]
struct Point {
    connections: usize,
    kib: Option<u64>,
}

async fn settled(site: &Site, connections: usize) -> Result<Point> {
    sleep(SETTLE).await;
    let kib = site.resident()?;
    Ok(Point { connections, kib })
}

fn mib(point: Point) -> Option<f64> {
    Some(float(point.kib?) / 1024.0)
}

fn each(from: Point, to: Point) -> Option<f64> {
    let more = to.connections.checked_sub(from.connections).filter(|more| *more > 0)?;
    Some((float(to.kib?) - float(from.kib?)) / float(more as u64))
}
