//! What no honest client sends: nothing of it is done, nothing of it is a fault of the server's
//! own, and all of it is answered in the one shape.

mod bodies;
mod browsers;
mod fields;
mod frames;
mod operations;
mod pace;
mod paths;
mod protocol;
mod queries;
mod random;
mod raw;
mod slow;
mod texts;
mod tokens;

use serde_json::{Value, json};

use self::operations::Operation;
use crate::server::{Answer, Person, TestServer, text};

/// Checks what holds for every answer: it is no fault of the server's own, it can be found in the
/// log, and if it is a refusal, it is a problem that programs understand.
#[track_caller]
fn check<'a>(answer: &'a Answer, asked: &str) -> &'a Answer {
    let Answer { status, headers, body } = answer;
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert!(status.as_u16() < 500, "{asked}: {status} {body}");
    assert_eq!(header("x-request-id").len(), 32, "{asked}: {headers:?}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{asked}: {headers:?}");
    if status.as_u16() >= 400 {
        assert_eq!(header("content-type"), "application/problem+json", "{asked}: {body}");
        assert_eq!(header("cache-control"), "no-store", "{asked}");
        assert_eq!(body["status"], status.as_u16(), "{asked}");
        assert_eq!(body["type"], "about:blank", "{asked}");
        for name in ["code", "title", "detail"] {
            assert!(body[name].as_str().is_some_and(|text| !text.is_empty()), "{asked}: {body}");
        }
        assert_eq!(*status == 401, headers.contains_key("www-authenticate"), "{asked}");
    }
    answer
}

/// A refusal with this code, and all that holds for every answer.
#[track_caller]
fn refused<'a>(answer: &'a Answer, asked: &str, status: u16, code: &str) -> &'a Answer {
    check(answer, asked);
    assert_eq!(
        (answer.status.as_u16(), &answer.body["code"]),
        (status, &json!(code)),
        "{asked}: {}",
        answer.body
    );
    answer
}

/// Somebody with a channel and a message of their own, at which bad input is thrown.
struct Target {
    ann: Person,
    channel: String,
    message: String,
}

impl Target {
    async fn of(server: &TestServer) -> Self {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let message = text(&ann.say(&channel, "hello").await["id"]);
        Self { ann, channel, message }
    }

    /// The path of an operation about what is there.
    fn path(&self, operation: &Operation) -> String {
        operation
            .template
            .replace("{channel}", &self.channel)
            .replace("{message}", &self.message)
            .replace("{emoji}", "%F0%9F%91%8D")
            .replace("{user}", &self.ann.id)
            .replace("{session}", &self.ann.session)
            .replace("{username}", "ann")
            .replace("/search", "/search?q=hello")
    }

    /// A request that only lacks its body.
    fn request(&self, server: &TestServer, operation: &Operation) -> reqwest::RequestBuilder {
        let token = self.ann.token.clone().unwrap_or_default();
        server.request(operation.method.clone(), &self.path(operation)).bearer_auth(token)
    }

    /// What is answered to a JSON body.
    async fn ask(&self, server: &TestServer, operation: &Operation, body: &Value) -> Answer {
        self.ann.send(self.request(server, operation).json(body)).await
    }

    /// What is answered to this body, which is said to be JSON.
    async fn ask_raw(&self, server: &TestServer, operation: &Operation, body: &[u8]) -> Answer {
        let request = self.request(server, operation).header("content-type", "application/json");
        self.ann.send(request.body(body.to_vec())).await
    }

    /// Nothing that was refused has left a trace.
    async fn is_untouched(&self) {
        let channel = self.ann.get(&format!("/channels/{}", self.channel)).await.body;
        assert_eq!((&channel["name"], &channel["last_seq"]), (&json!("general"), &json!(1)));
        let message = self.ann.get(&format!("/messages/{}", self.message)).await.body;
        assert_eq!((&message["content"], &message["edited_at"]), (&json!("hello"), &Value::Null));
    }
}
