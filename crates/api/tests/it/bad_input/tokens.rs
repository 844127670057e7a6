//! Proofs of identity that prove nothing.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};
use tertulia_auth::{Keys, Tokens};
use tertulia_domain::{SessionId, UserId};
use time::Duration;

use super::{Target, refused};
use crate::on_both;
use crate::server::{Answer, Person, TestServer, text};
use crate::socket::Socket;

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn no_forged_token_opens_anything(server: TestServer) {
        let target = Target::of(server).await;
        let token = target.ann.token.clone().unwrap();
        let known = ask(server, &format!("Bearer {token}")).await;
        assert_eq!(known.body["id"], target.ann.id.as_str(), "the good token is good");

        let mut bodies = Vec::new();
        for (what, forged) in forged(server, &target.ann).await {
            for value in [format!("Bearer {forged}"), format!("bearer  {forged}")] {
                let answer = ask(server, &value).await;
                bodies.push(refused(&answer, what, 401, "unauthenticated").body.clone());
                let headers = [("authorization", value)];
                let opened = Socket::try_open(&server.base, "/api/v1/ws", &headers).await;
                assert_eq!(opened.err(), Some(401), "{what}");
            }
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "nobody is told what was wrong: {bodies:?}");
    }
}

async fn ask(server: &TestServer, authorization: &str) -> Answer {
    let value = HeaderValue::from_bytes(authorization.as_bytes()).unwrap();
    let request = server.request(Method::GET, "/api/v1/users/me").header("authorization", value);
    server.nobody().send(request).await
}

/// Tokens that somebody could make who has a good one of their own, and no key.
async fn forged(server: &TestServer, ann: &Person) -> Vec<(&'static str, String)> {
    let token = ann.token.clone().unwrap();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("a JWT has three parts")
    };
    let encode = |json: &Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let decode = |part: &str| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let with = |name: &str, value: Value| {
        let mut claims = decode(claims);
        claims[name] = value;
        encode(&claims)
    };
    let algorithm = |name: &str| encode(&json!({ "typ": "JWT", "alg": name }));
    let other = server.user("bob").await;
    let other: Vec<_> = other.token.as_deref().unwrap().split('.').map(str::to_owned).collect();
    let ticket = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
    vec![
        ("nothing", String::new()),
        ("no JWT", "ann".to_owned()),
        ("dots", "..".to_owned()),
        ("no algorithm", format!("{}.{claims}.", algorithm("none"))),
        ("no algorithm, oddly written", format!("{}.{claims}.", algorithm("nOnE"))),
        ("no algorithm but a signature", format!("{}.{claims}.{signature}", algorithm("none"))),
        ("another hash", format!("{}.{claims}.{signature}", algorithm("HS512"))),
        ("a public key's algorithm", format!("{}.{claims}.{signature}", algorithm("RS256"))),
        ("no signature", format!("{header}.{claims}.")),
        ("no signature at all", format!("{header}.{claims}")),
        ("a part too many", format!("{token}.{signature}")),
        ("a cut signature", token[..token.len() - 2].to_owned()),
        ("another end", format!("{header}.{}.{signature}", with("exp", json!(9_999_999_999_i64)))),
        (
            "another person",
            format!("{header}.{}.{signature}", with("sub", json!(UserId::new(server.clock.now())))),
        ),
        (
            "another session",
            format!(
                "{header}.{}.{signature}",
                with("sid", json!(SessionId::new(server.clock.now())))
            ),
        ),
        ("another purpose", format!("{header}.{}.{signature}", with("aud", json!("ticket")))),
        ("another's claims", format!("{header}.{}.{signature}", other[1])),
        ("another's signature", format!("{header}.{claims}.{}", other[2])),
        ("another key", by_other_key(server, ann)),
        ("a flipped bit", flipped(&token)),
        ("a token and more", format!("{token} {token}")),
        ("a token in quotes", format!("\"{token}\"")),
        ("a huge token", "a".repeat(20_000)),
        ("a huge JWT", format!("{header}.{}.{signature}", "a".repeat(20_000))),
        ("no UTF-8", "\u{fffd}".repeat(10)),
        ("a refresh token", ann.refresh_token.clone()),
        ("a ticket", text(&ticket.body["ticket"])),
        ("an admin's token", format!("tat_{}", "A".repeat(43))),
    ]
}

fn by_other_key(server: &TestServer, ann: &Person) -> String {
    let keys = Keys::from_secret("another secret 2c624232cc221cfad5f5a5c1b3b2f4d1e0").unwrap();
    let (user, session) = (ann.id.parse().unwrap(), ann.session.parse().unwrap());
    Tokens::new(&keys).issue(user, session, server.clock.now(), Duration::minutes(15)).unwrap()
}

/// The token with one bit of its signature turned.
fn flipped(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    bytes[0] ^= 1;
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_token_has_one_way_and_one_purpose(server: TestServer) {
        let target = Target::of(server).await;
        let ann = &target.ann;
        let token = ann.token.clone().unwrap();
        for scheme in ["", "Basic ", "Token ", "Bearer"] {
            let value = format!("{scheme}{token}");
            refused(&ask(server, &value).await, &value, 401, "unauthenticated");
        }
        // Never in an address, where logs and histories keep it.
        for name in ["access_token", "token", "ticket", "authorization"] {
            let path = format!("/api/v1/users/me?{name}={token}");
            let answer = server.nobody().send(server.request(Method::GET, &path)).await;
            refused(&answer, name, 401, "unauthenticated");
            let path = format!("/api/v1/ws?{name}={token}");
            let opened = Socket::try_open(&server.base, &path, &[]).await;
            assert_eq!(opened.err(), Some(401), "{name}");
        }
        let request = server.request(Method::GET, "/api/v1/users/me");
        let request = request.header("cookie", format!("access_token={token}"));
        refused(&server.nobody().send(request).await, "a cookie", 401, "unauthenticated");

        let ticket = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
        let ticket = text(&ticket.body["ticket"]);
        let refresh = async |token: &str| {
            server.nobody().post("/auth/refresh", json!({ "refresh_token": token })).await
        };
        let own = &ann.refresh_token;
        let (longer, later) = (format!("{own}x"), format!(" {own}"));
        for other in ["", "trt_", "trt_AAAA", &token, &ticket, &longer, &later] {
            refused(&refresh(other).await, other, 401, "unauthenticated");
        }
        for other in ["", "tt_", &token, &ann.refresh_token, &format!("{ticket}x")] {
            let protocols = [("sec-websocket-protocol", format!("tertulia.v1, ticket.{other}"))];
            let opened = Socket::try_open(&server.base, "/api/v1/ws", &protocols).await;
            assert_eq!(opened.err(), Some(401), "{other}");
        }
        let claim = async |token: &str| ann.post("/admin/claim", json!({ "token": token })).await;
        for other in ["", &token, &ticket, &ann.refresh_token, &format!("tat_{}", "A".repeat(43))] {
            refused(&claim(other).await, other, 403, "forbidden");
        }
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn what_has_ended_proves_nothing(server: TestServer) {
        let ann = server.user("ann").await;
        let ticket = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
        let path = format!("/api/v1/ws?ticket={}", text(&ticket.body["ticket"]));
        server.clock.advance(Duration::seconds(30));
        let opened = Socket::try_open(&server.base, &path, &[]).await;
        assert_eq!(opened.err(), Some(401), "a late ticket");

        let ticket = ann.send(ann.request(Method::POST, "/auth/tickets")).await;
        let path = format!("/api/v1/ws?ticket={}", text(&ticket.body["ticket"]));
        ann.send(ann.request(Method::POST, "/auth/logout")).await;
        let opened = Socket::try_open(&server.base, &path, &[]).await;
        assert_eq!(opened.err(), Some(401), "a ticket of a session that has ended");

        let ann = server.log_in("ann").await;
        server.clock.advance(Duration::minutes(15));
        refused(&ann.get("/users/me").await, "at its end", 401, "unauthenticated");
        server.clock.advance(-Duration::milliseconds(1));
        assert_eq!(ann.get("/users/me").await.status, 200, "right before its end");
    }
}
