//! What browsers are told of every answer.

use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use tertulia_api::Config;
use tertulia_chat::{Location, Options};

use crate::files::a_form;
use crate::server::{TestServer, text};

/// What an answer says, and says once.
#[track_caller]
fn said<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    let all: Vec<_> = headers.get_all(name).iter().collect();
    let [value] = all[..] else { panic!("{name}: {all:?}") };
    value.to_str().unwrap()
}

/// Every page and every operation, as the document has them, with ids of nothing.
fn everything() -> Vec<(Method, String)> {
    let document = serde_json::to_value(tertulia_api::openapi()).unwrap();
    let mut all: Vec<(Method, String)> =
        ["/docs", "/docs/", "/docs/swagger-ui.css", "/redoc", "/openapi.json", "/nothing"]
            .into_iter()
            .map(|path| (Method::GET, path.to_owned()))
            .collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        let mut path = path.clone();
        while let Some((before, after)) = path.clone().split_once('{') {
            let after = after.split_once('}').unwrap().1;
            path = format!("{before}019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a{after}");
        }
        for method in ["get", "put", "post", "delete", "patch"] {
            if item.get(method).is_some() {
                all.push((method.to_uppercase().parse().unwrap(), path.clone()));
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_says_what_browsers_may_do_with_it() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    for (method, path) in everything() {
        // What ends the session of who asks would spoil the rest.
        let ends =
            method == Method::DELETE && path.contains("/sessions") || path.contains("/logout");
        for token in [None, ann.token.clone().filter(|_| !ends)] {
            let request = server.request(method.clone(), &path);
            let request = match &token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status(), answer.headers());
            let case = format!("{method} {path} {status}");
            for (name, value) in [
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("x-frame-options", "DENY"),
                ("cross-origin-opener-policy", "same-origin"),
                ("cross-origin-resource-policy", "same-origin"),
            ] {
                assert_eq!(said(headers, name), value, "{case}");
            }
            assert!(said(headers, "permissions-policy").contains("camera=()"), "{case}");
            assert!(!headers.contains_key("strict-transport-security"), "{case}");
            let policy = said(headers, "content-security-policy");
            for directive in [
                "default-src 'none'",
                "frame-ancestors 'none'",
                "base-uri 'none'",
                "form-action 'none'",
            ] {
                assert!(policy.contains(directive), "{case}: {policy}");
            }
            let scripts = policy.split("; ").find(|part| part.starts_with("script-src"));
            assert!(!scripts.unwrap_or_default().contains("unsafe"), "{case}: {policy}");
            let public = status == StatusCode::OK
                && !path.starts_with("/api")
                && !["/", "/health", "/ready"].contains(&&*path);
            let kept = if public { "no-cache" } else { "no-store" };
            assert_eq!(said(headers, "cache-control"), kept, "{case}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_no_scripts_and_only_the_style_that_is_its_own() {
    let server = TestServer::sqlite().await;
    let page = server.request(Method::GET, "/").header("accept", "text/html").send().await.unwrap();
    let policy = said(page.headers(), "content-security-policy");
    assert!(policy.contains("style-src 'sha256-") && !policy.contains("script-src"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!page.text().await.unwrap().contains("<script"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_shown_by_pages_of_other_origins_and_can_do_nothing() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    let (kind, form) = a_form();
    let request = ann.request(Method::POST, "/files").header("content-type", kind).body(form);
    let sent = ann.send(request).await;
    let path = format!("/files/{}", text(&sent.expect(StatusCode::CREATED).body["id"]));
    let file = ann.get(&path).await;
    let headers = &file.expect(StatusCode::OK).headers;
    assert_eq!(said(headers, "cross-origin-resource-policy"), "cross-origin");
    assert_eq!(said(headers, "content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(said(headers, "cache-control"), "private, no-cache");
    assert_eq!(said(headers, "x-content-type-options"), "nosniff");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_are_told_to_come_by_tls_only_where_people_do() {
    for (origins, told) in [
        (&["https://chat.example.com"][..], true),
        (&["https://chat.example.com", "http://localhost:8000"], false),
        (&["http://chat.example.com"], false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("test.db"));
        let public_origins = origins.iter().map(ToString::to_string).collect();
        let config = Config { loopback: true, public_origins, ..Config::default() };
        let server =
            TestServer::start_with(location, Options::default(), config, Some(folder)).await;
        for path in ["/", "/health", "/nothing", "/api/v1/users/me"] {
            let answer = server.request(Method::GET, path).send().await.unwrap();
            let header = answer.headers().get("strict-transport-security");
            assert_eq!(
                header.is_some_and(|it| it == "max-age=31536000"),
                told,
                "{origins:?} {path}"
            );
        }
        server.stop().await;
    }
}
