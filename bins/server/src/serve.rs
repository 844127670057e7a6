//! Puts the parts together, serves, and drains.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use anyhow::Context;
use tertulia_api::{Config, Cors, Server};
use tertulia_auth::Keys;
use tertulia_chat::{Chat, FileOptions, Location, Options, Storage, Store};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{CorsOrigins, Database, Settings};

/// Brings the database to this version's schema.
pub async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    open(settings).await?.close().await;
    println!("the database is up to date");
    Ok(())
}

/// Serves until SIGTERM or SIGINT, then drains.
pub async fn serve(settings: Settings, keys: Keys) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // Bound first: a port that is taken stops the start before anything is touched.
    let listener = TcpListener::bind((settings.host.as_str(), settings.port))
        .with_context(|| format!("HOST and PORT: {}:{}", settings.host, settings.port))?;
    let store = open(&settings).await?;
    let storage = Storage::open(settings.files.clone()).await.context("FILES_URL")?;
    let (chat, tasks) = Chat::start(store.clone(), storage, keys, options(&settings)?).await?;
    let admin_token = match chat.offer_admin().await {
        // What is there can be read; the next start offers a token again.
        Err(tertulia_chat::Error::Full) => None,
        offered => offered?,
    };
    let serving = Server::new(chat.clone(), config(&settings), listener, settings.workers)
        .grace(settings.drain / 2)
        .start()?;
    announce(&settings, &serving.address().to_string(), admin_token.as_deref());

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!(seconds = settings.drain.as_secs(), "draining");
    let stopped = async {
        let result = serving.drain(settings.drain).await;
        tasks.stop(&chat).await;
        drop(chat);
        store.close().await;
        result
    };
    // Half of the time is for the sockets; what is not done by then is cut off.
    let deadline = settings.drain + Duration::from_secs(2);
    match tokio::time::timeout(deadline, stopped).await {
        Ok(result) => result.context("stopping"),
        Err(_) => anyhow::bail!("not done within {} s; ending", deadline.as_secs()),
    }
}

pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Store> {
    let location = match &settings.database {
        Database::Sqlite(path) => Location::Sqlite(path.clone()),
        Database::Postgres(url) => {
            Location::Postgres { url: url.expose().to_owned(), connections: settings.database_pool }
        }
    };
    Store::open(location).await.context("DATABASE_URL")
}

pub(crate) fn options(settings: &Settings) -> anyhow::Result<Options> {
    Ok(Options {
        access_ttl: time::Duration::try_from(settings.access_token_lifetime)?,
        throttled: settings.rate_limits,
        limits: settings.limits.clone(),
        registration_open: settings.registration_open,
        guests: settings.guests,
        guest_ttl: time::Duration::try_from(settings.guest_lifetime)?,
        files: FileOptions {
            max_bytes: settings.files_max_bytes,
            quota_bytes: settings.files_quota_bytes,
        },
        redis: settings.redis.clone(),
        ..Options::default()
    })
}

fn config(settings: &Settings) -> Config {
    let texts = |origins: &[crate::config::WebOrigin]| {
        origins.iter().map(|origin| origin.as_str().to_owned()).collect()
    };
    Config {
        app_name: settings.app_name.clone(),
        public_origins: texts(&settings.public_origins),
        cors: Cors {
            any: settings.cors.origins == CorsOrigins::Any,
            origins: match &settings.cors.origins {
                CorsOrigins::Listed(origins) => texts(origins),
                CorsOrigins::Any => Vec::new(),
            },
            credentials: settings.cors.credentials,
        },
        trusted_proxies: settings.trusted_proxies.clone(),
        loopback: settings.is_loopback(),
    }
}

/// Tells whoever started the server where it is. Standard output may be closed: that stops nothing.
fn announce(settings: &Settings, address: &str, admin_token: Option<&str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{} listens on http://{address}", settings.app_name);
    let _ = writeln!(out, "documentation: http://{address}/docs");
    if let Some(token) = admin_token {
        let _ = writeln!(out, "there is no admin yet; this token makes one, once: {token}");
    }
    let _ = out.flush();
}
