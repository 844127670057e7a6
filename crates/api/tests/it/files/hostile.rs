//! Names, contents and forms that mean no good.

use reqwest::StatusCode;
use tertulia_domain::{FileId, FileName};
use tertulia_store::{Admission, FileLimits, NewFile};

use super::{BOUNDARY, PIXEL, end, form, objects, part, path_of, setup, small};
use crate::on_both;
use crate::server::{Person, text, until};

/// A PNG that says that it has 50,000 × 50,000 pixels.
pub(super) const BOMB: &[u8] = include_bytes!("../../../../files/src/images/tests/bomb.png");

on_both! {
    with setup(),
    async fn a_name_is_never_a_path(server: TestServer) {
        let ann = server.user("ann").await;
        let long = format!("{}.png", "é".repeat(200));
        for (said, kept) in [
            ("../../../../etc/passwd", "passwd"),
            ("..%2f..%2fetc%2fpasswd", "..%2f..%2fetc%2fpasswd"),
            ("/etc/cron.d/evil", "evil"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("..", "file"),
            ("a\u{202E}gpj.exe", "agpj.exe"),
            ("\u{200B}", "file"),
            ("", "file"),
            (long.as_str(), &format!("{}.png", "é".repeat(125))),
        ] {
            let file = ann.upload(said, b"hello").await;
            assert_eq!(text(&file["name"]), kept, "{said:?}");
            let found = ann.fetch(&path_of(&file), &[]).await;
            let said = found.headers()["content-disposition"].to_str().unwrap().to_owned();
            assert!(said.starts_with("attachment; filename=\""), "{said}");
        }
        // A name in the extended form wins; none at all is none.
        for (extended, kept) in [
            ("%E2%82%AC.txt", "€.txt"),
            ("..%2F..%2Fetc%2Fpasswd", "passwd"),
            ("a%0D%0ASet-Cookie%3A%20b%3Dc%00%7F", "aSet-Cookie: b=c"),
            ("%FF%FE", "\u{FFFD}\u{FFFD}"),
        ] {
            let said = format!("name=\"file\"; filename=\"a\"; filename*=UTF-8''{extended}");
            let answer = ann.send_form([part(&said, b"1"), end()].concat()).await;
            assert_eq!(answer.body["name"], kept, "{}", answer.body);
        }
        let answer = ann.send_form([part("name=\"file\"", b"1"), end()].concat()).await;
        assert_eq!(answer.body["name"], "file");
        // Objects are named by ids.
        for object in objects(server) {
            let name = object.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        }
    }
}

on_both! {
    with setup(),
    async fn nothing_that_was_sent_is_a_page(server: TestServer) {
        let ann = server.user("ann").await;
        let polyglot = [PIXEL, b"<script>alert(1)</script>PK\x03\x04"].concat();
        let gif = b"GIF89a/*\x01\x00\x01\x00*/=1;alert(1)".to_vec();
        for (name, content, known, served) in [
            ("a.png", b"<html><script>alert(1)</script>".to_vec(), "text/html", "application/octet-stream"),
            ("a.png", b"<?xml version=\"1.0\"?><svg onload=\"alert(1)\"/>".to_vec(), "text/xml",
                "application/octet-stream"),
            ("a.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>".to_vec(),
                "text/plain", "text/plain; charset=utf-8"),
            ("a.html", b"just text".to_vec(), "text/plain", "text/plain; charset=utf-8"),
            ("a.js", b"alert(1)".to_vec(), "text/plain", "text/plain; charset=utf-8"),
            ("a.pdf", b"%PDF-1.7 /JS".to_vec(), "application/pdf", "application/pdf"),
            ("a.html", polyglot.clone(), "image/png", "image/png"),
            ("a.html", gif, "image/gif", "image/gif"),
            ("a.jpg", b"MZ\x90\0".to_vec(), "application/vnd.microsoft.portable-executable",
                "application/octet-stream"),
        ] {
            let file = ann.upload(name, &content).await;
            assert_eq!(file["content_type"], known, "{file}");
            let found = ann.fetch(&path_of(&file), &[]).await;
            let header = |name: &str| found.headers()[name].to_str().unwrap().to_owned();
            assert_eq!(header("content-type"), served);
            assert_eq!(header("x-content-type-options"), "nosniff");
            assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
            assert!(header("content-disposition").starts_with("attachment;"));
            assert_eq!(found.bytes().await.unwrap(), content);
        }
        // What is shown is made anew: nothing that clung to the image is in it.
        let file = ann.upload("a.html", &polyglot).await;
        let small = ann.fetch(&format!("{}/thumbnail", path_of(&file)), &[]).await;
        let small = small.bytes().await.unwrap();
        assert!(small.starts_with(b"\xff\xd8\xff"));
        assert!(!small.windows(7).any(|window| window == b"<script"));
    }
}

on_both! {
    with setup(),
    async fn a_bad_image_is_a_file_like_any_other(server: TestServer) {
        let ann = server.user("ann").await;
        let bomb = ann.upload("bomb.png", BOMB).await;
        assert_eq!((bomb["width"].as_i64(), bomb["height"].as_i64()), (Some(50_000), Some(50_000)));
        assert_eq!(bomb["thumbnail"], false);
        ann.get(&format!("{}/thumbnail", path_of(&bomb))).await.problem(404, "not_found");
        for cut in [8, 20, 33, 45] {
            let file = ann.upload("cut.png", &PIXEL[..cut]).await;
            assert_eq!(file["thumbnail"], false, "{cut}");
        }
        let zip = ann.upload("42.zip", b"PK\x03\x04 and a petabyte of zeros").await;
        assert_eq!(zip["content_type"], "application/zip");
    }
}

on_both! {
    with small(10_000, 1_000_000),
    async fn a_bad_form_leaves_nothing(server: TestServer) {
        let ann = server.user("ann").await;
        let cut = |bytes: usize| {
            let mut whole = form("a", b"some content");
            whole.truncate(whole.len() - bytes);
            whole
        };
        let file = part("name=\"file\"; filename=\"a\"", b"1");
        let other = part("name=\"other\"", b"1");
        for (body, status, code) in [
            // Cut off in the last boundary, in the content, in the head; no form at all.
            (cut(6), 400, "malformed"),
            (cut(30), 400, "malformed"),
            (cut(80), 400, "malformed"),
            (b"hello".to_vec(), 400, "malformed"),
            ([&other[..], &end()].concat(), 422, "invalid"),
            ([&file[..], &other, &end()].concat(), 422, "invalid"),
            ([&file[..], &file, &end()].concat(), 422, "invalid"),
            (end(), 422, "invalid"),
            (form("a", &[7; 10_001]), 413, "payload_too_large"),
            (form("a", &vec![7; 200_000]), 413, "payload_too_large"),
            ([format!("--{BOUNDARY}\r\n").as_bytes(), &vec![b'x'; 100_000]].concat(), 413, "payload_too_large"),
        ] {
            let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
            let answer = ann.send_form(body).await;
            assert_eq!((answer.status.as_u16(), &answer.body["code"]), (status, &code.into()), "{shown}");
        }
        // The same without saying how much comes.
        let pieces = (0..20).map(|_| Ok::<_, std::io::Error>(vec![7_u8; 1000]));
        let head = form("a", b"");
        let head = head[..head.len() - end().len() - 2].to_vec();
        let stream = futures_util::stream::iter(std::iter::once(Ok(head)).chain(pieces));
        let answer = ann.send_form(reqwest::Body::wrap_stream(stream)).await;
        answer.problem(413, "payload_too_large");

        for (kind, encoding) in [
            ("application/json", "identity"),
            ("multipart/form-data", "gzip"),
            ("multipart/mixed", "identity"),
            ("text/plain", "identity"),
        ] {
            let request = ann.request(reqwest::Method::POST, "/files")
                .header("content-type", format!("{kind}; boundary={BOUNDARY}"))
                .header("content-encoding", encoding)
                .body(form("a", b"1"));
            ann.send(request).await.problem(415, "unsupported_media_type");
        }
        let request = ann.request(reqwest::Method::POST, "/files")
            .header("content-type", "multipart/form-data")
            .body(form("a", b"1"));
        ann.send(request).await.problem(400, "malformed");
        let nobody: Person = server.nobody();
        nobody.send_form(form("a", b"1")).await.problem(401, "unauthenticated");

        until(|| objects(server).is_empty()).await;
        // Nothing of it counts against her, nor stands in her way.
        let free = async || {
            let now = server.clock.now();
            let new = NewFile {
                avatar: false,
                id: FileId::new(now),
                owner: ann.id.parse().unwrap(),
                name: FileName::clean("first"),
                created_at: now,
            };
            let limits = FileLimits { bytes: 1_000_000, unattached: 1 };
            let begun = server.store.begin_file(new, limits).await.unwrap();
            begun == Admission::Admitted { room: 1_000_000 }
        };
        while !free().await {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        ann.upload("a", &[7; 10_000]).await;
        let answer = ann.send_form(form("b", b"1")).await;
        answer.expect(StatusCode::CREATED);
    }
}
