//! What moderators do is kept, and admins see it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{Person, Setup, text};

/// What the audit log says that somebody did: what, to whom, from where, and what else there is.
async fn done(root: &Person, actor: &Person) -> Vec<[String; 4]> {
    let entries = root.pages(&format!("/admin/audit?actor={}&limit=100", actor.id)).await;
    let said =
        |entry: &Value| ["action", "target_id", "address", "detail"].map(|it| text(&entry[it]));
    entries.iter().rev().map(said).collect()
}

on_both! {
    with Setup { behind_proxy: true, ..Setup::default() },
    async fn what_moderators_do_is_kept_with_whom_it_was_done_to_and_from_where(server: TestServer) {
        let (root, ann) = (server.admin("root").await, server.user("ann").await);
        let (bob, eve) = (server.user("bob").await, server.user("eve").await);
        let channel = ann.create_private("tea").await;
        for other in [&bob, &eve] {
            ann.add(&channel, other).await;
        }
        let own = text(&ann.say(&channel, "mine").await["id"]);
        let theirs = text(&eve.say(&channel, "a secret").await["id"]);
        let also = text(&eve.say(&channel, "another").await["id"]);
        let here = format!("/channels/{channel}");
        let of = |user: &Person, rest: &str| format!("{here}/members/{}{rest}", user.id);
        let ban = format!("{here}/bans/{}", eve.id);
        let end = "2099-01-01T00:00:00.000Z";
        let asked: Vec<(Method, String, Value)> = vec![
            (Method::PUT, of(&bob, ""), json!({ "role": "moderator" })),
            // What changes nothing is not kept, nor what one does to what is one's own.
            (Method::PUT, of(&bob, ""), json!({ "role": "moderator" })),
            (Method::DELETE, format!("/messages/{own}"), Value::Null),
            (Method::PUT, of(&eve, "/mute"), json!({ "until": end })),
            (Method::DELETE, of(&eve, "/mute"), Value::Null),
            (Method::DELETE, format!("/messages/{theirs}"), Value::Null),
            (Method::DELETE, format!("/messages/{theirs}"), Value::Null),
            (Method::DELETE, of(&eve, ""), Value::Null),
            (Method::PUT, ban.clone(), json!({ "reason": "words of a person", "expires_at": end })),
            (Method::DELETE, ban, Value::Null),
            (Method::PUT, format!("{here}/owner"), json!({ "user_id": bob.id })),
        ];
        for (method, path, body) in asked {
            server.clock.advance(time::Duration::milliseconds(1));
            let mut request = ann.request(method, &path).header("x-forwarded-for", "198.51.100.7");
            if !body.is_null() {
                request = request.json(&body);
            }
            let answer = ann.send(request).await;
            assert!(answer.status.is_success(), "{path}: {}", answer.body);
        }
        // By a socket as well.
        let mut socket = bob.listen().await;
        socket.done(json!({ "type": "message.delete", "message_id": also })).await;

        let entry = |action: &str, target: &str, detail: &str| {
            [action.to_owned(), target.to_owned(), "198.51.100.7".to_owned(), detail.replace("HERE", &channel)]
        };
        assert_eq!(done(&root, &ann).await, [
            entry("member.role_changed", &bob.id, "moderator in HERE"),
            entry("member.muted", &eve.id, &format!("in HERE until {end}")),
            entry("member.unmuted", &eve.id, "in HERE"),
            entry("message.deleted", &theirs, "in HERE"),
            entry("member.removed", &eve.id, "in HERE"),
            entry("member.banned", &eve.id, &format!("in HERE until {end}")),
            entry("member.unbanned", &eve.id, "in HERE"),
            entry("member.role_changed", &bob.id, "owner in HERE"),
        ]);
        let mut by_socket = entry("message.deleted", &also, "in HERE");
        "127.0.0.1".clone_into(&mut by_socket[2]);
        assert_eq!(done(&root, &bob).await, [by_socket]);
        assert_eq!(root.pages(&format!("/admin/audit?target={}&limit=100", eve.id)).await.len(), 5);
        ann.get("/admin/audit").await.problem(403, "forbidden");
    }
}

on_both! {
    async fn what_is_refused_to_a_moderator_is_not_kept_as_done(server: TestServer) {
        let (root, ann) = (server.admin("root").await, server.user("ann").await);
        let bob = server.user("bob").await;
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let said = text(&ann.say(&channel, "hers").await["id"]);
        bob.delete(&format!("/messages/{said}")).await.problem(403, "forbidden");
        bob.put(&format!("/channels/{channel}/bans/{}", ann.id), json!({})).await.problem(403, "forbidden");
        bob.delete(&format!("/channels/{channel}/members/{}", ann.id)).await.problem(403, "forbidden");
        assert!(done(&root, &bob).await.is_empty());
        ann.get("/admin/audit").await.expect(StatusCode::FORBIDDEN);
    }
}
