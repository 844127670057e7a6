//! Query strings: cursors, bounds and texts that no client of ours made.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::Value;

use super::operations::{Operation, all};
use super::raw::{exchange, head};
use super::{Target, check, refused};
use crate::on_both;
use crate::server::{Answer, TestServer, text};

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
                    let (long_is, odd_is) = match &**name {
                        "cursor" => ("bad_cursor", "bad_cursor"),
                        "actor" | "target" | "version" => ("bad_id", "bad_id"),
                        "action" => ("unknown_action", "unknown_action"),
                        "unread" => ("wrong_type", "wrong_type"),
                        _ => ("too_long", "bad_character"),
                    };
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
    async fn odd_query_strings_are_read_as_far_as_they_go(server: TestServer) {
        let target = Target::of(server).await;
        let long = format!("{}limit=1", "a=b&".repeat(5_000));
        let queries = [
            "", "&&&", "=", "=&=", "%", "%zz=%zz", "limit=x&limit=2", "limit[]=x", "a=%00", "?",
            "#", "query=%ff%fe", &long,
        ];
        for query in queries {
            let answer = get(server, &target, &format!("/api/v1/users?{query}")).await;
            assert_eq!(check(&answer, query).status, 200, "{query}");
        }
        for query in ["limit", "limit=", "limit=2&limit=x", "limit=%31%00", "query=%00", "cursor"] {
            refused(&get(server, &target, &format!("/api/v1/users?{query}")).await, query, 422, "invalid");
        }
    }
}

async fn ask(server: &TestServer, target: &Target, path: &str, name: &str, value: &str) -> Answer {
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let mark = if path.contains('?') { '&' } else { '?' };
    get(server, target, &format!("{path}{mark}{name}={value}")).await
}

async fn get(server: &TestServer, target: &Target, path: &str) -> Answer {
    let authorization = format!("Bearer {}", target.ann.token.as_deref().unwrap());
    let head = head("GET", path, &[("authorization", &authorization)]);
    exchange(server, head.as_bytes()).await
}
