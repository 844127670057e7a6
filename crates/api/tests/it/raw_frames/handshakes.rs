//! What opens a socket, and what does not.

use crate::raw::{Head, Raw, handshake};
use crate::server::{Person, TestServer};

/// What a handshake is answered with.
async fn shake(ann: &Person, request: &str) -> Head {
    let mut raw = Raw::connect(&ann.base, None).await;
    raw.write(request.as_bytes()).await;
    raw.head().await
}

#[tokio::test]
async fn half_a_handshake_is_refused() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    let whole = handshake(&ann, "");
    let without = |line: &str| {
        let begin = whole.find(line).unwrap();
        let end = begin + whole[begin..].find("\r\n").unwrap() + 2;
        [&whole[..begin], &whole[end..]].concat()
    };
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    for (name, request, status, code) in [
        ("no key", without("Sec-WebSocket-Key"), 426, "upgrade_required"),
        ("a short key", whole.replace(key, "c2hvcnQ="), 426, "upgrade_required"),
        ("no version", without("Sec-WebSocket-Version"), 426, "upgrade_required"),
        ("another version", whole.replace("Version: 13", "Version: 8"), 426, "upgrade_required"),
        ("no upgrade", without("Upgrade: websocket"), 426, "upgrade_required"),
        ("another upgrade", whole.replace(": websocket", ": h2c"), 426, "upgrade_required"),
        (
            "no connection",
            whole.replace("Connection: Upgrade", "Connection: keep-alive"),
            426,
            "upgrade_required",
        ),
        ("a POST", whole.replace("GET ", "POST "), 405, "method_not_allowed"),
        ("nobody", without("Authorization"), 401, "unauthenticated"),
    ] {
        let head = shake(&ann, &request).await;
        assert_eq!((head.status, head.body["code"].as_str()), (status, Some(code)), "{name}");
        assert_eq!(head.header("content-type"), Some("application/problem+json"), "{name}");
        if status == 426 {
            // RFC 6455 §4.4, RFC 9110 §15.5.22.
            assert_eq!(head.header("sec-websocket-version"), Some("13"), "{name}");
            assert_eq!(head.header("upgrade"), Some("websocket"), "{name}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    let host = server.base.strip_prefix("http://").unwrap();
    for (origin, status) in [
        (format!("Origin: http://{host}\r\n"), 101),
        (String::new(), 101),
        ("Origin: https://evil.example\r\n".to_owned(), 403),
        (format!("Origin: http://{host}.evil.example\r\n"), 403),
        ("Origin: null\r\n".to_owned(), 403),
    ] {
        let head = shake(&ann, &handshake(&ann, &origin)).await;
        assert_eq!(head.status, status, "{origin}");
    }
    server.stop().await;
}

#[tokio::test]
async fn only_the_own_subprotocol_is_echoed() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    for (offer, echo) in [
        ("", None),
        ("Sec-WebSocket-Protocol: tertulia.v1\r\n", Some("tertulia.v1")),
        ("Sec-WebSocket-Protocol: mqtt, tertulia.v1, ticket.secret\r\n", Some("tertulia.v1")),
        (
            "Sec-WebSocket-Protocol: ticket.secret\r\nSec-WebSocket-Protocol: tertulia.v1\r\n",
            Some("tertulia.v1"),
        ),
        ("Sec-WebSocket-Protocol: tertulia.v2, mqtt\r\n", None),
    ] {
        let head = shake(&ann, &handshake(&ann, offer)).await;
        assert_eq!(head.status, 101);
        assert_eq!(head.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let echoed: Vec<&str> = head
            .headers
            .iter()
            .filter(|(name, _)| name == "sec-websocket-protocol")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(echoed, Vec::from_iter(echo), "{offer}");
    }
    server.stop().await;
}
