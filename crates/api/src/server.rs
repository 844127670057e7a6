//! The HTTP server: one worker a core, each with its own sockets.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_cors::Cors as CorsMiddleware;
use actix_http::{HttpService, KeepAlive};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::App;
use actix_web::dev::{AppConfig, ServerHandle};
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_realtime::Worker;
use tokio::net::TcpStream;

use self::paced::Paced;
use crate::routes::{self, Draining};
use crate::{Config, Cors, guard};

mod farewell;
mod paced;

pub use paced::Deadlines;
pub(crate) use paced::{Course, Socket};

/// How long requests that are under way may take when the server stops.
const GRACE: Duration = Duration::from_secs(4);

/// How often a drain looks whether all sockets have gone.
const POLL: Duration = Duration::from_millis(20);

/// An API that listens, and can be told to stop.
pub struct Server {
    chat: Chat,
    config: Config,
    listener: TcpListener,
    workers: usize,
    heartbeat: Option<Duration>,
    deadlines: Deadlines,
    grace: Duration,
}

/// A server at work.
pub struct Serving {
    address: SocketAddr,
    chat: Chat,
    draining: Arc<AtomicBool>,
    handle: ServerHandle,
    done: tokio::task::JoinHandle<io::Result<()>>,
}

impl Server {
    /// A server on a listener, with this many worker threads: 1 to 64.
    pub fn new(chat: Chat, config: Config, listener: TcpListener, workers: usize) -> Self {
        Self {
            chat,
            config,
            listener,
            workers: workers.clamp(1, 64),
            heartbeat: None,
            deadlines: Deadlines::default(),
            grace: GRACE,
        }
    }

    /// Another interval between the heartbeats of a socket than 25 s.
    #[must_use]
    pub fn heartbeat(self, interval: Duration) -> Self {
        Self { heartbeat: Some(interval), ..self }
    }

    /// Other deadlines for clients of plain HTTP.
    #[must_use]
    pub fn deadlines(self, deadlines: Deadlines) -> Self {
        Self { deadlines, ..self }
    }

    /// Another time than 4 s, in whole seconds, for requests that are under way when the server
    /// stops.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Begins to serve, on threads of its own.
    pub fn start(self) -> io::Result<Serving> {
        let address = self.listener.local_addr()?;
        let draining = Arc::new(AtomicBool::new(false));
        let (chat, config) = (self.chat.clone(), Data::new(self.config));
        let (heartbeat, drain) = (self.heartbeat, Arc::clone(&draining));
        let deadlines = self.deadlines;
        let builder = actix_web::dev::Server::build()
            .workers(self.workers)
            .disable_signals()
            .shutdown_timeout(self.grace.as_secs().max(1));
        let stopping = builder.graceful_shutdown_signal();
        // What `actix_web::HttpServer` does, which takes no stream but its own.
        let serve = move || {
            let worker = match heartbeat {
                Some(interval) => Worker::start_with(chat.hub(), interval),
                None => Worker::start(chat.hub()),
            };
            let app = App::new()
                .app_data(Data::new(chat.clone()))
                .app_data(Data::new(worker))
                .app_data(Data::new(Draining(Arc::clone(&drain))))
                .app_data(config.clone())
                .configure(routes::configure)
                .wrap(from_fn(guard::protect))
                .wrap(cors(&config.cors))
                .wrap(from_fn(guard::log))
                .wrap(from_fn(guard::hang_up));
            let stopping = stopping.clone();
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                // `Paced` closes what is unused.
                .keep_alive(KeepAlive::Os)
                .client_request_timeout(deadlines.head)
                .client_disconnect_timeout(deadlines.close)
                .on_connect_ext(|stream: &Paced, data| {
                    data.insert(stream.course().clone());
                });
            let app = app.into_factory().map_err(|error| error.error_response());
            let accept = fn_service(move |stream: TcpStream| async move {
                stream.set_nodelay(true)?;
                let client = stream.peer_addr().ok();
                Ok((Paced::new(stream, deadlines), client))
            });
            accept.and_then(http.h1(map_config(app, |()| AppConfig::default())))
        };
        let server = builder.listen("http", self.listener, serve)?.run();
        let handle = server.handle();
        let done = tokio::spawn(server);
        Ok(Serving { address, chat: self.chat, draining, handle, done })
    }
}

impl Serving {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops: not ready any more, no new sockets, every socket told when to come back and closed
    /// over the first half of `within`, requests under way finished.
    pub async fn drain(self, within: Duration) -> io::Result<()> {
        self.draining.store(true, Ordering::Release);
        self.chat.hub().drain(within / 2);
        let begun = Instant::now();
        while self.chat.hub().has_listeners() && begun.elapsed() < within / 2 {
            tokio::time::sleep(POLL).await;
        }
        self.handle.stop(true).await;
        self.done.await.map_err(io::Error::other)?
    }

    /// Stops at once.
    pub async fn stop(self) -> io::Result<()> {
        self.handle.stop(false).await;
        self.done.await.map_err(io::Error::other)?
    }
}

/// Pages of other origins get nothing unless they are listed.
fn cors(config: &Cors) -> CorsMiddleware {
    let mut cors = CorsMiddleware::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([
            header::ACCEPT_RANGES,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
        ])
        .expose_headers(["x-request-id", "ratelimit", "ratelimit-policy"])
        .block_on_origin_mismatch(false)
        .max_age(3600);
    if config.any {
        cors = cors.send_wildcard().allow_any_origin();
    }
    for origin in &config.origins {
        cors = cors.allowed_origin(origin);
    }
    if config.credentials && !config.any {
        cors = cors.supports_credentials();
    }
    cors
}
