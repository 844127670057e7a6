//! Bodies that cannot be read, are too large, or are of another kind.

use reqwest::Method;
use serde_json::{Value, json};

use super::operations::with_bodies;
use super::raw::{exchange, head};
use super::{Target, refused};
use crate::on_both;
use crate::server::PASSWORD;

const LIMIT: usize = 256 * 1024;

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn what_is_no_json_object_is_malformed(server: TestServer) {
        let target = Target::of(server).await;
        let deep_list = "[".repeat(100_000);
        let deep_object = format!(r#"{{"content":{}"#, r#"{"a":"#.repeat(10_000));
        let bodies: &[&[u8]] = &[
            b"", b" ", b"null", b"true", b"7", b"\"text\"", b"[]", b"{", b"}", b"{]",
            b"{\"content\"}", b"{'content':'a'}", b"{\"content\":\"a\"", b"{\"content\":\"a\",}",
            b"{\"content\":\"a\"} {}",
            br#"{"content":"a","content":"b"}"#, br#"{"name":"a","username":"b","name":"a"}"#,
            br#"{"content":NaN}"#, br#"{"content":1e999}"#,
            br#"{"content":"\ud800"}"#, br#"{"content":"\x"}"#,
            b"{\"content\":\"\xff\xfe\"}", b"{\"content\":\"\0\"}", b"{\"content\":\"a\nb\"}",
            b"\xef\xbb\xbf{\"content\":\"a\"}", b"{\0\"\0c\0\"\0}\0", b"content=a",
            deep_list.as_bytes(), deep_object.as_bytes(),
        ];
        for operation in with_bodies() {
            for body in bodies {
                let start = String::from_utf8_lossy(&body[..body.len().min(40)]);
                let asked = format!("{} {start}", operation.name());
                let answer = target.ask_raw(server, &operation, body).await;
                refused(&answer, &asked, 400, "malformed");
            }
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn what_is_nested_deep_is_of_the_wrong_type_and_costs_nothing(server: TestServer) {
        let target = Target::of(server).await;
        let nested = (0..100).fold(json!("a"), |inner, _| json!([inner]));
        for operation in with_bodies() {
            for field in &operation.fields {
                let body = json!({ field.name.as_str(): nested });
                let answer = target.ask(server, &operation, &body).await;
                refused(&answer, &operation.name(), 422, "invalid");
            }
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_body_is_bounded_whether_it_says_so_or_not(server: TestServer) {
        let target = Target::of(server).await;
        for operation in with_bodies() {
            let pad = |length: usize| format!("{{\"?\":0{}}}", " ".repeat(length - 7)).into_bytes();
            let asked = operation.name();
            let answer = target.ask_raw(server, &operation, &pad(LIMIT)).await;
            refused(&answer, &asked, 422, "invalid");
            let answer = target.ask_raw(server, &operation, &pad(LIMIT + 1)).await;
            refused(&answer, &asked, 413, "payload_too_large");

            let token = format!("Bearer {}", target.ann.token.as_deref().unwrap());
            let headers = [("authorization", &*token), ("content-type", "application/json")];
            let send = async |framing: (&str, &str), body: &[u8]| {
                let headers = [&headers[..], &[framing]].concat();
                let head = head(operation.method.as_str(), &target.path(&operation), &headers);
                exchange(server, &[head.as_bytes(), body].concat()).await
            };
            // Refused for what it says, without waiting for what does not come.
            let answer = send(("content-length", "10000000000"), b"{").await;
            refused(&answer, &asked, 413, "payload_too_large");
            let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
            let answer = send(("transfer-encoding", "chunked"), chunk.repeat(5).as_bytes()).await;
            refused(&answer, &asked, 413, "payload_too_large");
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_body_is_of_the_type_that_is_asked_for(server: TestServer) {
        let target = Target::of(server).await;
        for operation in with_bodies() {
            let form = "application/x-www-form-urlencoded";
            let log_in = operation.template.ends_with("/login");
            for kind in [
                None, Some(""), Some("json"), Some("text/plain"), Some("text/json"), Some("*/*"),
                Some("application/jsonp"), Some("application/json, text/plain"), Some("application/xml"),
                Some("multipart/form-data; boundary=x"), Some("text/plain; application/json"),
                Some("application/problem+json"), Some(form).filter(|_| !log_in),
            ] {
                let mut request = target.request(server, &operation).body(r#"{"content":"a","name":"b"}"#);
                if let Some(kind) = kind {
                    request = request.header("content-type", kind);
                }
                let asked = format!("{} {kind:?}", operation.name());
                refused(&target.ann.send(request).await, &asked, 415, "unsupported_media_type");
            }
            for kind in ["application/json", "Application/JSON; charset=utf-8"] {
                let request = target.request(server, &operation).header("content-type", kind).body(r#"{"?":0}"#);
                refused(&target.ann.send(request).await, &operation.name(), 422, "invalid");
            }
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn nothing_is_unpacked(server: TestServer) {
        let target = Target::of(server).await;
        // `{"content":"packed"}` by gzip, and plain bodies that only say that they are packed.
        let packed: &[u8] = &[
            31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 206, 207, 43, 73, 205, 43, 81, 178, 82,
            42, 72, 76, 206, 78, 77, 81, 170, 5, 0, 196, 95, 174, 112, 20, 0, 0, 0,
        ];
        let plain: &[u8] = br#"{"content":"packed"}"#;
        let both = "identity, gzip";
        for (coding, body) in [("gzip", packed), ("gzip", plain), ("br", plain), (both, packed)] {
            for operation in with_bodies() {
                let request = target.request(server, &operation).header("content-encoding", coding);
                let request = request.header("content-type", "application/json").body(body);
                let asked = format!("{} {coding}", operation.name());
                refused(&target.ann.send(request).await, &asked, 415, "unsupported_media_type");
            }
        }
        let form = [("username", "ann"), ("password", PASSWORD)];
        let log_in = server.request(Method::POST, "/api/v1/auth/login").form(&form);
        let answer = target.ann.send(log_in.header("content-encoding", "deflate")).await;
        refused(&answer, "a packed form", 415, "unsupported_media_type");
        target.is_untouched().await;

        let path = format!("/channels/{}/messages", target.channel);
        let request = target.ann.request(Method::POST, &path).header("content-encoding", "identity");
        let answer = target.ann.send(request.json(&json!({ "content": "as it is" }))).await;
        assert_eq!(answer.body["content"], "as it is");
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_form_is_no_way_round_the_rules(server: TestServer) {
        let target = Target::of(server).await;
        let log_in = async |body: Vec<u8>| {
            let request = server.request(Method::POST, "/api/v1/auth/login").body(body);
            target.ann.send(request.header("content-type", "application/x-www-form-urlencoded")).await
        };
        for (body, status, code) in [
            ("", 422, "invalid"),
            ("username", 422, "invalid"),
            ("username=ann&password=", 401, "wrong_credentials"),
            ("username=ann&password=%00", 422, "invalid"),
            ("username=%ff%fe&password=%", 401, "wrong_credentials"),
            ("username=ann&password=correct%20horse%20battery&password=wrong", 422, "invalid"),
            ("username=ann&password=wrong&client_id=x&unknown=y", 401, "wrong_credentials"),
            ("username[]=ann&password[$ne]=x", 422, "invalid"),
            ("{\"username\":\"ann\"}", 422, "invalid"),
        ] {
            refused(&log_in(body.into()).await, body, status, code);
        }
        let huge = format!("username=ann&password={}", "a".repeat(1025));
        refused(&log_in(huge.into()).await, "a huge password", 422, "invalid");
        let answer = log_in(vec![b'&'; LIMIT + 1]).await;
        refused(&answer, "a huge form", 413, "payload_too_large");
        let many: Vec<u8> = "a=b&".repeat(LIMIT / 4).into();
        let answer = log_in(many).await;
        refused(&answer, "many pairs", 422, "invalid");
        assert_eq!(answer.faults().len(), 2, "only what is missing");
        assert_eq!(log_in(b"username=ann&password=correct+horse+battery".to_vec()).await.status, 200);
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_body_that_nobody_asked_for_is_not_looked_at(server: TestServer) {
        let target = Target::of(server).await;
        let path = format!("/channels/{}", target.channel);
        for body in [vec![b'['; 1000], vec![0; 2 * LIMIT], b"{\"admin\":true}".to_vec()] {
            let request = target.ann.request(Method::GET, &path).body(body);
            let answer = target.ann.send(request).await;
            assert_eq!((answer.status.as_u16(), &answer.body["name"]), (200, &json!("general")));
        }
        assert_eq!(target.ann.get("/users/me").await.body["role"], Value::from("member"));
    }
}
