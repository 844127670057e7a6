//! People who use a server over HTTP.

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::process::{PATIENCE, Server};

/// Good for every test account.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A device that somebody has signed in on, or nobody's.
#[derive(Clone)]
pub(crate) struct Person {
    http: reqwest::Client,
    pub(crate) base: String,
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// Null when the body was no JSON.
    pub(crate) body: Value,
}

impl Server {
    /// Somebody who has not signed in.
    pub(crate) fn nobody(&self) -> Person {
        Person {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base: self.base.clone(),
            id: String::new(),
            token: String::new(),
            refresh_token: String::new(),
        }
    }

    /// Makes an account and signs it in.
    pub(crate) async fn user(&self, name: &str) -> Person {
        let nobody = self.nobody();
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = nobody.post("/auth/register", body).await;
        nobody.signed_in(&answer.expect(201).body)
    }

    /// Status and body of a path outside of the API.
    pub(crate) async fn look(&self, path: &str) -> Answer {
        let nobody = self.nobody();
        Answer::to(nobody.http.get(format!("{}{path}", self.base))).await
    }

    /// Asks again and again until `/ready` has this status.
    pub(crate) async fn until_ready_is(&self, status: u16) -> Answer {
        let asked = async {
            loop {
                let answer = self.look("/ready").await;
                if answer.status == status {
                    return answer;
                }
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("it becomes so")
    }
}

impl Person {
    /// Whoever was signed in by this answer.
    pub(crate) fn signed_in(&self, body: &Value) -> Self {
        Self {
            id: text(&body["user"]["id"]),
            token: text(&body["access_token"]),
            refresh_token: text(&body["refresh_token"]),
            ..self.clone()
        }
    }

    /// The same person, once the server has another address.
    pub(crate) fn at(&self, server: &Server) -> Self {
        Self { base: server.base.clone(), ..self.clone() }
    }

    /// A request to `/api/v1…`, to be added to.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        if self.token.is_empty() { request } else { request.bearer_auth(&self.token) }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::to(self.request(Method::POST, path).json(&body)).await
    }

    /// Makes a public channel, and gives its id.
    pub(crate) async fn create_channel(&self, name: &str) -> String {
        text(&self.post("/channels", json!({ "name": name })).await.expect(201).body["id"])
    }

    pub(crate) async fn join(&self, channel: &str) {
        self.post(&format!("/channels/{channel}/join"), json!({})).await.expect(200);
    }

    /// Says something, whatever comes of it.
    pub(crate) async fn try_to_say(&self, channel: &str, content: &str) -> Answer {
        self.post(&format!("/channels/{channel}/messages"), json!({ "content": content })).await
    }

    /// Says something, and gives the message.
    pub(crate) async fn say(&self, channel: &str, content: &str) -> Value {
        as_told(&self.try_to_say(channel, content).await.expect(201).body)
    }

    /// All that was said in a channel after a place in it, oldest first.
    pub(crate) async fn history(&self, channel: &str, after: usize) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = after + all.len();
            let path = format!("/channels/{channel}/messages?limit=100&after={after}");
            let page = self.get(&path).await;
            let items = page.expect(200).body["items"].as_array().unwrap();
            if items.is_empty() {
                return all;
            }
            all.extend(items.iter().rev().map(as_told));
        }
    }
}

impl Answer {
    /// What a request is answered.
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = request.timeout(PATIENCE).send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = serde_json::from_slice(&response.bytes().await.unwrap());
        Self { status, headers, body: body.unwrap_or_default() }
    }

    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// A problem in the one shape; gives its code.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &str {
        self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.body["code"].as_str().unwrap()
    }
}

/// The text that a JSON value is.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

/// A message as frames have it: without what is of who asks, and of the moment.
pub(crate) fn as_told(message: &Value) -> Value {
    let mut message = message.clone();
    for added in ["quote", "reactions"] {
        message.as_object_mut().map(|fields| fields.remove(added));
    }
    message
}
