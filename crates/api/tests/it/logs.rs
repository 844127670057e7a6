//! The log tells what was asked, and nothing of what is nobody else's business.

use std::io;
use std::sync::{Mutex, Once};

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::on_both;
use crate::server::{Answer, TestServer, text, unique};
use crate::socket::Socket;

/// All that this process has logged since somebody listens. Other tests may be in it: only what is
/// this test's own can be looked for.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Collects the log, with the most that our crates ever say.
struct Collector;

impl io::Write for Collector {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| {
        let builder = tracing_subscriber::fmt().with_env_filter("warn,tertulia=trace");
        builder.with_ansi(false).with_writer(|| Collector).init();
    });
}

/// What has been logged with these words in it.
pub(crate) fn lines(words: &str) -> Vec<String> {
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    log.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
}

/// What must not be logged, by what it is, and the requests that must be.
#[derive(Default)]
struct Told {
    secrets: Vec<(&'static str, String)>,
    requests: Vec<String>,
}

impl Told {
    fn secret(&mut self, what: &'static str, secret: String) -> String {
        self.secrets.push((what, secret.clone()));
        secret
    }

    /// Notes a request, and the tokens of its answer.
    fn heard(&mut self, answer: &Answer) -> Value {
        self.requests.push(answer.headers["x-request-id"].to_str().unwrap().to_owned());
        for name in ["access_token", "refresh_token", "ticket"] {
            self.secrets.extend(answer.body[name].as_str().map(|token| (name, token.to_owned())));
        }
        answer.body.clone()
    }
}

on_both! {
    async fn secrets_and_what_people_write_are_never_logged(server: TestServer) {
        listen();
        let mut told = Told::default();
        sign_in_and_out(server, &mut told).await;
        talk(server, &mut told).await;

        let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
        for id in &told.requests {
            assert!(log.contains(id.as_str()), "request {id} is in the log");
        }
        assert!(told.requests.len() > 15 && told.secrets.len() > 20);
        for (what, secret) in &told.secrets {
            assert!(!log.contains(secret.as_str()), "{what} is in the log");
        }
    }
}

async fn sign_in_and_out(server: &TestServer, told: &mut Told) {
    let nobody = server.nobody();
    let mut once =
        |what| told.secret(what, format!("{what}-{}@secrets.example", unique()).replace(' ', "-"));
    let (password, wrong, email) = (once("password"), once("wrong password"), once("address"));
    let name = format!("n{}", unique());
    let account = json!({ "username": name, "password": password, "email": email });
    told.heard(&nobody.post("/auth/register", account.clone()).await);
    told.heard(&nobody.post("/auth/register", account).await);
    told.heard(
        &nobody
            .post("/auth/register", json!({ "username": "x y", "password": password, "email": 7 }))
            .await,
    );
    for (who, password) in
        [(&name, &password), (&email, &password), (&name, &wrong), (&password, &wrong)]
    {
        let body = json!({ "username": who, "password": password });
        told.heard(&nobody.post("/auth/login", body).await);
        let form = [("username", who), ("password", password)];
        told.heard(&nobody.send(nobody.request(Method::POST, "/auth/login").form(&form)).await);
    }
    let cut = format!("{{\"username\":\"{name}\",\"password\":\"{password}");
    let cut = nobody
        .request(Method::POST, "/auth/login")
        .header("content-type", "application/json")
        .body(cut);
    told.heard(&nobody.send(cut).await);

    let body = json!({ "username": name, "password": password });
    let ann = server.person(&told.heard(&nobody.post("/auth/login", body).await));
    let refresh = json!({ "refresh_token": ann.refresh_token });
    told.heard(&nobody.post("/auth/refresh", refresh.clone()).await);
    server.clock.advance(Duration::minutes(1));
    told.heard(nobody.post("/auth/refresh", refresh).await.problem(401, "unauthenticated"));
    let path = format!("/users/me?access_token={}", ann.token.as_deref().unwrap());
    told.heard(&ann.get(&path).await);
    if let Some(token) = server.chat.offer_admin().await.unwrap() {
        let token = told.secret("admin token", token);
        told.heard(&ann.post("/admin/claim", json!({ "token": token })).await);
    }
}

async fn talk(server: &TestServer, told: &mut Told) {
    let ann = server.user(&format!("n{}", unique())).await;
    let mut once = |what| told.secret(what, format!("{what} {}!", unique()));
    let (name, purpose) = (once("the channel's name"), once("the channel's purpose"));
    let contents = ["said", "said on the socket", "said instead", "said wrongly"].map(&mut once);
    let made = ann
        .post("/channels", json!({ "name": name, "description": purpose, "kind": "private" }))
        .await;
    let channel = text(&told.heard(&made)["id"]);
    let path = format!("/channels/{channel}/messages");
    let message = told.heard(&ann.post(&path, json!({ "content": contents[0] })).await);
    let path = format!("/messages/{}", text(&message["id"]));
    told.heard(&ann.patch(&path, json!({ "content": contents[2] })).await);
    told.heard(&ann.patch(&path, json!({ "content": [contents[3]] })).await);
    told.heard(&ann.get(&format!("/channels?query={}", contents[3].replace(' ', "%20"))).await);

    for by_query in [true, false] {
        let ticket = told.heard(&ann.send(ann.request(Method::POST, "/auth/tickets")).await);
        let ticket = text(&ticket["ticket"]);
        let protocols = [("sec-websocket-protocol", format!("tertulia.v1, ticket.{ticket}"))];
        let mut socket = if by_query {
            Socket::try_open(&server.base, &format!("/api/v1/ws?ticket={ticket}"), &[])
                .await
                .unwrap()
        } else {
            Socket::try_open(&server.base, "/api/v1/ws", &protocols).await.unwrap()
        };
        socket
            .done(json!({ "type": "message.send", "channel_id": channel, "content": contents[1] }))
            .await;
        let wrong =
            json!({ "type": "message.send", "channel_id": contents[3], "content": contents[3] });
        socket.ask(wrong).await;
        socket.ask(json!({ "type": contents[3] })).await;
        socket.send_text(&format!("{{\"type\": \"{}", contents[3])).await;
        socket.settle().await;
    }
}
