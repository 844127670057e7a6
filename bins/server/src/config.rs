//! The server's settings, from flags, environment, `.env` and a settings file.

mod database;
mod env_file;
mod error;
mod file;
pub mod keys;
mod log;
mod origins;
mod print;
mod reader;
mod secret;
mod values;

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use tertulia_auth::{Keys, Limits, Rule};
use tertulia_chat::{RedisAddress, StorageCredentials, StorageLocation};

pub use self::database::Database;
pub use self::error::SettingsError;
use self::error::Source;
pub use self::file::ConfigFile;
pub use self::log::{Log, LogFormat};
pub use self::origins::{Cors, CorsOrigins, WebOrigin};
pub use self::print::print;
pub use self::reader::Input;
pub use self::secret::Secret;

use self::keys::{Fallback, Key};
use self::reader::Reader;

/// Everything that can be configured, parsed and within its bounds.
#[derive(Clone, Debug)]
pub struct Settings {
    /// IP address or host name to listen on, without brackets.
    pub host: String,
    /// Port to listen on; 0 is any free one.
    pub port: u16,
    /// Folder of the database and the secret; may not exist yet.
    pub data_dir: PathBuf,
    /// Where the truth is kept.
    pub database: Database,
    /// Connections in the pool, 1 to 500.
    pub database_pool: usize,
    /// How nodes hear of each other at once.
    pub redis: Option<RedisAddress>,
    /// Where files are kept.
    pub files: StorageLocation,
    /// The largest file, in bytes.
    pub files_max_bytes: u64,
    /// What one person's files may take together, in bytes.
    pub files_quota_bytes: u64,
    /// The keys of `SECRET_KEY`, unless the secret is to be the one in `data_dir`.
    pub keys: Option<Keys>,
    /// How long an access token lives: 1 minute to 24 hours.
    pub access_token_lifetime: Duration,
    /// Whether anybody may register.
    pub registration_open: bool,
    /// Whether guests are let in.
    pub guests: bool,
    /// How long a guest may be away: 1 hour to 365 days.
    pub guest_lifetime: Duration,
    /// What this server is called, 1 to 64 characters.
    pub app_name: String,
    /// Where people reach the server from outside; the first is the one to print.
    pub public_origins: Vec<WebOrigin>,
    /// Which pages of other origins may call.
    pub cors: Cors,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether requests are limited.
    pub rate_limits: bool,
    /// How much is too much.
    pub limits: Limits,
    /// Threads that serve requests, 1 to 64.
    pub workers: usize,
    /// How long a shutdown may take.
    pub drain: Duration,
    /// What is logged, and how.
    pub log: Log,
    /// What whoever runs the server should hear once logging is up.
    pub notes: Vec<Note>,
}

/// Something to log at the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Good to know.
    Info(String),
    /// Worth changing.
    Warning(String),
}

/// S3 takes 10,000 parts of 5 MiB.
const MAX_FILE: u64 = 10_000 * 5 * 1024 * 1024;

const RUST_LOG: Key =
    Key { name: "RUST_LOG", default: Fallback::Said("none"), help: "", secret: false };

impl Settings {
    /// Reads the settings, or says everything that is wrong with them, a line each. Reads no file
    /// but by `input.read_file`, and changes nothing.
    pub fn load(input: &Input<'_>) -> Result<Self, SettingsError> {
        let mut read = Reader::new(input);
        let host = read.value(&keys::HOST, values::host);
        let port = read.value(&keys::PORT, values::number(0..=u16::MAX));
        let data_dir = read.value(&keys::DATA_DIR, PathBuf::from_str);
        let database =
            read.optional_or_file(&keys::DATABASE_URL, &keys::DATABASE_URL_FILE, Database::parse);
        let database_pool = read.value(&keys::DATABASE_POOL, values::number(1..=500));
        let redis =
            read.optional_or_file(&keys::REDIS_URL, &keys::REDIS_URL_FILE, RedisAddress::parse);
        let files = read.optional(&keys::FILES_URL, StorageLocation::parse);
        let files_keys = files_keys(&mut read);
        let files_max_bytes = read.value(&keys::FILES_MAX_BYTES, values::number(1..=MAX_FILE));
        let files_quota_bytes =
            read.value(&keys::FILES_QUOTA_BYTES, values::number(1..=i64::MAX.unsigned_abs()));
        let secret =
            read.optional_or_file(&keys::SECRET_KEY, &keys::SECRET_KEY_FILE, Keys::from_secret);
        let algorithm = read.value(&keys::ALGORITHM, values::algorithm);
        let minutes = read.value(&keys::ACCESS_TOKEN_EXPIRE_MINUTES, values::number(1..=1440));
        let registration = read.value(&keys::REGISTRATION, values::registration);
        let guests = read.value(&keys::GUESTS, values::guests);
        let guest_hours = read.value(&keys::GUEST_HOURS, values::number(1..=8760));
        let app_name = read.value(&keys::APP_NAME, values::name);
        let public_origins = read.optional(&keys::PUBLIC_URL, origins::origins);
        let cors_origins = read.optional(&keys::CORS_ORIGINS, origins::cors_origins);
        let credentials = read.value(&keys::CORS_ALLOW_CREDENTIALS, values::switch);
        let trusted_proxies = read.optional(&keys::TRUSTED_PROXIES, values::networks);
        let rate_limits = read.value(&keys::RATE_LIMITS, values::switch);
        let limits = limits(&mut read);
        let workers = read.optional(&keys::WORKERS, values::number(1..=64));
        let drain = read.value(&keys::DRAIN_SECONDS, values::number(0..=600));
        let level = read.value(&keys::LOG_LEVEL, log::level);
        let format = read.value(&keys::LOG_FORMAT, log::format);
        let directives = read.optional(&RUST_LOG, log::directives);
        let notes = foreign_names(&read).into_iter().chain(open_secrets(&read)).collect();

        let settings = || {
            let data_dir: PathBuf = data_dir?;
            let () = algorithm?;
            let guests = guests?;
            let settings = Self {
                host: host?,
                port: port?,
                database: database?.unwrap_or_else(|| Database::in_data_dir(&data_dir)),
                redis: redis?,
                files: files?
                    .unwrap_or_else(|| StorageLocation::Folder(data_dir.join("files")))
                    .signed_by(files_keys?),
                files_max_bytes: files_max_bytes?,
                files_quota_bytes: files_quota_bytes?,
                data_dir,
                database_pool: database_pool?,
                keys: secret?,
                access_token_lifetime: Duration::from_mins(minutes?),
                registration_open: registration?,
                guests: guests.unwrap_or(false),
                guest_lifetime: Duration::from_hours(guest_hours?),
                app_name: app_name?,
                public_origins: public_origins?.unwrap_or_default(),
                cors: Cors {
                    origins: cors_origins?.unwrap_or_default(),
                    credentials: credentials?,
                },
                trusted_proxies: trusted_proxies?.unwrap_or_default(),
                rate_limits: rate_limits?,
                limits: limits?,
                workers: workers?.unwrap_or_else(cores),
                drain: Duration::from_secs(drain?),
                log: Log { level: level?, directives: directives?, format: format? },
                notes,
            };
            let guests =
                guests.unwrap_or_else(|| settings.is_private() && settings.registration_open);
            Ok(Self { guests, ..settings }.made_safe())
        };
        let settings = settings();
        read.finish(settings)
    }

    /// Whether only this machine can connect.
    pub fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether nobody but this machine comes in: not even by a proxy, which makes strangers look
    /// as if they were here.
    fn is_private(&self) -> bool {
        self.is_loopback() && self.public_origins.is_empty() && self.trusted_proxies.is_empty()
    }

    /// Takes back what would be dangerous together, and says so.
    fn made_safe(mut self) -> Self {
        if self.cors.credentials && self.cors.origins == CorsOrigins::Any {
            self.cors.credentials = false;
            self.notes.push(Note::Warning(
                "CORS_ALLOW_CREDENTIALS is left off, since CORS_ORIGINS is *: any page could act as \
                 whoever opens it; list the origins instead"
                    .to_owned(),
            ));
        }
        if self.redis.is_some() && matches!(self.database, Database::Sqlite(_)) {
            self.redis = None;
            self.notes.push(Note::Warning(
                "REDIS_URL is left unused: it joins several nodes, and SQLite is for one; set \
                 DATABASE_URL to PostgreSQL"
                    .to_owned(),
            ));
        }
        if !self.rate_limits && !self.is_loopback() {
            self.notes.push(Note::Warning(
                "RATE_LIMITS is off on an address that others can reach: passwords can be guessed \
                 as fast as the machine hashes"
                    .to_owned(),
            ));
        }
        self
    }
}

/// What signs requests to the bucket of files: both keys or none.
fn files_keys(read: &mut Reader<'_>) -> Result<Option<StorageCredentials>, reader::Noted> {
    let key = |text: &str| Ok::<_, &'static str>(text.to_owned());
    let access =
        read.optional_or_file(&keys::FILES_ACCESS_KEY, &keys::FILES_ACCESS_KEY_FILE, key)?;
    let secret =
        read.optional_or_file(&keys::FILES_SECRET_KEY, &keys::FILES_SECRET_KEY_FILE, key)?;
    match (access, secret) {
        (Some(access_key), Some(secret_key)) => {
            Ok(Some(StorageCredentials { access_key, secret_key }))
        }
        (None, None) => Ok(None),
        (Some(_), None) => read.missing(&keys::FILES_SECRET_KEY, &keys::FILES_ACCESS_KEY),
        (None, Some(_)) => read.missing(&keys::FILES_ACCESS_KEY, &keys::FILES_SECRET_KEY),
    }
}

/// The limit of each rule; all that are wrong are told.
fn limits(read: &mut Reader<'_>) -> Result<Limits, reader::Noted> {
    let mut limits = Ok(Limits::default());
    for (rule, key) in Rule::ALL.iter().filter_map(|rule| Some((*rule, keys::limit(*rule)?))) {
        let limit = read.value(key, tertulia_auth::Limit::from_str);
        limits = limits.and_then(|limits| Ok(limits.with(rule, limit?)));
    }
    limits
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(256)
}

/// One line about the names in `.env` that mean nothing here (files of other servers have them).
fn foreign_names(read: &Reader<'_>) -> Option<Note> {
    let known = |name: &str| name == RUST_LOG.name || keys::ALL.iter().any(|key| key.name == name);
    let mut names: Vec<&str> = read
        .env_file()
        .iter()
        .map(|entry| entry.name.as_str())
        .filter(|name| !known(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| {
        Note::Info(format!(".env: ignored, no settings of this server: {}", names.join(", ")))
    })
}

/// A word about secrets that stand where every user of the machine can read them.
fn open_secrets(read: &Reader<'_>) -> Option<Note> {
    let file = read.file().filter(|file| file.open)?;
    let is_secret = |name: &str| keys::ALL.iter().any(|key| key.name == name && key.hides());
    let secret = file.entries.iter().find(|entry| is_secret(&entry.name))?;
    Some(Note::Warning(format!(
        "{} can be read by every user of this machine, and {} stands in it: chmod o-r",
        file.name(),
        secret.name.to_ascii_lowercase()
    )))
}

#[cfg(test)]
mod tests;
