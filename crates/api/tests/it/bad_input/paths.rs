//! Paths that are written oddly lead nowhere, or to where the plain path leads: never around the
//! question who asks.

use reqwest::StatusCode;
use serde_json::json;

use super::operations::all;
use super::raw::{exchange, head};
use super::{Target, check, refused};
use crate::on_both;

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn no_spelling_of_a_path_goes_around_authentication(server: TestServer) {
        let target = Target::of(server).await;
        let mut asked = 0;
        for operation in all().iter().filter(|operation| operation.protected) {
            for path in spellings(&target.path(operation)) {
                let headers = [("content-type", "application/json"), ("content-length", "2")];
                let head = head(operation.method.as_str(), &path, &headers);
                let answer = exchange(server, (head + "{}").as_bytes()).await;
                let what = format!("{} {path}", operation.method);
                let status = check(&answer, &what).status.as_u16();
                assert!(matches!(status, 400 | 401 | 404 | 405 | 426), "{what}: {status}");
                asked += 1;
            }
        }
        assert!(asked > 500);
        target.is_untouched().await;
    }
}

/// Other ways to write a path, most of which some server takes for the plain one.
fn spellings(path: &str) -> Vec<String> {
    let rest = path.trim_start_matches("/api/v1");
    let (parent, last) = path.rsplit_once('/').unwrap();
    let (first, tail) = last.split_at(1);
    let code = format!("%{:02x}", first.as_bytes()[0]);
    vec![
        path.to_owned(),
        format!("{path}/"),
        format!("{path}//"),
        format!("{path}/."),
        format!("{path}%2f"),
        format!("{path}%00"),
        format!("{path}%20"),
        format!("{path}%"),
        format!("{path}%zz"),
        format!("{path};x=y"),
        format!("{path}.json"),
        format!("{path}?"),
        format!("{path}#x"),
        format!("/{path}"),
        format!("//api/v1{rest}"),
        format!("/api//v1{rest}"),
        format!("/api/v1/{rest}"),
        format!("/api/./v1{rest}"),
        format!("/api/v1/.{rest}"),
        format!("/api/v1/x/..{rest}"),
        format!("/api/v1/%2e{rest}"),
        format!("/api/v1/x/%2e%2e{rest}"),
        format!("/api/v1/x/%u002e%u002e{rest}"),
        format!("/api/v1/x/%252e%252e{rest}"),
        format!("/api/v1/x/..%2f{rest}"),
        format!("/api/v1/x/..%5c{rest}"),
        format!("/api/v1/x\\..{}", rest.replace('/', "\\")),
        format!("/api/v1/auth/login/..;{rest}"),
        format!("/api/v1/auth/login/../..{rest}"),
        format!("/docs/..{path}"),
        format!("/docs/%2e%2e{path}"),
        format!("/docs/..%2f..{}", path.replace('/', "%2f")),
        format!("/health/..{path}"),
        format!("{parent}/{code}{tail}"),
        format!("{parent}%2f{last}"),
        format!("/API/V1{rest}"),
        format!("/api/v1{}", rest.to_uppercase()),
        format!("http://localhost{path}"),
        format!("http://elsewhere.example{path}"),
        format!("{path}?/../../health"),
    ]
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn what_cannot_be_an_id_is_not_there(server: TestServer) {
        let target = Target::of(server).await;
        // Who is no admin is told so, whatever they ask for.
        let token = server.chat.offer_admin().await.unwrap();
        target.ann.post("/admin/claim", json!({ "token": token })).await.expect(StatusCode::OK);
        let authorization = format!("Bearer {}", target.ann.token.as_deref().unwrap());
        let long = "0".repeat(20_000);
        let ids = [
            "1", "null", "undefined", "me%00", "%00", "%ff%fe", "..%2f..", "%2e%2e", "%252e",
            "'%20or%201=1--", "*",
            "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3", "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a0",
            "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3g", "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff", "%F0%9F%98%80", &long,
        ];
        for operation in all().iter().filter(|operation| operation.template.contains('{')) {
            // Good wherever there is a body, so that only the id is wrong.
            let body = match operation.fields.first().map(|field| &*field.name) {
                Some("expires_at" | "reason" | "max_uses") => json!({}),
                Some("role") => json!({ "role": "member" }),
                Some("level") => json!({ "level": "all" }),
                Some("seq") => json!({ "seq": 1 }),
                Some("until") => json!({ "until": "2099-01-01T00:00:00Z" }),
                Some("disabled") => json!({ "disabled": false }),
                Some("user_id") => json!({ "user_id": target.ann.id }),
                Some("attachments" | "content" | "id") => json!({ "content": "a" }),
                _ => json!({ "name": "a" }),
            };
            let body = body.to_string();
            for id in ids {
                // What is no emoji is a fault of its own.
                let mut path = operation.template.replace("{emoji}", "%F0%9F%91%8D");
                while let Some((begin, end)) = path.find('{').zip(path.find('}')) {
                    path.replace_range(begin..=end, id);
                }
                let length = body.len().to_string();
                let headers = [
                    ("authorization", &*authorization),
                    ("content-type", "application/json"),
                    ("content-length", &*length),
                ];
                let head = head(operation.method.as_str(), &path, &headers);
                let answer = exchange(server, (head + &body).as_bytes()).await;
                let asked = format!("{} {}", operation.method, &path[..path.len().min(120)]);
                refused(&answer, &asked, 404, "not_found");
            }
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn the_pages_for_people_give_no_other_file(server: TestServer) {
        for path in [
            "/docs/../Cargo.toml", "/docs/..%2fCargo.toml", "/docs/%2e%2e/Cargo.toml",
            "/docs//etc/passwd", "/docs/%00", "/docs/index.html%00.js", "/docs/swagger-ui.css/..",
            "/docs/....//", "/docs/C:%5Cwindows", "/redoc/", "/redoc/..", "/openapi.json/",
            "/.git/config", "/data/tertulia.db", "/%2e%2e/%2e%2e/etc/passwd", "/..;/", "//",
            "/api", "/api/v1", "/api/v1/",
        ] {
            let answer = exchange(server, head("GET", path, &[]).as_bytes()).await;
            refused(&answer, path, 404, "not_found");
        }
    }
}
