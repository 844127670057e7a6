//! The list of somebody's many channels, with what is unread in each: what does it cost?

use crate::{
    api,
    http::Http,
    measure::Meter,
    report::{Outcome, figure, float},
    stage::{Site, Stage},
    tally::Tally,
    target::{Target, User},
};
use anyhow::{Result, ensure};
use clap::Args;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::sleep};

/// Connections that make the channels.
const MAKERS: u64 = 16;

/// Messages said in each channel; one of them is deleted again.
const SAID: u64 = 4;

/// Options of `channels`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ChannelsOptions {
    /// Channels that the person is in
    #[arg(long, default_value_t = 2_000)]
    pub(crate) channels: u64,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &ChannelsOptions) -> Result<Vec<Outcome>> {
    let case = format!("{}, {} unread in each", options.channels, SAID - 1);
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("channels", &case, one).await?])
}

async fn one(stage: &Stage, site: &Site, options: &ChannelsOptions, case: &str) -> Result<Outcome> {
    let tally = Tally::new();
    let users = api::register(&site.target, 2).await?;
    let mut making = JoinSet::new();
    for maker in 0..MAKERS {
        let share = (maker..options.channels).step_by(usize::try_from(MAKERS)?).count();
        making.spawn_local(make(Rc::clone(&site.target), users.clone(), share));
    }
    while let Some(made) = making.join_next().await {
        made??;
    }
    // What the making left to do is not the lists'.
    sleep(Duration::from_secs(2)).await;

    let mut http = Http::new(&site.target);
    let (mut lists, mut slowest) = (0, Duration::ZERO);
    let wanted = (options.channels, options.channels * (SAID - 1));
    let meter = Meter::start(site, &tally)?;
    let until = Instant::now() + stage.globals.length();
    while Instant::now() < until {
        let asked = Instant::now();
        let found = api::own_channels(&mut http, &users[1].token).await?;
        ensure!(found == wanted, "the list says {found:?} and should say {wanted:?}");
        slowest = slowest.max(asked.elapsed());
        lists += 1;
    }
    let window = meter.stop()?;
    let each = window.server_each(lists).map(|microseconds| microseconds / 1e3);
    let mut figures = vec![
        figure("lists_per_second", "lists/s", window.rate(lists), 1),
        figure("server_ms_per_list", "ms/list", each, 2),
    ];
    figures.extend(window.parts_each(lists * options.channels));
    figures.push(figure("slowest_ms", "slowest ms", slowest.as_secs_f64() * 1e3, 1));
    figures.push(figure("channels", "channels", float(options.channels), 0));
    Ok(Outcome {
        scenario: "channels",
        case: case.to_owned(),
        figures,
        notes: Vec::new(),
        failures: Vec::new(),
    })
}

/// Makes channels of two people in which the first has said something.
async fn make(target: Rc<Target>, users: Vec<Rc<User>>, count: usize) -> Result<()> {
    let mut http = Http::new(&target);
    let token = &users[0].token;
    for _ in 0..count {
        let channel = api::room(&mut http, &users, "bench channels").await?;
        let mut last = String::new();
        for said in 0..SAID {
            last = api::say(&mut http, token, &channel, &format!("words {said}")).await?;
        }
        api::delete(&mut http, token, &last).await?;
    }
    Ok(())
}
