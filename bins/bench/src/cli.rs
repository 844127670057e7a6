//! The command line.

use crate::scenarios::{
    channels::ChannelsOptions, history::HistoryOptions, idle::IdleOptions, ingest::IngestOptions,
    login::LoginOptions, presence::PresenceOptions, reactions::ReactionsOptions, room::RoomOptions,
    rooms::RoomsOptions, search::SearchOptions, start::StartOptions, storm::StormOptions,
    upload::UploadOptions,
};
use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, time::Duration};

/// Loads a chat server over its real sockets, measures what that costs it, and checks that every
/// client saw every message once, in order.
///
/// Either --url (and --pid, for its CPU and memory) names a running server, or --spawn starts one
/// for every case. Rate limits must be off in the server.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) scenario: Scenario,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Scenario {
    /// One room: few publishers, many subscribers; closed loop and paced.
    Room(RoomOptions),
    /// Many small rooms in which everybody talks now and then.
    Rooms(RoomsOptions),
    /// Many connections that only listen: memory.
    Idle(IdleOptions),
    /// Many publishers that wait for nobody, few listeners: CPU a durable message.
    Ingest(IngestOptions),
    /// Pages at random places of a long history.
    History(HistoryOptions),
    /// Searching a long history.
    Search(SearchOptions),
    /// All clients dropped at once, and back at once.
    Storm(StormOptions),
    /// Log-ins, beside what argon2 alone costs.
    Login(LoginOptions),
    /// One large file, beside what dd writes to the same folder.
    Upload(UploadOptions),
    /// Reactions to one message, many a second.
    Reactions(ReactionsOptions),
    /// Who is there, shown to many of whom some come and go.
    Presence(PresenceOptions),
    /// The list of somebody's many channels, with what is unread.
    Channels(ChannelsOptions),
    /// From nothing to the first answer (needs --spawn).
    Start(StartOptions),
    /// All of them, with their defaults.
    All,
}

/// Options for all scenarios.
#[derive(Debug, Clone, Args)]
pub(crate) struct Globals {
    /// Address of a running server, for example `http://127.0.0.1:8000`
    #[arg(long, global = true, conflicts_with = "spawn")]
    pub(crate) url: Option<String>,
    /// Process id of that server: its CPU and memory are read from /proc
    #[arg(long, global = true)]
    pub(crate) pid: Option<u32>,
    /// A process to count as the server's database, with all its children (PostgreSQL's postmaster)
    #[arg(long, global = true)]
    pub(crate) also_pid: Vec<u32>,
    /// Server program to start for every case, on a free port with an empty folder
    #[arg(long, global = true, value_name = "PROGRAM")]
    pub(crate) spawn: Option<PathBuf>,
    /// Database for the server that --spawn starts; all cases share it
    #[arg(long, global = true, conflicts_with = "postgres", value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// Make a throwaway PostgreSQL cluster for the server that --spawn starts, a database a case
    #[arg(long, global = true)]
    pub(crate) postgres: bool,
    /// Where --spawn and --postgres make their folders [default: the system's temporary folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Write the results there as JSON
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Length of a measurement in seconds
    #[arg(long, global = true, default_value_t = 4.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// Load before the measurement in seconds
    #[arg(long, global = true, default_value_t = 1.0, value_parser = seconds)]
    pub(crate) warm_up: f64,
    /// Bytes of a message's content
    #[arg(long, global = true, default_value_t = 100, value_parser = clap::value_parser!(u16).range(17..=4000))]
    pub(crate) payload: u16,
    /// Play every case so often and report the medians
    #[arg(long, global = true, default_value_t = 1)]
    pub(crate) runs: u32,
    /// Seconds to wait at the end for what has not arrived
    #[arg(long, global = true, default_value_t = 30.0, value_parser = seconds)]
    pub(crate) patience: f64,
}

impl Globals {
    /// Length of a measurement.
    pub(crate) fn length(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }

    /// Load before it.
    pub(crate) fn warm_up(&self) -> Duration {
        Duration::from_secs_f64(self.warm_up)
    }

    /// How long to wait for stragglers.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs_f64(self.patience)
    }

    /// Where folders are made.
    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.clone().unwrap_or_else(std::env::temp_dir)
    }
}

/// A scenario's options as they are when none is given.
pub(crate) fn defaults<T: Args>() -> clap::error::Result<T> {
    let command = T::augment_args(clap::Command::new("defaults"));
    T::from_arg_matches(&command.try_get_matches_from(["defaults"])?)
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=86_400.0).contains(&value) => Ok(value),
        _ => Err("seconds from 0 to 86400 are wanted".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_behind_the_scenario() {
        let cli = Cli::try_parse_from([
            "tertulia-bench",
            "room",
            "--subscribers",
            "10,20",
            "--url",
            "http://localhost:1",
            "--seconds",
            "0.5",
        ])
        .unwrap();
        assert_eq!(cli.globals.length(), Duration::from_millis(500));
        let Scenario::Room(room) = cli.scenario else {
            panic!("another scenario");
        };
        assert_eq!(room.subscribers, [10, 20]);
    }

    #[test]
    fn every_scenario_has_defaults() {
        assert_eq!(defaults::<RoomOptions>().unwrap().publishers, 10);
        assert_eq!(defaults::<RoomsOptions>().unwrap().rooms, 200);
        assert_eq!(defaults::<IdleOptions>().unwrap().connections.len(), 3);
        assert_eq!(defaults::<IngestOptions>().unwrap().outstanding, 64);
        assert_eq!(defaults::<HistoryOptions>().unwrap().messages, 1_000_000);
        assert_eq!(defaults::<SearchOptions>().unwrap().messages, 1_000_000);
        assert_eq!(defaults::<StormOptions>().unwrap().clients, 2_000);
        assert!(defaults::<LoginOptions>().unwrap().logins > 0);
        assert_eq!(defaults::<UploadOptions>().unwrap().mebibytes, 100);
        assert_eq!(defaults::<ReactionsOptions>().unwrap().subscribers, 1_000);
        assert_eq!(defaults::<PresenceOptions>().unwrap().members, 1_000);
        assert_eq!(defaults::<ChannelsOptions>().unwrap().channels, 2_000);
        assert!(defaults::<StartOptions>().unwrap().starts > 0);
    }
}
