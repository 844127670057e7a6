//! `tertulia-bench`: loads a chat server over its real sockets, measures what that costs the server,
//! and fails when any client missed anything.
//!
//! One thread drives all clients. It reads much at once and scans bytes instead of parsing JSON, so
//! that it costs less than the server that it measures.

mod api;
mod bare;
mod cli;
mod client;
mod feed;
mod fleet;
mod histogram;
mod http;
mod measure;
mod postgres;
mod proc;
mod publisher;
mod report;
mod scenarios;
mod session;
mod spawn;
mod speech;
mod stage;
mod supervisor;
mod tallies;
mod tally;
mod target;
mod verdict;
mod wire;
mod ws;

use anyhow::{Context, Result, bail};
use clap::Parser;
use cli::{Cli, Scenario, defaults};
use report::Outcome;
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    time::{ClockId, clock_gettime},
};
use scenarios::{
    channels, history, idle, ingest, login, presence, reactions, room, rooms, search, start, storm,
    upload,
};
use serde_json::json;
use stage::Stage;
use std::process::ExitCode;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

/// Sockets that the largest scenario needs, with room.
const SOCKETS: u64 = 65_536;

/// To how many sockets the bare write goes: those of the largest room.
const SUBSCRIBERS: usize = 1000;
/// About what a frame is larger than its message's content.
const FRAME: usize = 400;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match play(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("tertulia-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Plays what the command line asks for; `false` when a check failed.
fn play(cli: Cli) -> Result<bool> {
    raise_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        tokio::select! {
            result = perform(cli) => result,
            // Dropping `perform` stops what it started.
            _ = terminated.recv() => bail!("terminated"),
            _ = interrupted.recv() => bail!("interrupted"),
        }
    })
}

async fn perform(cli: Cli) -> Result<bool> {
    let stage = Stage::new(cli.globals).await?;
    let (version, database) = stage.describe().await?;
    let outcomes = scenario(&stage, &cli.scenario).await?;
    let bare = bare::write(SUBSCRIBERS, usize::from(stage.globals.payload) + FRAME).await?;
    let is_good = outcomes.iter().all(|outcome| outcome.failures.is_empty());
    let (processor, kernel) = proc::machine();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("server {version} on {database}; {cores} × {processor}, Linux {kernel}");
    println!("a bare write to one of {SUBSCRIBERS} sockets costs {bare:.2} µs here\n");
    print!("{}", report::table(&outcomes));
    if let Some(path) = &stage.globals.json {
        let report = json!({
            "at_unix": clock_gettime(ClockId::Realtime).tv_sec,
            "server": version,
            "database": database,
            "machine": { "cores": cores, "processor": processor, "kernel": kernel, "bare_write_us": bare },
            "seconds": stage.globals.seconds,
            "warm_up_seconds": stage.globals.warm_up,
            "payload_bytes": stage.globals.payload,
            "runs": stage.globals.runs,
            "passed": is_good,
            "results": report::json(&outcomes),
        });
        std::fs::write(path, format!("{report:#}\n"))
            .with_context(|| path.display().to_string())?;
    }
    if !is_good {
        eprintln!("tertulia-bench: a check failed");
    }
    Ok(is_good)
}

async fn scenario(stage: &Stage, scenario: &Scenario) -> Result<Vec<Outcome>> {
    match scenario {
        Scenario::Room(options) => room::run(stage, options).await,
        Scenario::Rooms(options) => rooms::run(stage, options).await,
        Scenario::Idle(options) => idle::run(stage, options).await,
        Scenario::Ingest(options) => ingest::run(stage, options).await,
        Scenario::History(options) => history::run(stage, options).await,
        Scenario::Search(options) => search::run(stage, options).await,
        Scenario::Storm(options) => storm::run(stage, options).await,
        Scenario::Login(options) => login::run(stage, options).await,
        Scenario::Upload(options) => upload::run(stage, options).await,
        Scenario::Reactions(options) => reactions::run(stage, options).await,
        Scenario::Presence(options) => presence::run(stage, options).await,
        Scenario::Channels(options) => channels::run(stage, options).await,
        Scenario::Start(options) => start::run(stage, options).await,
        Scenario::All => {
            let mut outcomes = Vec::new();
            if stage.binary().is_some() {
                outcomes.extend(start::run(stage, &defaults()?).await?);
            }
            outcomes.extend(login::run(stage, &defaults()?).await?);
            outcomes.extend(room::run(stage, &defaults()?).await?);
            outcomes.extend(rooms::run(stage, &defaults()?).await?);
            outcomes.extend(ingest::run(stage, &defaults()?).await?);
            outcomes.extend(idle::run(stage, &defaults()?).await?);
            outcomes.extend(upload::run(stage, &defaults()?).await?);
            outcomes.extend(reactions::run(stage, &defaults()?).await?);
            outcomes.extend(presence::run(stage, &defaults()?).await?);
            outcomes.extend(channels::run(stage, &defaults()?).await?);
            outcomes.extend(storm::run(stage, &defaults()?).await?);
            outcomes.extend(history::run(stage, &defaults()?).await?);
            outcomes.extend(search::run(stage, &defaults()?).await?);
            Ok(outcomes)
        }
    }
}

/// Raises the limit of open files as far as is allowed, for us and for the server that we start.
fn raise_limit() {
    let now = getrlimit(Resource::Nofile);
    let wanted = |maximum: Option<u64>| Rlimit {
        current: maximum.map_or(Some(SOCKETS), |maximum| Some(maximum.min(SOCKETS))),
        maximum,
    };
    let raised =
        Rlimit { current: Some(SOCKETS), maximum: now.maximum.map(|maximum| maximum.max(SOCKETS)) };
    // Only root may raise the maximum.
    let set = setrlimit(Resource::Nofile, raised)
        .or_else(|_| setrlimit(Resource::Nofile, wanted(now.maximum)));
    if let Err(error) = set {
        eprintln!("the limit of open files stays at {:?}: {error}", now.current);
    }
}
