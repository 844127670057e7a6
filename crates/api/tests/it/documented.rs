//! Whatever is answered in any test, the OpenAPI document says that it may be.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::TestServer;
use crate::socket::Socket;

mod pasted;

/// An operation, and what it may answer.
struct Operation {
    method: Method,
    template: Vec<String>,
    statuses: BTreeSet<String>,
}

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    let document = serde_json::to_value(tertulia_api::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().iter();
        for (method, operation) in methods.filter(|(_, it)| it["responses"].is_object()) {
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                template: path.split('/').map(str::to_owned).collect(),
                statuses: operation["responses"].as_object().unwrap().keys().cloned().collect(),
            });
        }
    }
    // Literals before parameters, as the router has it.
    operations.sort_by_key(|it| it.template.iter().filter(|part| is_parameter(part)).count());
    operations
});

fn is_parameter(part: &str) -> bool {
    part.starts_with('{')
}

/// Checks that the operation at this path, if there is one, may answer so. Who calls the server by
/// a name that it has not got is answered 421 everywhere.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, status: StatusCode) {
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |template: &[String]| {
        let mut pairs = template.iter().zip(&parts);
        template.len() == parts.len() && pairs.all(|(it, part)| is_parameter(it) || it == part)
    };
    let operation = OPERATIONS.iter().find(|it| it.method == *method && fits(&it.template));
    if let Some(operation) = operation {
        let known = operation.statuses.contains(status.as_str()) || status == 421;
        assert!(known, "{method} {path} is not said to answer {status}: {:?}", operation.statuses);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handshake_is_answered_is_documented() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    let token = ("authorization", format!("Bearer {}", ann.token.as_deref().unwrap()));
    let open = async |query: &str, headers: &[(&'static str, String)]| {
        Socket::try_open(&server.base, &format!("/api/v1/ws{query}"), headers).await.err()
    };
    let origin = ("origin", "https://evil.example".to_owned());
    let old = ("sec-websocket-version", "8".to_owned());
    assert_eq!(open("", &[]).await, Some(401));
    assert_eq!(open("", &[token.clone(), origin]).await, Some(403));
    assert_eq!(open("?since=yesterday", std::slice::from_ref(&token)).await, Some(422));
    assert_eq!(open("", &[token.clone(), old]).await, Some(426));
    assert_eq!(open("?since=2026-11-21T09:30:00.000Z", &[token]).await, None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_type_of_a_frame_is_a_text() {
    let server = TestServer::sqlite().await;
    let mut socket = server.user("ann").await.listen().await;
    for (kind, code) in [
        (json!(5), "wrong_type"),
        (json!(["ping"]), "wrong_type"),
        (json!({}), "wrong_type"),
        (json!(true), "wrong_type"),
        (Value::Null, "missing"),
        (json!("pong"), "unknown_type"),
    ] {
        let reply = socket.ask(json!({ "type": kind })).await;
        let errors = &reply["error"]["errors"];
        assert_eq!((&errors[0]["field"], &errors[0]["code"]), (&json!("type"), &json!(code)));
    }
    server.stop().await;
}
