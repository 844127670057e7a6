//! HTTP itself: odd methods, odd framing, and what every answer carries.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::json;

use super::operations::all;
use super::raw::{Connection, exchange, head};
use super::{Target, check, refused};
use crate::on_both;
use crate::server::TestServer;

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_path_takes_its_own_methods_only(server: TestServer) {
        let target = Target::of(server).await;
        let mut methods: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for operation in all() {
            let taken = methods.entry(target.path(&operation)).or_default();
            if operation.method == Method::GET {
                taken.push("HEAD".to_owned());
            }
            taken.push(operation.method.to_string());
        }
        for (path, taken) in methods {
            for method in [
                "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
                "PROPFIND", "BREW", "get",
            ] {
                if taken.iter().any(|it| it == method) {
                    continue;
                }
                let asked = format!("{method} {path}");
                let answer = if method == "HEAD" {
                    // Its answer has no body to be waited for.
                    target.ann.send(server.request(Method::HEAD, &path)).await
                } else {
                    let head = head(method, &path, &[("content-length", "0")]);
                    exchange(server, head.as_bytes()).await
                };
                assert_eq!(answer.status, 405, "{asked}");
                if method != "HEAD" {
                    refused(&answer, &asked, 405, "method_not_allowed");
                }
                let mut allowed: Vec<_> = answer.headers["allow"].to_str().unwrap().split(", ").collect();
                let mut taken = taken.clone();
                allowed.sort_unstable();
                taken.sort_unstable();
                assert_eq!(allowed, taken, "{asked}");
            }
        }
        // No header makes another method of the one that is asked for.
        let path = format!("/channels/{}", target.channel);
        for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
            let request = target.ann.request(Method::GET, &path).header(header, "DELETE");
            assert_eq!(target.ann.send(request).await.status, 200);
        }
        target.is_untouched().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_an_id_of_the_servers_own() {
    let server = TestServer::sqlite().await;
    let mut ids = BTreeSet::new();
    let own = [("x-request-id", "0123456789abcdef0123456789abcdef")];
    for path in [
        "/",
        "/health",
        "/ready",
        "/docs",
        "/docs/",
        "/openapi.json",
        "/nowhere",
        "/api/v1/users/me",
        "/api/v1/ws",
    ] {
        for host in ["localhost", "elsewhere.example"] {
            let answer =
                exchange(&server, head("GET", path, &[("host", host), own[0]]).as_bytes()).await;
            let id = answer.headers["x-request-id"].to_str().unwrap().to_owned();
            assert!(
                id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{path}: {id}"
            );
            assert_ne!(id, own[0].1);
            assert!(ids.insert(id), "{path}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_refused_and_hung_up_on() {
    let server = TestServer::sqlite().await;
    let huge = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(1_000_000));
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "a: b\r\n".repeat(1000));
    let smuggled =
        "POST /api/v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let mut refused = BTreeSet::new();
    for bytes in [
        "\r\n\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/9.9\r\nhost: localhost\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nhost localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nho st: localhost\r\n\r\n",
        "GET / \u{202e} HTTP/1.1\r\n\r\n",
        "GET /a b HTTP/1.1\r\nhost: localhost\r\n\r\n",
        &format!(
            "{smuggled}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n"
        ),
        &format!("{smuggled}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"),
        &format!("{smuggled}content-length: -1\r\n\r\n"),
        &format!("{smuggled}content-length: +2\r\n\r\n{{}}"),
        &format!("{smuggled}content-length: 99999999999999999999\r\n\r\n"),
        &format!("{smuggled}transfer-encoding: gzip\r\n\r\n"),
        &format!("{smuggled}transfer-encoding: chunked, identity\r\n\r\n"),
        &format!("{smuggled}transfer-encoding: chunked\r\n\r\nzz\r\n"),
        &format!("{smuggled}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n"),
        &huge,
        &many,
    ] {
        let mut connection = Connection::open(&server).await;
        connection.send(bytes.as_bytes()).await;
        let answers = connection.rest().await;
        let what = &bytes[..bytes.len().min(200)];
        let [answer] = &answers[..] else { panic!("{what}: {answers:?}") };
        check(answer, what);
        let code = match answer.status.as_u16() {
            400 => "malformed",
            408 => "request_timeout",
            421 => "unknown_host",
            431 => "head_too_large",
            status => panic!("{what}: {status}"),
        };
        assert_eq!(answer.body["code"], code, "{what}");
        refused.insert(answer.status.as_u16());
    }
    assert!(refused.is_superset(&BTreeSet::from([400, 431])), "{refused:?}");
    let health = server.nobody().send(server.request(Method::GET, "/health")).await;
    assert_eq!(check(&health, "afterwards").body, json!({ "status": "ok" }));
    server.stop().await;
}
