//! Everybody in a channel is told, however many they are, in pieces.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use tertulia_chat::{Chat, Location, Options, Storage, StorageLocation};
use tertulia_domain::{
    AccountKind, AccountRole, Change, ChannelId, DisplayName, MessageBody, MessageId, NewMessage,
    PageRequest, UserId, Username,
};
use tertulia_store::{NewUser, Store};

use super::{next, nothing_more, told};
use crate::on_both;
use crate::server::{Person, TestServer, keys, text};

/// A channel of ann's with so many others in it.
async fn crowd(server: &TestServer, ann: &Person, others: usize) -> (String, Vec<UserId>) {
    let channel = ann.create_channel("general").await;
    let mut people = Vec::new();
    for n in 0..others {
        let id = UserId::new(server.clock.now());
        let new = NewUser {
            id,
            username: Username::parse(&format!("user{n}")).unwrap(),
            email: None,
            display_name: DisplayName::parse("somebody").unwrap(),
            password_hash: None,
            kind: AccountKind::Person,
            role: AccountRole::Member,
            created_at: server.clock.now(),
        };
        server.store.insert_user(new).await.unwrap();
        people.push(id);
    }
    let place: ChannelId = channel.parse().unwrap();
    for some in people.chunks(40) {
        let joins = some.iter().map(|user| Change::Join { channel: place, user: *user });
        server.store.commit(joins.collect::<Vec<_>>().into(), server.clock.now()).await.unwrap();
    }
    (channel, people)
}

async fn told_of(store: &Store, user: UserId) -> Vec<Option<MessageId>> {
    let page = PageRequest { after: None, limit: 100 };
    let notices = store.notifications(user, false, page).await.unwrap();
    notices.page.items.into_iter().map(|it| it.notification.message_id).collect()
}

/// Waits until nobody is to be told of anything.
async fn all_told(store: &Store) {
    let waited = async {
        while !store.due_notifications(1).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("somebody was not told");
}

on_both! {
    async fn a_hundred_and_twenty_are_told_once_each(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let (channel, people) = crowd(server, &ann, 119).await;
        bob.join(&channel).await;
        let mut ears = bob.listen().await;
        let said = ann.say(&channel, "@channel, and above all @user7").await;
        // The count is right at once.
        let page = PageRequest { after: None, limit: 10 };
        for user in &people {
            assert_eq!(server.store.channels_of(*user, page.clone()).await.unwrap().items[0].mentions, 1);
        }
        let carol = server.user("carol").await;
        carol.join(&channel).await;
        assert_eq!(next(&mut ears).await["message_id"], said["id"]);
        all_told(&server.store).await;
        let id: MessageId = text(&said["id"]).parse().unwrap();
        for user in &people {
            assert_eq!(told_of(&server.store, *user).await, [Some(id)], "once");
        }
        assert_eq!(told(&ann).await, []);
        assert_eq!(told(&carol).await, [], "who came later was not told");
        nothing_more(&mut ears).await;
        // What is taken back is taken from everybody; said anew, it is told anew.
        let path = format!("/messages/{}", text(&said["id"]));
        ann.patch(&path, json!({ "content": "only @user7" })).await.expect(StatusCode::OK);
        for (n, user) in people.iter().enumerate() {
            assert_eq!(told_of(&server.store, *user).await.len(), usize::from(n == 7));
        }
        ann.patch(&path, json!({ "content": "@channel" })).await.expect(StatusCode::OK);
        all_told(&server.store).await;
        for user in &people {
            assert_eq!(told_of(&server.store, *user).await, [Some(id)]);
        }
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        all_told(&server.store).await;
        for user in &people {
            assert_eq!(told_of(&server.store, *user).await, []);
        }
    }
}

/// What a node was about to tell when it was lost is told by the next one that starts: some of the
/// people twice, as if the first piece's end had not been noted.
async fn another_node_goes_on(server: TestServer) {
    let ann = server.user("ann").await;
    let (channel, people) = crowd(&server, &ann, 120).await;
    let now = server.clock.now();
    let (store, clock) = (server.store.clone(), server.clock.clone());
    server.stop().await;
    let id = MessageId::new(now);
    let said = NewMessage {
        id,
        channel: channel.parse().unwrap(),
        author: ann.id.parse().unwrap(),
        body: Some(MessageBody::parse("@channel".to_owned()).unwrap()),
        reply_to: None,
        attachments: Vec::new(),
        digest: [7; 16],
        drafted: false,
    };
    let batch = store.commit([Change::Send(said)].into(), now).await.unwrap();
    assert!(batch.due);
    let due = store.due_notifications(10).await.unwrap();
    assert_eq!(due.len(), 1);
    let some = store.due_people(due[0], 50).await.unwrap();
    let piece =
        tertulia_domain::NotificationsChange::Tell { due: due[0], people: some, more: true };
    let piece = Change::Notifications(Box::new(piece));
    store.commit([piece.clone()].into(), now).await.unwrap();
    let again = store.commit([piece].into(), now).await.unwrap();
    assert_eq!(again.frames, [], "who was told is not told again");
    assert_ne!(store.due_notifications(10).await.unwrap()[0].after, None);

    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::open(StorageLocation::Folder(folder.path().to_owned())).await.unwrap();
    let options = Options { clock, ..Options::default() };
    let (chat, tasks) = Chat::start(store.clone(), storage, keys(), options).await.unwrap();
    all_told(&store).await;
    for user in people {
        assert_eq!(told_of(&store, user).await, [Some(id)]);
    }
    tasks.stop(&chat).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_to_be_told_by_a_lost_node_is_told_by_another_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("test.db"));
    let server = TestServer::start(location, Options::default(), None).await;
    another_node_goes_on(server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_to_be_told_by_a_lost_node_is_told_by_another_postgres() {
    let Some(location) = TestServer::postgres_location() else { return };
    let server = TestServer::start(location, Options::default(), None).await;
    another_node_goes_on(server).await;
}
