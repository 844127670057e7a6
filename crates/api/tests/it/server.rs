//! A server of one's own, and people who use it over HTTP.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tertulia_api::{Config, Deadlines, Server, Serving};
use tertulia_auth::Keys;
use tertulia_chat::{
    Chat, Location, Options, RedisAddress, Storage, StorageLocation, Store, Tasks,
};
use tertulia_domain::{Clock, Timestamp};
use tertulia_testing::{PostgresCluster, RedisServer};

use crate::cluster::{Spread, has_redis};
use crate::documented;
use crate::socket::Socket;

/// Good for every test account.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// What all servers sign with.
pub(crate) fn keys() -> Keys {
    Keys::from_secret("a secret of the tests 8f14e45fceea167a5a36dedd4bea2543").unwrap()
}

/// A running server on a database of its own.
pub(crate) struct TestServer {
    pub(crate) chat: Chat,
    /// The server's time, which stands still unless it is moved.
    pub(crate) clock: Clock,
    pub(crate) base: String,
    /// The database as it is, whoever may see what.
    pub(crate) store: Store,
    /// Where it is.
    pub(crate) location: Location,
    http: reqwest::Client,
    serving: Serving,
    tasks: Tasks,
    /// Where files are kept.
    pub(crate) files: Arc<TempDir>,
    /// The second node on the same database, if there is one: it has half of the clients.
    other: Option<Box<TestServer>>,
    pub(crate) spread: Option<Arc<Spread>>,
    _folder: Option<TempDir>,
}

/// What a test wants otherwise.
#[derive(Clone, Default)]
pub(crate) struct Setup {
    pub(crate) options: Options,
    pub(crate) heartbeat: Option<Duration>,
    /// Whose storage of files it is; its own unless this says otherwise.
    pub(crate) storage_owner: Option<&'static str>,
    pub(crate) deadlines: Deadlines,
    /// Whether log-ins and registrations are throttled.
    pub(crate) throttled: bool,
    /// Whether tests may say where they come from.
    pub(crate) behind_proxy: bool,
    /// Of the node that was first: they have one clock, and one storage of files.
    pub(crate) beside: Option<(Clock, Arc<TempDir>)>,
}

impl TestServer {
    pub(crate) async fn sqlite_as(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("test.db"));
        Self::start_as(location, setup, Some(folder)).await
    }

    pub(crate) async fn postgres_as(setup: Setup) -> Option<Self> {
        Some(Self::start_as(Self::postgres_location()?, setup, None).await)
    }

    /// Two nodes on one PostgreSQL, which hear of each other by Redis; `None` where there is none of
    /// these.
    pub(crate) async fn cluster_as(setup: Setup) -> Option<Self> {
        let location = Self::postgres_location()?;
        if !has_redis() {
            return None;
        }
        Some(Self::cluster_on(RedisServer::shared(), location, setup).await)
    }

    pub(crate) async fn cluster_on(
        redis: &RedisServer,
        location: Location,
        mut setup: Setup,
    ) -> Self {
        setup.options.redis = Some(RedisAddress::parse(&redis.url()).unwrap());
        let mut one = Self::start_as(location.clone(), setup.clone(), None).await;
        setup.beside = Some((one.clock.clone(), Arc::clone(&one.files)));
        let two = Self::start_as(location, setup, None).await;
        let spread = Arc::new(Spread::over([&one, &two]));
        spread.joined().await;
        one.spread = Some(spread);
        one.other = Some(Box::new(two));
        one
    }

    async fn start_as(location: Location, setup: Setup, folder: Option<TempDir>) -> Self {
        let proxies = setup.behind_proxy.then(|| "127.0.0.0/8".parse().unwrap());
        let trusted_proxies = proxies.into_iter().collect();
        let config = Config { loopback: true, trusted_proxies, ..Config::default() };
        Self::launch(location, setup, config, folder).await
    }

    pub(crate) async fn sqlite() -> Self {
        Self::sqlite_with(Options::default()).await
    }

    pub(crate) async fn sqlite_with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("test.db"));
        Self::start(location, options, Some(folder)).await
    }

    /// A fresh PostgreSQL database, for one node or several; `None` where PostgreSQL is known not to
    /// be: `.ci/test` says so at its end.
    pub(crate) fn postgres_location() -> Option<Location> {
        if std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("postgres")) {
            return None;
        }
        let url = PostgresCluster::shared().database();
        Some(Location::Postgres { url, connections: 5 })
    }

    pub(crate) async fn start(
        location: Location,
        options: Options,
        folder: Option<TempDir>,
    ) -> Self {
        Self::start_with(location, options, Config { loopback: true, ..Config::default() }, folder)
            .await
    }

    pub(crate) async fn start_with(
        location: Location,
        options: Options,
        config: Config,
        folder: Option<TempDir>,
    ) -> Self {
        Self::launch(location, Setup { options, ..Setup::default() }, config, folder).await
    }

    async fn launch(
        location: Location,
        Setup { options, heartbeat, storage_owner, deadlines, throttled, beside, .. }: Setup,
        config: Config,
        folder: Option<TempDir>,
    ) -> Self {
        let store = Store::open(location.clone()).await.unwrap();
        let (clock, files) = beside.unwrap_or_else(|| {
            let clock = Clock::manual(Timestamp::from_unix_millis(1_795_000_000_000));
            (clock, Arc::new(tempfile::tempdir().unwrap()))
        });
        let options = Options { throttled, clock: clock.clone(), ..options };
        if let Some(owner) = storage_owner {
            std::fs::write(files.path().join("owner"), owner).unwrap();
        }
        let storage = StorageLocation::Folder(files.path().to_owned());
        let storage = Storage::open(storage).await.unwrap();
        let (chat, tasks) = Chat::start(store.clone(), storage, keys(), options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Server::new(chat.clone(), config, listener, 2).deadlines(deadlines);
        if let Some(interval) = heartbeat {
            server = server.heartbeat(interval);
        }
        let serving = server.start().unwrap();
        let base = format!("http://{}", serving.address());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let (other, spread) = (None, None);
        Self {
            chat,
            clock,
            base,
            store,
            location,
            http,
            serving,
            tasks,
            files,
            other,
            spread,
            _folder: folder,
        }
    }

    pub(crate) async fn stop(self) {
        self.serving.stop().await.unwrap();
        self.tasks.stop(&self.chat).await;
        if let Some(other) = self.other {
            Box::pin(other.stop()).await;
        }
    }

    /// What the bus loses of what is committed on whichever node: every n-th event.
    pub(crate) fn lose_every(&self, n: u32) {
        self.chat.bus().lose_every(n);
        if let Some(other) = &self.other {
            other.lose_every(n);
        }
    }

    /// This node and the other one.
    pub(crate) fn nodes(&self) -> [&TestServer; 2] {
        [self, self.other.as_deref().expect("there are two nodes")]
    }

    /// Takes the other node away, which goes on by itself.
    pub(crate) fn take_other(&mut self) -> TestServer {
        self.spread = None;
        *self.other.take().expect("there are two nodes")
    }

    /// Where the next client is to go.
    fn next_base(&self) -> String {
        self.spread.as_ref().map_or_else(|| self.base.clone(), |spread| spread.next_base())
    }

    /// Makes an account and signs it in.
    pub(crate) async fn user(&self, name: &str) -> Person {
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = self.nobody().post("/auth/register", body).await;
        answer.expect(StatusCode::CREATED);
        self.person(&answer.body)
    }

    /// Makes an account that runs the server.
    pub(crate) async fn admin(&self, name: &str) -> Person {
        let person = self.user(name).await;
        let token = self.chat.offer_admin().await.unwrap().expect("the first admin");
        person.post("/admin/claim", json!({ "token": token })).await.expect(StatusCode::OK);
        person
    }

    /// Signs in on another device.
    pub(crate) async fn log_in(&self, name: &str) -> Person {
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = self.nobody().post("/auth/login", body).await;
        answer.expect(StatusCode::OK);
        self.person(&answer.body)
    }

    /// Whoever was signed in by this answer.
    pub(crate) fn person(&self, signed_in: &Value) -> Person {
        Person {
            http: self.http.clone(),
            base: self.next_base(),
            spread: self.spread.clone(),
            id: text(&signed_in["user"]["id"]),
            session: text(&signed_in["session_id"]),
            token: Some(text(&signed_in["access_token"])),
            refresh_token: text(&signed_in["refresh_token"]),
        }
    }

    /// Somebody who has not signed in.
    pub(crate) fn nobody(&self) -> Person {
        Person {
            http: self.http.clone(),
            base: self.next_base(),
            spread: self.spread.clone(),
            id: String::new(),
            session: String::new(),
            token: None,
            refresh_token: String::new(),
        }
    }
}

/// A device that somebody has signed in on.
#[derive(Clone)]
pub(crate) struct Person {
    http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) spread: Option<Arc<Spread>>,
    pub(crate) id: String,
    pub(crate) session: String,
    pub(crate) token: Option<String>,
    pub(crate) refresh_token: String,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// Null when the body was empty.
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(&self, status: StatusCode) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// A problem in the one shape, with this code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["code"], code, "{}", self.body);
        assert_eq!(self.body["status"], status);
        self
    }

    /// The fields that were refused, each with its code, by name.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let faults = self.body["errors"].as_array().cloned().unwrap_or_default();
        let mut faults: Vec<_> =
            faults.iter().map(|fault| (text(&fault["field"]), text(&fault["code"]))).collect();
        faults.sort();
        faults
    }
}

impl Person {
    /// The same device, speaking to another node.
    pub(crate) fn at(&self, node: &TestServer) -> Self {
        Self { base: node.base.clone(), spread: None, ..self.clone() }
    }

    /// A request to `/api/v1…`, to be added to.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let request = request.build().unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.http.execute(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        documented::check(&method, &path, status);
        let bytes = response.bytes().await.unwrap();
        if let Some(spread) = self.spread.as_ref().filter(|_| method != Method::GET) {
            spread.settled().await;
        }
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// All items of all pages of a list, which may be asked for with a `limit`; none where there is
    /// no such list.
    pub(crate) async fn pages(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = path.to_owned();
        loop {
            let page = self.get(&next).await.body;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(cursor) => next = format!("{path}&cursor={cursor}"),
                None => return items,
            }
        }
    }

    /// Makes a public channel, and gives its id.
    pub(crate) async fn create_channel(&self, name: &str) -> String {
        self.create(json!({ "name": name })).await
    }

    /// Makes a private channel, and gives its id.
    pub(crate) async fn create_private(&self, name: &str) -> String {
        self.create(json!({ "name": name, "kind": "private" })).await
    }

    async fn create(&self, body: Value) -> String {
        let answer = self.post("/channels", body).await;
        answer.expect(StatusCode::CREATED);
        text(&answer.body["id"])
    }

    pub(crate) async fn join(&self, channel: &str) {
        let answer =
            self.send(self.request(Method::POST, &format!("/channels/{channel}/join"))).await;
        answer.expect(StatusCode::OK);
    }

    pub(crate) async fn add(&self, channel: &str, other: &Person) {
        let path = format!("/channels/{channel}/members");
        self.post(&path, json!({ "user_id": other.id })).await.expect(StatusCode::CREATED);
    }

    /// Says something, and gives the message.
    pub(crate) async fn say(&self, channel: &str, content: &str) -> Value {
        let path = format!("/channels/{channel}/messages");
        let answer = self.post(&path, json!({ "content": content })).await;
        answer.expect(StatusCode::CREATED);
        answer.body
    }

    /// Asks for what has no body.
    pub(crate) async fn call(&self, path: &str) -> Answer {
        self.send(self.request(Method::POST, path)).await
    }

    /// Makes somebody a moderator.
    pub(crate) async fn promote(&self, channel: &str, other: &Person) {
        let path = format!("/channels/{channel}/members/{}", other.id);
        self.put(&path, json!({ "role": "moderator" })).await.expect(StatusCode::OK);
    }

    /// Bans somebody who was not banned.
    pub(crate) async fn ban(&self, channel: &str, other: &Person) {
        let path = format!("/channels/{channel}/bans/{}", other.id);
        self.put(&path, json!({ "reason": "a secret reason" })).await.expect(StatusCode::CREATED);
    }

    /// Opens a socket, and reads its `ready`.
    pub(crate) async fn listen(&self) -> Socket {
        Socket::open(self).await
    }
}

/// The text that a JSON value is.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A message as frames have it: without what an answer adds for who asks.
pub(crate) fn as_said(view: &Value) -> Value {
    let mut message = view.clone();
    for added in ["quote", "reactions"] {
        message.as_object_mut().unwrap().remove(added);
    }
    message
}

/// Waits for what nothing announces, for at most 20 s.
pub(crate) async fn until(done: impl Fn() -> bool) {
    let waited = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("it did not happen");
}

/// A number that no other call in this process gives.
pub(crate) fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl TestServer {
    /// A request to any path, by nobody, to be added to.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }
}
