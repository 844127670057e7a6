//! What is in the logs, and what is never.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::client::{Answer, text};
use crate::on_both;
use crate::process::Home;
use crate::socket::{Closed, Socket};

/// Each of them so that it cannot be anything else.
const PASSWORD: &str = "needle-password-83c1";
const WRONG_PASSWORD: &str = "needle-wrong-password-5d20";
const CONTENT: &str = "needle-content-1f7e";
const EMAIL: &str = "needle-address-90aa@example.com";

on_both! {
    async fn every_request_has_one_line_and_no_secret_is_in_any(home: Home) {
        let home = home.with("LOG_LEVEL", "DEBUG").with("LOG_FORMAT", "json");
        let server = home.start();
        let nobody = server.nobody();
        let mut requests = Requests::default();

        let new = json!({ "username": "ann", "email": EMAIL, "password": PASSWORD });
        let registered = requests.note(nobody.post("/auth/register", new).await);
        let ann = nobody.signed_in(&registered.expect(201).body);
        let in_with = |password| json!({ "username": "ann", "password": password });
        requests.note(nobody.post("/auth/login", in_with(WRONG_PASSWORD)).await).expect(401);
        let other = requests.note(nobody.post("/auth/login", in_with(PASSWORD)).await);
        let other = nobody.signed_in(&other.expect(200).body);
        let form = [("username", "ann"), ("password", PASSWORD), ("grant_type", "password")];
        let form = nobody.request(Method::POST, "/auth/login").form(&form);
        requests.note(Answer::to(form).await).expect(200);
        let refresh = json!({ "refresh_token": ann.refresh_token });
        let renewed = requests.note(nobody.post("/auth/refresh", refresh).await);
        let renewed = nobody.signed_in(&renewed.expect(200).body);

        let channel = requests.note(renewed.post("/channels", json!({ "name": "general" })).await);
        let channel = text(&channel.expect(201).body["id"]);
        let messages = format!("/channels/{channel}/messages");
        requests.note(renewed.post(&messages, json!({ "content": CONTENT })).await).expect(201);
        requests.note(renewed.post(&messages, json!({ "contents": CONTENT })).await).expect(422);
        requests.note(renewed.get(&messages).await).expect(200);
        let broken = renewed.request(Method::POST, &messages);
        let broken = broken.header("content-type", "application/json").body(CONTENT);
        requests.note(Answer::to(broken).await).expect(400);
        requests.note(renewed.get("/nowhere").await).expect(404);
        let by_address = format!("/users/me?access_token={}", renewed.token);
        requests.note(nobody.get(&by_address).await).expect(401);

        let ticket = requests.note(renewed.post("/auth/tickets", json!({})).await);
        let ticket = text(&ticket.expect(201).body["ticket"]);
        let query = format!("?ticket={ticket}");
        let mut socket = Socket::open_with(&server.base, &query, &[]).await.unwrap();
        requests.insert(&socket.headers, StatusCode::SWITCHING_PROTOCOLS);
        let again = Socket::open_with(&server.base, &query, &[]).await.err();
        assert_eq!(again, Some(Closed(401)));
        let send = json!({ "type": "message.send", "channel_id": channel, "content": CONTENT });
        assert_eq!(socket.ask(send).await.unwrap()["ok"], true);
        let bad = json!({ "type": "message.send", "channel_id": CONTENT, "content": [CONTENT] });
        assert_eq!(socket.ask(bad).await.unwrap()["ok"], false);
        let renew = json!({ "type": "auth.refresh", "token": renewed.token });
        assert_eq!(socket.ask(renew).await.unwrap()["ok"], true);
        let logout = other.post("/auth/logout", json!({})).await;
        requests.note(logout).expect(204);

        let ended = server.stop();
        requests.each_have_one_line(&ended.err);
        let secret = std::fs::read_to_string(home.path("data/secret")).unwrap();
        let mut never = vec![PASSWORD, WRONG_PASSWORD, CONTENT, EMAIL, "$argon2", &ticket, secret.trim()];
        for person in [&ann, &other, &renewed] {
            never.extend([&*person.token, &*person.refresh_token]);
        }
        if let Ok(url) = Url::parse(home.setting("DATABASE_URL")) {
            let password = url.password().unwrap();
            assert!(!ended.err.concat().contains(password), "the password of the database");
        }
        for line in ended.out.iter().chain(&ended.err) {
            assert!(!never.iter().any(|secret| line.contains(secret)), "{line}");
        }
        let admin = ended.out.iter().find_map(|line| line.split_once("once: ")).unwrap().1;
        assert!(!ended.err.concat().contains(admin), "the admin's token is for standard output");
    }
}

/// Requests that were answered: their ids, each with its status.
#[derive(Default)]
struct Requests(BTreeMap<String, StatusCode>);

impl Requests {
    fn note(&mut self, answer: Answer) -> Answer {
        self.insert(&answer.headers, answer.status);
        answer
    }

    fn insert(&mut self, headers: &HeaderMap, status: StatusCode) {
        let id = headers["x-request-id"].to_str().unwrap().to_owned();
        assert_eq!(self.0.insert(id, status), None, "no two have the same");
    }

    /// Every line is JSON; these requests have one each, and what is in it is right.
    fn each_have_one_line(mut self, lines: &[String]) {
        let mut told = BTreeSet::new();
        for line in lines {
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
            if line["message"] != "request" {
                continue;
            }
            assert!(told.insert(text(&line["request_id"])), "twice: {line}");
            assert!(line["path"].is_string() && line["ms"].is_u64(), "{line}");
            if let Some(status) = self.0.remove(&text(&line["request_id"])) {
                assert_eq!(line["status"], status.as_u16(), "{line}");
            }
        }
        assert!(self.0.is_empty(), "without a line: {:?}", self.0);
    }
}
