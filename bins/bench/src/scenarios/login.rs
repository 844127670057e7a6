//! Log-ins: what do they cost beyond the password's hash?

use crate::{
    api,
    histogram::Histogram,
    http::Http,
    measure::{Meter, each, percentiles},
    proc::thread_time,
    report::{Outcome, figure},
    stage::{Site, Stage},
    tally::Tally,
};
use anyhow::{Context, Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use clap::Args;
use std::time::{Duration, Instant};

/// Options of `login`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoginOptions {
    /// Log-ins, one after the other
    #[arg(long, default_value_t = 100)]
    pub(crate) logins: u32,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &LoginOptions) -> Result<Vec<Outcome>> {
    let case = format!("{} log-ins", options.logins);
    let one = async |site: &Site| one(site, options, &case).await;
    Ok(vec![stage.play("login", &case, one).await?])
}

async fn one(site: &Site, options: &LoginOptions, case: &str) -> Result<Outcome> {
    let tally = Tally::new();
    let users = api::register(&site.target, 1).await?;
    let user = users.first().context("no user")?;
    let mut http = Http::new(&site.target);
    let mut hash = Hash::new()?;
    // Once for nothing, then in turn, so that both meet the same machine.
    api::login(&mut http, user).await?;
    hash.kept()?;
    let (mut kept, mut fresh) = (Duration::ZERO, Duration::ZERO);
    let mut took = Histogram::default();
    let meter = Meter::start(site, &tally)?;
    for _ in 0..options.logins {
        let asked = Instant::now();
        api::login(&mut http, user).await?;
        took.add(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
        kept += hash.kept()?;
        fresh += hash.fresh()?;
    }
    let window = meter.stop()?;

    let count = u64::from(options.logins);
    let milliseconds = |each: Option<f64>| each.map(|us| us / 1e3);
    let server = milliseconds(window.server_each(count));
    let kept = milliseconds(each(Some(kept.as_secs_f64()), count));
    let fresh = milliseconds(each(Some(fresh.as_secs_f64()), count));
    let over = |own: Option<f64>| Some((server? / own? - 1.0) * 100.0);
    let [p50, p99, _] = percentiles(&took);
    let mut figures = vec![
        figure("server_ms_per_login", "ms/login", server, 2),
        figure("argon2_ms", "argon2 ms", kept, 2),
        figure("over_argon2_percent", "over it %", over(kept), 1),
        figure("argon2_fresh_memory_ms", "in fresh memory ms", fresh, 2),
        figure("over_argon2_fresh_memory_percent", "over that %", over(fresh), 1),
    ];
    figures.extend(window.parts_each(count));
    figures.push(figure("login_p50_ms", "p50 ms", p50, 2));
    figures.push(figure("login_p99_ms", "p99", p99, 2));
    Ok(Outcome {
        scenario: "login",
        case: case.to_owned(),
        figures,
        notes: vec!["argon2id with 19 MiB, 2 passes, 1 lane, hashed by the bench in turn".into()],
        failures: Vec::new(),
    })
}

/// argon2id as OWASP has it, alone.
struct Hash {
    argon2: Argon2<'static>,
    memory: Vec<Block>,
}

impl Hash {
    fn new() -> Result<Self> {
        let params = Params::new(19_456, 2, 1, None).map_err(|error| anyhow!("{error}"))?;
        let memory = vec![Block::new(); params.block_count()];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        Ok(Self { argon2, memory })
    }

    /// CPU time of one hash in memory that is kept: the least that it can cost.
    fn kept(&mut self) -> Result<Duration> {
        let begun = thread_time();
        self.hash_in_memory()?;
        Ok(thread_time().saturating_sub(begun))
    }

    /// CPU time of one hash in memory that the kernel has to find and clear first.
    fn fresh(&mut self) -> Result<Duration> {
        let count = self.memory.len();
        let begun = thread_time();
        // Above 32 MiB glibc always asks the kernel; the pages that are not touched cost nothing.
        let mut memory = Vec::with_capacity(count.max(FRESH_BLOCKS));
        memory.resize(count, Block::new());
        let kept = std::mem::replace(&mut self.memory, memory);
        self.hash_in_memory()?;
        drop(std::mem::replace(&mut self.memory, kept));
        Ok(thread_time().saturating_sub(begun))
    }

    fn hash_in_memory(&mut self) -> Result<()> {
        let mut out = [0; 32];
        self.argon2
            .hash_password_into_with_memory(
                b"a password",
                b"sixteen of salt.",
                &mut out,
                &mut self.memory,
            )
            .map_err(|error| anyhow!("{error}"))
    }
}

/// 40 MiB of blocks.
const FRESH_BLOCKS: usize = 40 * 1024;
