//! Where a scenario plays: the server named on the command line, or a fresh one for every case.

use crate::{
    api,
    cli::Globals,
    http::Http,
    postgres::Cluster,
    proc::{self, Cpu},
    report::{Outcome, median},
    spawn::Server,
    target::Target,
};
use anyhow::{Context, Result, bail};
use std::{cell::Cell, path::PathBuf, rc::Rc};

/// What all scenarios share.
pub(crate) struct Stage {
    /// The options for all scenarios.
    pub(crate) globals: Globals,
    cluster: Option<Cluster>,
    databases: Cell<u32>,
}

/// A server to measure, and the processes that it consists of.
pub(crate) struct Site {
    /// Where it listens.
    pub(crate) target: Rc<Target>,
    pid: Option<u32>,
    databases: Vec<u32>,
    server: Option<Server>,
}

/// CPU time used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// The server's own process.
    pub(crate) server: Option<Cpu>,
    /// Its database's processes, if there are any.
    pub(crate) database: Option<Cpu>,
    /// This process.
    pub(crate) client: Cpu,
}

impl Stage {
    /// Prepares what the options ask for.
    pub(crate) async fn new(globals: Globals) -> Result<Self> {
        match (&globals.url, &globals.spawn) {
            (Some(_), None) | (None, Some(_)) => {}
            _ => bail!("either --url or --spawn is needed"),
        }
        if globals.spawn.is_none() && (globals.postgres || globals.database_url.is_some()) {
            bail!("--postgres and --database-url are for the server that --spawn starts");
        }
        let cluster = if globals.postgres {
            eprintln!("making a PostgreSQL cluster");
            Some(Cluster::start(&globals.folder()).await?)
        } else {
            None
        };
        Ok(Self { globals, cluster, databases: Cell::new(0) })
    }

    /// A server: with `--spawn` a new one, with an empty database.
    pub(crate) async fn open(&self) -> Result<Site> {
        let mut databases = self.globals.also_pid.clone();
        let Some(binary) = &self.globals.spawn else {
            let url = self.globals.url.as_deref().context("--url")?;
            return Ok(Site {
                target: Target::parse(url)?,
                pid: self.globals.pid,
                databases,
                server: None,
            });
        };
        let database_url = match &self.cluster {
            Some(cluster) => {
                databases.push(cluster.pid());
                let number = self.databases.replace(self.databases.get() + 1);
                Some(cluster.database(&format!("bench{number}"))?)
            }
            None => self.globals.database_url.clone(),
        };
        let server = Server::start(binary, &self.globals.folder(), database_url.as_deref()).await?;
        Ok(Site {
            target: Rc::clone(&server.target),
            pid: Some(server.pid()),
            databases,
            server: Some(server),
        })
    }

    /// Plays a case as often as `--runs` says, each time on a site of its own. A case that cannot be
    /// played is an outcome too, a failed one.
    pub(crate) async fn play(
        &self,
        scenario: &'static str,
        case: &str,
        one: impl AsyncFn(&Site) -> Result<Outcome>,
    ) -> Result<Outcome> {
        let mut runs = Vec::new();
        for run in 1..=self.globals.runs.max(1) {
            eprintln!("{scenario}: {case} (run {run} of {})", self.globals.runs.max(1));
            let site = self.open().await?;
            let outcome = one(&site).await.unwrap_or_else(|error| Outcome {
                scenario,
                case: case.to_owned(),
                figures: Vec::new(),
                notes: Vec::new(),
                failures: vec![format!("{error:#}"), site.state()],
            });
            for failure in &outcome.failures {
                eprintln!("  FAILED: {failure}");
            }
            runs.push(outcome);
        }
        // A run that could not be played has no figures; the medians are those of the others.
        runs.sort_by_key(|run| run.figures.is_empty());
        median(runs).context("no runs")
    }

    /// What the server says it is, and what it keeps its data in.
    pub(crate) async fn describe(&self) -> Result<(String, String)> {
        let site = self.open().await?;
        let version = api::version(&mut Http::new(&site.target)).await;
        let database = match (&self.cluster, &self.globals.database_url) {
            (Some(_), _) => "PostgreSQL, a cluster of our own",
            (None, Some(_)) => "as --database-url says",
            (None, None) if self.globals.spawn.is_some() => "SQLite",
            (None, None) => "as the server is configured",
        };
        Ok((version.unwrap_or_else(|_| "unknown".into()), database.into()))
    }

    /// The server's program, for the scenario that starts it itself.
    pub(crate) fn binary(&self) -> Option<&PathBuf> {
        self.globals.spawn.as_ref()
    }
}

impl Site {
    /// CPU time used so far, by all who take part.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let mut database = None;
        for pid in &self.databases {
            database = Some(database.unwrap_or_default() + proc::tree(*pid)?);
        }
        Ok(Usage {
            server: self.pid.map(proc::process).transpose()?,
            database,
            client: proc::process(std::process::id())?,
        })
    }

    /// The server's resident memory in KiB, without its database's.
    pub(crate) fn resident(&self) -> Result<Option<u64>> {
        self.pid.map(proc::resident).transpose()
    }

    fn state(&self) -> String {
        let running = match (&self.server, self.pid) {
            (Some(server), _) => server.is_running(),
            (None, Some(pid)) => proc::process(pid).is_ok(),
            (None, None) => return "whether the server runs is unknown (no --pid)".into(),
        };
        if running { "the server still runs" } else { "the server is gone" }.into()
    }
}
