//! The `tertulia` program.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use anyhow::Context;
use tertulia::cli::{self, Command, Invocation};
use tertulia::config::{self, ConfigFile, Input, Note, Settings, SettingsError};
use tertulia::data_dir::{DataDir, DataDirError};
use tertulia::{admin, health, logging, serve};

/// What the process ends with when its settings are wrong; the same as for a wrong flag.
const BAD_SETTINGS: u8 = 2;

/// What a settings file can have, in bytes: ten times what all settings take.
const MAX_SETTINGS: u64 = 256 * 1024;

/// Threads of the main runtime for each worker: it mostly hands things from one to another, and
/// more threads only wake each other.
const WORKERS_PER_MAIN_THREAD: usize = 4;

fn main() -> ExitCode {
    // What this process makes is its owner's alone: the database holds private messages.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let invocation = cli::parse(env::args_os()).unwrap_or_else(|error| error.exit());
    let Err(error) = run(&invocation) else { return ExitCode::SUCCESS };
    for line in format!("{error:#}").lines() {
        eprintln!("tertulia: {line}");
    }
    if error.is::<SettingsError>() || error.is::<DataDirError>() {
        ExitCode::from(BAD_SETTINGS)
    } else {
        ExitCode::FAILURE
    }
}

fn run(invocation: &Invocation) -> anyhow::Result<()> {
    if invocation.command == Command::OpenApi {
        println!("{}", tertulia_api::openapi().to_pretty_json()?);
        return Ok(());
    }
    let settings = match load(invocation)? {
        Loaded::Settings(settings) => settings,
        Loaded::Printed(text) => {
            print!("{text}");
            return Ok(());
        }
    };
    if invocation.command == Command::CheckConfig {
        for note in &settings.notes {
            let (Note::Info(text) | Note::Warning(text)) = note;
            eprintln!("tertulia: {text}");
        }
        println!("the settings are good");
        return Ok(());
    }
    if invocation.command == Command::Health {
        return health::check(&settings.host, settings.port).context("not alive");
    }
    logging::init(&settings.log)?;
    logging::notes(&settings.notes);
    let data_dir = DataDir::open(&settings.data_dir)?;
    let keys = match &settings.keys {
        Some(keys) => keys.clone(),
        None => data_dir.keys()?,
    };
    // Of the main runtime: the log, the database's connections and the accept loop. Requests and
    // sockets are served by the workers, each with a runtime of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(settings.workers.div_ceil(WORKERS_PER_MAIN_THREAD))
        .thread_name("main")
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match invocation.command {
            Command::Migrate => serve::migrate(&settings).await,
            Command::CreateAdmin { ref username, ref email, password_stdin } => {
                let password = if password_stdin { Some(first_line()?) } else { None };
                admin::create(&settings, keys, username, email.as_deref(), password).await
            }
            Command::AdminToken => admin::token(&settings, keys).await,
            _ => serve::serve(*settings, keys).await,
        }
    })
}

/// What the settings are for.
enum Loaded {
    /// To be used.
    Settings(Box<Settings>),
    /// To be shown.
    Printed(String),
}

fn load(invocation: &Invocation) -> anyhow::Result<Loaded> {
    let lossy = |text: OsString| text.to_string_lossy().into_owned();
    let environment = env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect();
    let env_file = match fs::read_to_string(".env") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other.map_err(|error| SettingsError::new(vec![format!(".env: {error}")]))?,
    };
    let file = settings_file(invocation.config.as_deref())?;
    let input = Input {
        flags: &invocation.flags,
        environment: &environment,
        env_file: &env_file,
        file: file.as_ref(),
        read_file: &read_file,
    };
    if invocation.command == Command::PrintConfig {
        return Ok(Loaded::Printed(config::print(&input)?));
    }
    Ok(Loaded::Settings(Box::new(Settings::load(&input)?)))
}

/// The settings file: the one that is asked for, else `tertulia.toml` if it is there.
fn settings_file(asked: Option<&str>) -> Result<Option<ConfigFile>, SettingsError> {
    let name = asked.unwrap_or("tertulia.toml");
    let read = || -> io::Result<(String, bool)> {
        let mut file = fs::File::open(name)?;
        let mut text = String::new();
        io::Read::by_ref(&mut file).take(MAX_SETTINGS).read_to_string(&mut text)?;
        if text.len() as u64 == MAX_SETTINGS {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok((text, file.metadata()?.mode() & 0o004 != 0))
    };
    match read() {
        Ok((text, open)) => Ok(Some(ConfigFile { name: name.to_owned(), text, open })),
        Err(error) if error.kind() == io::ErrorKind::NotFound && asked.is_none() => Ok(None),
        Err(error) => Err(SettingsError::new(vec![format!("{name}: {error}")])),
    }
}

/// The first line of standard input; never more of it than a password can have.
fn first_line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::BufRead::read_line(&mut io::stdin().lock().take(4096), &mut line)
        .context("standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Reads a file that holds one value; never more of it than a value can have.
fn read_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(64 * 1024).read_to_string(&mut text)?;
    Ok(text)
}
