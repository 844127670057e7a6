//! From nothing to the first answer, and what is resident then.

use crate::{
    api,
    http::Http,
    report::{Outcome, figure, float},
    stage::Stage,
};
use anyhow::{Result, ensure};
use clap::Args;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long after the first answer memory is read.
const SETTLE: Duration = Duration::from_secs(1);

/// Longer than this is not a start.
const PATIENCE: Duration = Duration::from_secs(30);

/// Options of `start`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StartOptions {
    /// Starts; medians are reported
    #[arg(long, default_value_t = 5)]
    pub(crate) starts: u32,
}

/// Plays the case. Needs `--spawn`.
pub(crate) async fn run(stage: &Stage, options: &StartOptions) -> Result<Vec<Outcome>> {
    ensure!(stage.binary().is_some(), "start needs --spawn");
    let mut times = Vec::new();
    let mut sizes = Vec::new();
    for _ in 0..options.starts.max(1) {
        let begun = Instant::now();
        let site = stage.open().await?;
        let listening = begun.elapsed();
        let mut http = Http::new(&site.target);
        while !api::is_healthy(&mut http).await {
            ensure!(begun.elapsed() < PATIENCE, "no answer from /health");
            sleep(Duration::from_millis(1)).await;
        }
        times.push((begun.elapsed().as_secs_f64() * 1e3, listening.as_secs_f64() * 1e3));
        sleep(SETTLE).await;
        sizes.push(site.resident()?.map_or(0.0, float) / 1024.0);
    }
    let middle = |mut values: Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let (healthy, listening): (Vec<f64>, Vec<f64>) = times.into_iter().unzip();
    Ok(vec![Outcome {
        scenario: "start",
        case: format!("{} starts", options.starts),
        figures: vec![
            figure("listening_ms", "listening ms", middle(listening), 0),
            figure("healthy_ms", "/health ms", middle(healthy), 0),
            figure("rss_mib", "RSS MiB", middle(sizes), 1),
        ],
        notes: vec![
            "with an empty folder; starting the shell that supervises it is included, and with \
             --postgres making the database too"
                .into(),
        ],
        failures: Vec::new(),
    }])
}
