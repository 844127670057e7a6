//! Query strings: cursors, bounds and texts that no client of ours made.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::operations::{Operation, all};
use super::raw::{exchange, head};
use super::{Target, check, refused};
use crate::on_both;
use crate::server::{Answer, TestServer, text};
use crate::socket::Socket;

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn every_parameter_is_bounded(server: TestServer) {
        let target = Target::of(server).await;
        let long = "a".repeat(20_000);
        let no_numbers = [
            "", "a", "1.5", "1e3", "0x10", "99999999999999999999", "-", "+", "\u{663}", "1 ", "\0",
            "null", &long,
        ];
        let mut asked = 0;
        let reads = |operation: &&Operation| operation.method == Method::GET;
        // What is no handshake is told so first.
        let no_socket = |operation: &&Operation| operation.template != "/api/v1/ws";
        for operation in all().iter().filter(reads).filter(no_socket) {
            let path = target.path(operation);
            for (name, bounds) in &operation.query {
                let mut bad: Vec<(String, &str)> = Vec::new();
                if let Some((min, max)) = bounds {
                    bad.extend(no_numbers.map(|value| (value.to_owned(), "wrong_type")));
                    let outside = [min - 1, max + 1, i64::MIN, i64::MAX];
                    bad.extend(outside.map(|value| (value.to_string(), "out_of_range")));
                } else {
                    let (long_is, odd_is) = bad_code(name);
                    bad.push((long.clone(), long_is));
                    bad.push(("a\0b".to_owned(), odd_is));
                }
                for (value, code) in bad {
                    let asked_for = format!("{path}?{name}={}", &value[..value.len().min(40)]);
                    let answer = ask(server, &target, &path, name, &value).await;
                    refused(&answer, &asked_for, 422, "invalid");
                    assert_eq!(answer.faults(), [(name.clone(), code.to_owned())], "{asked_for}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 150, "{asked}");
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_cursor_is_good_only_where_it_was_made(server: TestServer) {
        let target = Target::of(server).await;
        server.user("bob").await;
        target.ann.create_channel("another").await;
        target.ann.say(&target.channel, "two").await;
        let made_up = ["", "*", "=", "AA==", "..", "%00", "_w", "-_-_", "null"].map(str::to_owned);
        // Keys of no list, though a name may be anything.
        let keys = [
            "\0", "-1", "0", "1e9", "99999999999999999999", "' or 1=1 --", "{\"id\":1}",
            "a\nb", "ann\n", "\n\n\n", "\u{10ffff}", &"x".repeat(700),
        ].map(|key| BASE64_URL_SAFE_NO_PAD.encode(key));
        let messages = format!("/channels/{}/messages", target.channel);
        let members = format!("/channels/{}/members", target.channel);
        for list in ["/users", "/channels", "/users/me/channels", &messages, &members] {
            let by_name = list == "/users" || list == "/channels";
            for cursor in made_up.iter().chain(&keys) {
                let answer = ask(server, &target, &format!("/api/v1{list}"), "cursor", cursor).await;
                let asked = format!("{list} {cursor}");
                if check(&answer, &asked).status != 200 || !by_name {
                    refused(&answer, &asked, 422, "invalid");
                    assert_eq!(answer.faults(), [("cursor".to_owned(), "bad_cursor".to_owned())], "{asked}");
                }
            }
            // And one of its own still works.
            let next = target.ann.get(&format!("{list}?limit=1")).await.body["next"].clone();
            if list != members {
                let rest = target.ann.get(&format!("{list}?cursor={}", text(&next))).await;
                assert_eq!((rest.status.as_u16(), &rest.body["next"]), (200, &Value::Null), "{list}");
            }
        }
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn odd_query_strings_are_understood_or_refused(server: TestServer) {
        let target = Target::of(server).await;
        for query in ["", "&&&", "#", "query=%ff%fe", "&limit=1&&query=&", "l%69mit=1"] {
            let answer = get(server, &target, &format!("/api/v1/users?{query}")).await;
            assert_eq!(check(&answer, query).status, 200, "{query}");
        }
        let long = format!("{}limit=1", "a=b&".repeat(5_000));
        for query in [
            "limit", "limit=", "limit=%31%00", "query=%00", "cursor", "=", "=&=", "%", "%zz=%zz",
            "limit[]=x", "a=%00", "?", "LIMIT=1", "limit=1;query=a", &long,
        ] {
            refused(&get(server, &target, &format!("/api/v1/users?{query}")).await, query, 422, "invalid");
        }
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_parameter_that_comes_twice_or_that_there_is_not_is_a_fault_everywhere(server: TestServer) {
        let target = Target::of(server).await;
        for probed in ["/health?zzz=1&zzz=2", "/ready?zzz=1"] {
            assert_eq!(get(server, &target, probed).await.status, 200, "probes add what they like");
        }
        // What is no handshake is told so first.
        for operation in all().iter().filter(|operation| operation.template != "/api/v1/ws") {
            let asked = format!("{} {}", operation.method, operation.template);
            let path = target.path(operation).replace("?q=hello", "");
            let refuses = async |query: &str, faults: &[(&str, &str)]| {
                let answer = by(server, &target, &operation.method, &format!("{path}?{query}")).await;
                refused(&answer, &asked, 422, "invalid");
                let faults = faults.iter().map(|(name, code)| (name.to_string(), code.to_string()));
                assert_eq!(answer.faults(), faults.collect::<Vec<_>>(), "{asked}?{query}");
            };
            // What a search cannot do without.
            let q = operation.query.iter().find(|(name, _)| name == "q").map_or("", |_| "q=hello&");
            let strangers = [("zz", "unknown_field"), ("zzz", "unknown_field")];
            refuses(&format!("{q}zzz=1&zzz=2&zz="), &strangers).await;
            for (name, bounds) in &operation.query {
                // Everything at once: what is bad, what comes twice, and what there is not.
                let bad = bounds.map_or(bad_code(name).1, |_| "wrong_type");
                let mut faults = [(&**name, bad), (name, "duplicate"), ("zzz", "unknown_field")];
                faults.sort_unstable();
                let q = if name == "q" { "" } else { q };
                refuses(&format!("{q}{name}=%00&zzz=1&{name}=1"), &faults).await;
            }
        }
        target.ann.get("/users/me").await.expect(StatusCode::OK);

        let open = async |query: &str| {
            let path = format!("/api/v1/ws?{query}");
            let token = format!("Bearer {}", target.ann.token.as_deref().unwrap());
            Socket::try_open(&target.ann.base, &path, &[("authorization", token)]).await.err()
        };
        assert_eq!(open("").await, None);
        assert_eq!(open("sinse=2026-11-21T09:30:00Z").await, Some(422));
        assert_eq!(open("ticket=a&ticket=b").await, Some(422));
    }
}

/// What is said of a text that is far too long, and of one with a NUL.
fn bad_code(name: &str) -> (&'static str, &'static str) {
    match name {
        "cursor" => ("bad_cursor", "bad_cursor"),
        "actor" | "target" | "version" | "reply_to" => ("bad_id", "bad_id"),
        "action" => ("unknown_action", "unknown_action"),
        "unread" => ("wrong_type", "wrong_type"),
        _ => ("too_long", "bad_character"),
    }
}

async fn ask(server: &TestServer, target: &Target, path: &str, name: &str, value: &str) -> Answer {
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let path = if name == "q" { path.trim_end_matches("?q=hello") } else { path };
    let mark = if path.contains('?') { '&' } else { '?' };
    get(server, target, &format!("{path}{mark}{name}={value}")).await
}

async fn get(server: &TestServer, target: &Target, path: &str) -> Answer {
    by(server, target, &Method::GET, path).await
}

async fn by(server: &TestServer, target: &Target, method: &Method, path: &str) -> Answer {
    let authorization = format!("Bearer {}", target.ann.token.as_deref().unwrap());
    let head = head(method.as_str(), path, &[("authorization", &authorization)]);
    exchange(server, head.as_bytes()).await
}
