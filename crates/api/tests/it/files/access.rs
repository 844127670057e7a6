//! Who may fetch a file, asked at the moment they do.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{PIXEL, path_of, setup};
use crate::server::{Person, text};
use crate::{logs, on_both};

/// What somebody gets who asks for a file without a header.
pub(super) async fn by_link(person: &Person, url: &str) -> StatusCode {
    let base = &person.base;
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .get(format!("{base}{url}"))
        .send()
        .await
        .unwrap()
        .status()
}

on_both! {
    with setup(),
    async fn access_ends_with_the_reason_for_it(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let channel = ann.create_private("files").await;
        ann.add(&channel, &bob).await;
        let file = ann.upload("pixel.png", PIXEL).await;
        let (path, small) = (path_of(&file), format!("{}/thumbnail", path_of(&file)));
        let link = format!("{path}/links");

        // Nobody else's until it is shown.
        bob.get(&path).await.problem(404, "not_found");
        ann.get(&path).await.expect(StatusCode::OK);
        ann.show(&channel, &[&file]).await;
        for path in [&path, &small] {
            bob.get(path).await.expect(StatusCode::OK);
            eve.get(path).await.problem(404, "not_found");
            server.nobody().get(path).await.problem(401, "unauthenticated");
        }
        let linked = bob.send(bob.request(Method::POST, &link)).await;
        linked.expect(StatusCode::CREATED);
        eve.send(eve.request(Method::POST, &link)).await.problem(404, "not_found");
        let url = text(&linked.body["url"]);
        assert_eq!(by_link(&eve, &url).await, StatusCode::OK);

        // Sent out, he may no longer: not by a link that he has, either.
        ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await
            .expect(StatusCode::NO_CONTENT);
        for path in [&path, &small] {
            bob.get(path).await.problem(404, "not_found");
        }
        bob.send(bob.request(Method::POST, &link)).await.problem(404, "not_found");
        assert_eq!(by_link(&eve, &url).await, StatusCode::NOT_FOUND);

        // Let in again he may, until he leaves.
        ann.add(&channel, &bob).await;
        bob.get(&path).await.expect(StatusCode::OK);
        bob.send(bob.request(Method::POST, &format!("/channels/{channel}/leave"))).await
            .expect(StatusCode::NO_CONTENT);
        bob.get(&path).await.problem(404, "not_found");

        // With its channel, it is gone for everybody but who sent it, and then for them.
        ann.add(&channel, &bob).await;
        ann.delete(&format!("/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        bob.get(&path).await.problem(404, "not_found");
    }
}

on_both! {
    with setup(),
    async fn a_link_is_for_one_person_one_file_and_a_minute(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("files").await;
        ann.add(&channel, &bob).await;
        let (one, two) = (ann.upload("1.png", PIXEL).await, ann.upload("2.png", PIXEL).await);
        ann.show(&channel, &[&one, &two]).await;
        let phone = server.log_in("bob").await;
        let link = async |person: &Person| {
            let path = format!("{}/links", path_of(&one));
            let answer = person.send(person.request(Method::POST, &path)).await;
            (text(&answer.body["url"]), text(&answer.body["thumbnail_url"]))
        };
        let (url, small) = link(&phone).await;
        assert_eq!(by_link(&bob, &url).await, StatusCode::OK);
        assert_eq!(by_link(&bob, &small).await, StatusCode::OK);

        let token = url.split_once("link=").unwrap().1.to_owned();
        let other = format!("/api/v1{}?link={token}", path_of(&two));
        assert_eq!(by_link(&bob, &other).await, StatusCode::UNAUTHORIZED);
        let me = format!("/api/v1/users/me?link={token}");
        assert_eq!(by_link(&bob, &me).await, StatusCode::UNAUTHORIZED);
        for bad in ["", "tfl_", "x", &token[..token.len() - 1], &"a".repeat(200)] {
            let bent = format!("/api/v1{}?link={bad}", path_of(&one));
            assert_eq!(by_link(&bob, &bent).await, StatusCode::UNAUTHORIZED, "{bad}");
        }
        let long = format!("/api/v1{}?link={}", path_of(&one), "a".repeat(300));
        assert_eq!(by_link(&bob, &long).await, StatusCode::UNPROCESSABLE_ENTITY);
        // An access token is no link, and a link is no access token.
        let access = format!("/api/v1{}?link={}", path_of(&one), bob.token.clone().unwrap());
        assert!(!by_link(&bob, &access).await.is_success());
        let mut thief = server.nobody();
        thief.token = Some(token);
        thief.get(&path_of(&one)).await.problem(401, "unauthenticated");

        server.clock.advance(time::Duration::seconds(60));
        assert_eq!(by_link(&bob, &url).await, StatusCode::OK);
        server.clock.advance(time::Duration::milliseconds(1));
        assert_eq!(by_link(&bob, &url).await, StatusCode::UNAUTHORIZED);
        assert_eq!(by_link(&bob, &small).await, StatusCode::UNAUTHORIZED);

        // It ends with the session that asked for it, and with no other.
        let (his, phones) = (link(&bob).await.0, link(&phone).await.0);
        phone.send(phone.request(Method::POST, "/auth/logout")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(by_link(&bob, &phones).await, StatusCode::UNAUTHORIZED);
        assert_eq!(by_link(&bob, &his).await, StatusCode::OK);
        phone.get(&path_of(&one)).await.problem(401, "unauthenticated");
    }
}

on_both! {
    with setup(),
    async fn a_download_ends_when_access_does(server: TestServer) {
        const SIZE: usize = 24 * 1024 * 1024;
        logs::listen();
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("files").await;
        ann.add(&channel, &bob).await;
        let file = ann.upload("large", &vec![7; SIZE]).await;
        ann.show(&channel, &[&file]).await;
        // He takes his time with it: without an end it would take four seconds.
        let address = bob.base.strip_prefix("http://").unwrap();
        let mut slow = TcpStream::connect(address).await.unwrap();
        let (path, token) = (path_of(&file), bob.token.clone().unwrap());
        let ask = format!(
            "GET /api/v1{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        slow.write_all(ask.as_bytes()).await.unwrap();
        let mut piece = vec![0; 64 * 1024];
        let mut got = slow.read(&mut piece).await.unwrap();
        assert!(piece.starts_with(b"HTTP/1.1 200 OK\r\n"));
        ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await
            .expect(StatusCode::NO_CONTENT);
        let begun = Instant::now();
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        while let Ok(more @ 1..) = slow.read(&mut piece).await {
            got += more;
            pace.tick().await;
        }
        assert!(got < SIZE, "{got}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        // Whoever looks after the server need not be woken for it.
        let told = logs::lines(&text(&file["id"]));
        assert!(told.iter().any(|line| line.contains("no longer the reader's")), "{told:#?}");
        assert!(!told.iter().any(|line| line.contains("WARN") || line.contains("ERROR")));
        assert!(logs::lines("payload stream error").is_empty());
    }
}
