//! Many who look at one channel, of whom some come and go all the time: what does showing them who is
//! there add to what their coming back costs anyway?

use crate::{
    api,
    client::{self, Handle, Proof},
    fleet::{Fleet, Seat, all},
    http::Http,
    measure::{Meter, Window},
    report::{Outcome, figure},
    stage::{Site, Stage},
    tally::Tally,
};
use anyhow::{Result, ensure};
use clap::Args;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// How long somebody is away.
const AWAY: Duration = Duration::from_secs(1);

/// Options of `presence`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PresenceOptions {
    /// People in the channel, with a client each
    #[arg(long, default_value_t = 1_000)]
    pub(crate) members: usize,
    /// How many of them go and come back, every second
    #[arg(long, default_value_t = 100)]
    pub(crate) churn: u32,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &PresenceOptions) -> Result<Vec<Outcome>> {
    let case = format!("{} of {} a second", options.churn, options.members);
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("presence", &case, one).await?])
}

async fn one(stage: &Stage, site: &Site, options: &PresenceOptions, case: &str) -> Result<Outcome> {
    let globals = &stage.globals;
    let patience = globals.patience();
    let tally = Rc::new(Tally::new());
    let users = api::register(&site.target, options.members.max(2)).await?;
    let room = api::room(&mut Http::new(&site.target), &users, "bench presence").await?;
    let seats = users.iter().map(|user| Seat {
        user: Rc::clone(user),
        channel: Rc::clone(&room),
        publishes: false,
    });
    let fleet = Fleet::seat(&site.target, &tally, seats.collect(), globals.payload.into()).await?;

    let unseen = churn(stage, site, &tally, &fleet.clients, options.churn, false).await?;
    for client in &fleet.clients {
        client.borrow_mut().focus();
    }
    ensure!(
        all(&fleet.clients, patience, |session| session.focused).await,
        "nobody is shown who is there"
    );
    let seen = churn(stage, site, &tally, &fleet.clients, options.churn, true).await?;

    let mut failures = Vec::new();
    let lost =
        fleet.clients.iter().filter(|client| client.borrow().session.ended.is_some()).count();
    if lost > 0 {
        failures.push(format!("{lost} clients were hung up on"));
    }
    let added = match (seen.server_percent(), unseen.server_percent()) {
        (Some(seen), Some(unseen)) => Some(seen - unseen),
        _ => None,
    };
    let figures = vec![
        figure("server_cpu_percent", "cpu %", seen.server_percent(), 1),
        figure("server_cpu_percent_unseen", "without focus", unseen.server_percent(), 1),
        figure("presence_cpu_percent", "presence", added, 1),
        figure("client_cpu_percent", "bench cpu %", seen.client.total() / seen.seconds * 100.0, 1),
    ];
    Ok(Outcome {
        scenario: "presence",
        case: case.to_owned(),
        figures,
        notes: Vec::new(),
        failures,
    })
}

/// Lets people go and come back, evenly spread, and measures that.
async fn churn(
    stage: &Stage,
    site: &Site,
    tally: &Rc<Tally>,
    clients: &[Handle],
    rate: u32,
    looks: bool,
) -> Result<Window> {
    let (warm_up, length) = (stage.globals.warm_up() + AWAY, stage.globals.length());
    let mut returning = JoinSet::new();
    let mut meter = None;
    let begun = Instant::now();
    for (number, client) in (0_u32..).zip(clients.iter().cycle()) {
        let due = f64::from(number) / f64::from(rate.max(1));
        if let Some(wait) = Duration::from_secs_f64(due).checked_sub(begun.elapsed()) {
            sleep(wait).await;
        }
        if meter.is_none() && begun.elapsed() >= warm_up {
            meter = Some(Meter::start(site, tally)?);
        }
        if begun.elapsed() >= warm_up + length {
            break;
        }
        client.borrow_mut().cut();
        returning.spawn_local(come_back(Rc::clone(client), looks));
        while let Some(returned) = returning.try_join_next() {
            returned??;
        }
    }
    let window = meter.map_or_else(|| Meter::start(site, tally)?.stop(), Meter::stop)?;
    while let Some(returned) = returning.join_next().await {
        returned??;
    }
    let patience = stage.globals.patience();
    let back = |session: &crate::session::Session| {
        session.ready_at.is_some() && (session.focused || !looks)
    };
    ensure!(all(clients, patience, back).await, "not everybody came back within {patience:?}");
    Ok(window)
}

async fn come_back(client: Handle, looks: bool) -> Result<()> {
    sleep(AWAY).await;
    let user = Rc::clone(&client.borrow().user);
    client::connect(&client, Proof::Bearer(&user.token))
        .await
        .map_err(|denied| anyhow::anyhow!("coming back: {}", denied.why))?;
    if looks {
        client.borrow_mut().focus();
    }
    Ok(())
}
