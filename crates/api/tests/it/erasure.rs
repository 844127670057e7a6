//! Deleting one's account: what goes, what stays, and that it is gone from the disk.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::{Location, Options};
use tertulia_domain::{AccountKind, AccountRole, DisplayName, Email, UserId, Username};
use tertulia_store::NewUser;

use crate::on_both;
use crate::retention::until;
use crate::server::{Answer, PASSWORD, Person, Setup, TestServer, text};

async fn delete_account(person: &Person, messages: &str) -> Answer {
    let end = json!({ "password": PASSWORD, "messages": messages });
    person.send(person.request(Method::DELETE, "/users/me").json(&end)).await
}

async fn member_of(person: &Person, channel: &str, other: &Person) -> bool {
    let members = person.pages(&format!("/channels/{channel}/members?limit=100")).await;
    members.iter().any(|member| member["user_id"] == other.id.as_str())
}

async fn history(person: &Person, channel: &str) -> Vec<Value> {
    person.pages(&format!("/channels/{channel}/messages?limit=100")).await
}

on_both! {
    async fn who_deletes_their_account_is_gone_and_what_they_said_stays(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let other = server.log_in("ann").await;
        let channel = bob.create_channel("general").await;
        ann.join(&channel).await;
        ann.say(&channel, "I was here").await;
        let talk = ann.post("/conversations", json!({ "recipient_id": bob.id })).await.body;
        let talk = text(&talk["id"]);
        ann.say(&talk, "just between us").await;
        let mut sockets = [ann.listen().await, other.listen().await];
        let mut ears = bob.listen().await;

        let wrong = json!({ "password": "not the password" });
        ann.send(ann.request(Method::DELETE, "/users/me").json(&wrong)).await.problem(403, "wrong_password");
        let none = ann.send(ann.request(Method::DELETE, "/users/me").json(&json!({}))).await;
        none.problem(422, "invalid");
        delete_account(&ann, "keep").await.expect(StatusCode::NO_CONTENT);
        for socket in &mut sockets {
            assert_eq!(socket.closed().await, 4009);
        }
        ann.get("/users/me").await.problem(401, "unauthenticated");
        let refresh = json!({ "refresh_token": other.refresh_token });
        server.nobody().post("/auth/refresh", refresh).await.problem(401, "unauthenticated");
        let log_in = json!({ "username": "ann", "password": PASSWORD });
        server.nobody().post("/auth/login", log_in).await.problem(401, "wrong_credentials");

        for _ in 0..2 {
            let left = ears.next_of("member.left").await;
            assert_eq!(left["member"]["user_id"], ann.id.as_str());
        }
        assert_eq!(history(&bob, &channel).await[0]["content"], "I was here");
        assert_eq!(history(&bob, &talk).await[0]["content"], "just between us");
        let profile = bob.get(&format!("/users/{}", ann.id)).await.body;
        let expected = [("kind", "deleted"), ("display_name", "Deleted user"), ("bio", "")];
        for (field, value) in expected {
            assert_eq!(profile[field], value, "{profile}");
        }
        let name = text(&profile["username"]);
        bob.get(&format!("/users/by-username/{name}")).await.problem(404, "not_found");
        assert_eq!(bob.get("/users?query=deleted").await.body["items"], json!([]));
        let again = bob.post("/conversations", json!({ "recipient_id": ann.id })).await;
        again.problem(422, "invalid");
        // The name is free, and whoever takes it is somebody else.
        assert_ne!(server.user("ann").await.id, ann.id);
    }
}

on_both! {
    async fn what_they_said_goes_with_them_if_they_want_it_and_every_member_sees_that(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = bob.create_private("tea").await;
        bob.add(&channel, &ann).await;
        let left = bob.create_channel("left before").await;
        ann.join(&left).await;
        ann.say(&left, "before I left").await;
        ann.send(ann.request(Method::POST, &format!("/channels/{left}/leave"))).await
            .expect(StatusCode::NO_CONTENT);
        for n in 0..150 {
            ann.say(&channel, &format!("mine {n}")).await;
        }
        bob.say(&channel, "not hers").await;
        let mut ears = bob.listen().await;
        delete_account(&ann, "erase").await.expect(StatusCode::NO_CONTENT);

        let mut revs = Vec::new();
        while revs.len() < 151 {
            let frame = ears.next_of("message.deleted").await;
            assert_eq!((&frame["message"]["author_id"], &frame["message"]["content"]), (&json!(ann.id), &json!("")));
            revs.push((text(&frame["feed"]), frame["rev"].as_i64().unwrap()));
        }
        revs.dedup();
        assert_eq!(revs.len(), 151, "each once");
        let texts: Vec<_> = history(&bob, &channel).await.into_iter()
            .filter(|message| message["content"] != "").collect();
        assert_eq!(texts.len(), 1);
        assert_eq!(texts[0]["content"], "not hers");
        assert!(history(&bob, &left).await.iter().all(|message| message["content"] == ""));
        let own = bob.get("/users/me/channels").await.body;
        let own = own["items"].as_array().unwrap().iter().find(|own| own["channel"]["id"] == channel.as_str());
        assert_eq!(own.unwrap()["unread"], 0, "what is erased counts in no unread");
    }
}

on_both! {
    async fn a_channel_goes_to_its_oldest_member_or_with_its_last(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let shared = ann.create_channel("shared").await;
        let alone = ann.create_channel("alone").await;
        bob.join(&shared).await;
        server.clock.advance(time::Duration::seconds(1));
        eve.join(&shared).await;
        let mut ears = eve.listen().await;
        delete_account(&ann, "keep").await.expect(StatusCode::NO_CONTENT);
        let heir = ears.until(|frame| frame["member"]["role"] == "owner").await;
        assert_eq!(heir["member"]["user_id"], bob.id.as_str());
        let updated = ears.next_of("channel.updated").await;
        assert_eq!(updated["channel"]["owner_id"], bob.id.as_str());
        until(async || !member_of(&eve, &shared, &ann).await).await;
        until(async || eve.get(&format!("/channels/{alone}")).await.status == 404).await;
        bob.delete(&format!("/channels/{shared}")).await.expect(StatusCode::NO_CONTENT);
    }
}

/// All that is in the database's files, or in its tables.
async fn everything(server: &TestServer) -> Vec<u8> {
    match &server.location {
        Location::Sqlite(path) => {
            let folder = path.parent().unwrap();
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
            files.flat_map(|path| std::fs::read(path).unwrap()).collect()
        }
        Location::Postgres { url, .. } => {
            let (client, connection) =
                tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            let tables =
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
            let mut all = Vec::new();
            for table in client.query(tables, &[]).await.unwrap() {
                let name: String = table.get(0);
                let rows =
                    client.query(&format!("SELECT t::text FROM \"{name}\" t"), &[]).await.unwrap();
                all.extend(rows.iter().flat_map(|row| row.get::<_, String>(0).into_bytes()));
            }
            drop(client);
            connection.await.unwrap().unwrap();
            all
        }
    }
}

/// Whether a text is anywhere in the database.
pub(crate) async fn is_on_disk(server: &TestServer, text: &str) -> bool {
    server.store.scrub().await.unwrap();
    holds(&everything(server).await, text)
}

fn holds(all: &[u8], text: &str) -> bool {
    all.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

on_both! {
    with Setup {
        behind_proxy: true,
        options: Options {
            purge_every: std::time::Duration::from_millis(50),
            ..Options::default()
        },
        ..Setup::default()
    },
    async fn nothing_personal_of_a_deleted_account_is_left_on_the_disk(server: TestServer) {
        let bob = server.user("bob").await;
        let channel = bob.create_channel("general").await;
        // Enough company, before and after, that pages of tables and indexes split around them.
        for n in 0..900 {
            company(server, &format!("{}person", n * 7919 % 900)).await;
            if n == 300 {
                zuleika(server, &bob, &channel).await;
            }
        }
        let personal = ["zuleika", "dobson", "marmalade", "firefox-of-", "198.51.100.7", "judas college", "portrait.txt"];
        let before = everything(server).await;
        for text in personal {
            assert!(holds(&before, text), "{text} was not there to be erased");
        }
        let ann = server.log_in("zuleika").await;
        delete_account(&ann, "erase").await.expect(StatusCode::NO_CONTENT);
        until(async || {
            let now = everything(server).await;
            personal.iter().all(|text| !holds(&now, text))
        })
        .await;
        assert!(holds(&everything(server).await, "30person@example.com"), "others stay");
    }
}

async fn company(server: &TestServer, name: &str) {
    let now = server.clock.now();
    let new = NewUser {
        id: UserId::new(now),
        username: Username::parse(name).unwrap(),
        email: Some(Email::parse(&format!("{name}@example.com")).unwrap()),
        display_name: DisplayName::parse(name).unwrap(),
        password_hash: None,
        kind: AccountKind::Person,
        role: AccountRole::Member,
        created_at: now,
    };
    server.store.insert_user(new).await.unwrap();
}

/// Somebody who leaves as many traces as one can.
async fn zuleika(server: &TestServer, bob: &Person, channel: &str) {
    let new = json!({
        "username": "Zuleika", "email": "first.dobson@example.com", "password": PASSWORD,
        "display_name": "Zuleika D."
    });
    let nobody = server.nobody();
    let request = nobody
        .request(Method::POST, "/auth/register")
        .header("user-agent", "Firefox-of-Oxford")
        .header("x-forwarded-for", "198.51.100.7");
    let ann = nobody.send(request.json(&new)).await;
    let ann = server.person(&ann.expect(StatusCode::CREATED).body);
    ann.patch("/users/me", json!({ "bio": "At Judas College." })).await.expect(StatusCode::OK);
    ann.patch("/users/me", json!({ "bio": format!("At Judas College. {}", "x".repeat(400)) }))
        .await
        .expect(StatusCode::OK);
    let email = json!({ "email": "second.dobson@example.com", "password": PASSWORD });
    ann.send(
        ann.request(Method::POST, "/auth/email")
            .header("x-forwarded-for", "198.51.100.7")
            .json(&email),
    )
    .await
    .expect(StatusCode::OK);
    ann.upload("portrait.txt", b"never shown to anybody").await;
    ann.join(channel).await;
    for n in 0..40 {
        let said = ann.say(channel, &format!("marmalade {n}")).await;
        bob.say(channel, "toast").await;
        let longer = format!("marmalade {n}, and {}", "more ".repeat(n * 20));
        ann.patch(&format!("/messages/{}", text(&said["id"])), json!({ "content": longer }))
            .await
            .expect(StatusCode::OK);
    }
}

on_both! {
    with Setup {
        options: Options {
            purge_every: std::time::Duration::from_millis(50),
            ..Options::default()
        },
        ..Setup::default()
    },
    async fn bans_drafts_invitations_and_reactions_of_a_deleted_account_go_with_it(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = bob.create_channel("general").await;
        ann.join(&channel).await;
        let said = text(&bob.say(&channel, "tea?").await["id"]);
        let buried = text(&bob.say(&channel, "coffee?").await["id"]);
        let reaction = |message: &str, emoji: &str| format!("/messages/{message}/reactions/{emoji}");
        for emoji in ["👍", "🎉"] {
            ann.send(ann.request(Method::PUT, &reaction(&said, emoji))).await.expect(StatusCode::OK);
        }
        for message in [&said, &buried] {
            bob.send(bob.request(Method::PUT, &reaction(message, "👍"))).await.expect(StatusCode::OK);
            ann.send(ann.request(Method::PUT, &reaction(message, "👍"))).await.expect(StatusCode::OK);
        }
        ann.put(&format!("/channels/{channel}/draft"), json!({ "content": "unsaid marmalade" })).await
            .expect(StatusCode::OK);
        let closed = bob.create_channel("closed").await;
        let ban = format!("/channels/{closed}/bans/{}", ann.id);
        bob.put(&ban, json!({ "reason": "hid the marmalade" })).await.expect(StatusCode::CREATED);
        let party = bob.create_private("marmalade party").await;
        bob.post(&format!("/channels/{party}/invitations"), json!({ "user_id": ann.id })).await
            .expect(StatusCode::CREATED);
        bob.delete(&format!("/channels/{party}")).await.expect(StatusCode::NO_CONTENT);
        let gone = bob.create_channel("gone").await;
        ann.join(&gone).await;
        let lost = text(&bob.say(&gone, "lost").await["id"]);
        ann.send(ann.request(Method::PUT, &reaction(&lost, "👍"))).await.expect(StatusCode::OK);
        bob.delete(&format!("/messages/{buried}")).await.expect(StatusCode::NO_CONTENT);
        bob.delete(&format!("/channels/{gone}")).await.expect(StatusCode::NO_CONTENT);
        assert!(is_on_disk(server, "marmalade").await);

        let mut ears = bob.listen().await;
        delete_account(&ann, "keep").await.expect(StatusCode::NO_CONTENT);
        // Counts move in the channel's own order.
        let mut counts = std::collections::BTreeMap::new();
        while counts.len() < 2 {
            let frame = ears.next_of("reaction.removed").await;
            assert_eq!((&frame["feed"], &frame["message_id"]), (&json!(channel), &json!(said)));
            for tally in frame["reactions"].as_array().unwrap() {
                counts.insert(text(&tally["emoji"]), tally["count"].as_i64().unwrap());
            }
        }
        assert_eq!(counts, [("👍".to_owned(), 1), ("🎉".to_owned(), 0)].into());
        let shown = bob.get(&format!("/messages/{said}")).await.body["reactions"].clone();
        assert_eq!(shown, json!([{ "emoji": "👍", "count": 1, "mine": true }]));
        let who = bob.get(&reaction(&said, "👍")).await.body["items"].clone();
        assert_eq!(who, json!([{ "user_id": bob.id, "emoji": "👍" }]));
        until(async || server.store.next_erasure().await.unwrap().is_none()).await;
        let user: UserId = ann.id.parse().unwrap();
        assert_eq!(server.store.forget_reactions(user, 10).await.unwrap(), 0, "none of theirs is left");
        until(async || !is_on_disk(server, "marmalade").await).await;
        assert_eq!(bob.get(&format!("/channels/{closed}/bans")).await.body["items"], json!([]));
        // Nor can anything be written of them again.
        bob.put(&ban, json!({ "reason": "again" })).await.problem(404, "not_found");
        bob.put(&format!("/channels/{channel}/bans/{}", ann.id), json!({ "reason": "again" })).await
            .problem(404, "not_found");
        // Of others all stays.
        bob.send(bob.request(Method::DELETE, &reaction(&said, "👍"))).await.expect(StatusCode::NO_CONTENT);
    }
}
