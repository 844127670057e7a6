//! A database with people in it.

use std::sync::Arc;

use tempfile::TempDir;
use tertulia_domain::{
    AccountKind, AccountRole, Change, Channel, ChannelId, ChannelKind, ChannelName, Clock,
    Description, DisplayName, Message, MessageBody, MessageId, NewChannel, NewMessage, Outcome,
    Rejection, Timestamp, UserId, Username,
};
use tertulia_store::{Batch, Location, NewUser, Store};
use tertulia_testing::PostgresCluster;

/// An open store on a database of its own.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) location: Location,
    pub(crate) clock: Clock,
    _folder: Option<TempDir>,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("test.db"));
        Self::open(location, Some(folder)).await
    }

    /// `None` where PostgreSQL is known not to be: `.ci/test` says so at its end.
    pub(crate) async fn postgres() -> Option<Self> {
        if std::env::var("TERTULIA_TEST_SKIP").is_ok_and(|skip| skip.contains("postgres")) {
            return None;
        }
        let url = PostgresCluster::shared().database();
        Some(Self::open(Location::Postgres { url, connections: 5 }, None).await)
    }

    async fn open(location: Location, folder: Option<TempDir>) -> Self {
        let store = Store::open(location.clone()).await.unwrap();
        let clock = Clock::manual(Timestamp::from_unix_millis(1_795_000_000_000));
        Self { store, location, clock, _folder: folder }
    }

    /// The same database, as it is after a start.
    pub(crate) async fn reopened(self) -> Self {
        self.store.close().await;
        let store = Store::open(self.location.clone()).await.unwrap();
        Self { store, ..self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        let new = self.person(name);
        let id = new.id;
        self.store.insert_user(new).await.unwrap();
        id
    }

    pub(crate) fn person(&self, name: &str) -> NewUser {
        NewUser {
            id: UserId::new(self.now()),
            username: Username::parse(name).unwrap(),
            email: None,
            display_name: DisplayName::parse(name).unwrap(),
            password_hash: Some("$none$".to_owned()),
            kind: AccountKind::Person,
            role: AccountRole::Member,
            created_at: self.now(),
        }
    }

    pub(crate) async fn commit(&self, changes: Vec<Change>) -> Batch {
        self.store.commit(Arc::from(changes), self.now()).await.unwrap()
    }

    pub(crate) async fn one(&self, change: Change) -> Result<Outcome, Rejection> {
        self.commit(vec![change]).await.outcomes.remove(0)
    }

    pub(crate) async fn channel(&self, owner: UserId, kind: ChannelKind, name: &str) -> Channel {
        match self.one(Change::CreateChannel(self.draft(owner, kind, Some(name), vec![]))).await {
            Ok(Outcome::Channel { channel, .. }) => channel,
            other => panic!("no channel: {other:?}"),
        }
    }

    pub(crate) fn draft(
        &self,
        creator: UserId,
        kind: ChannelKind,
        name: Option<&str>,
        others: Vec<UserId>,
    ) -> NewChannel {
        NewChannel {
            id: ChannelId::new(self.now()),
            kind,
            name: name.map(|name| ChannelName::parse(name).unwrap()),
            description: Description::default(),
            creator,
            others,
            request: None,
        }
    }

    pub(crate) fn saying(&self, author: UserId, channel: ChannelId, text: &str) -> NewMessage {
        NewMessage {
            drafted: false,
            id: MessageId::new(self.now()),
            channel,
            author,
            body: Some(MessageBody::parse(text.to_owned()).unwrap()),
            reply_to: None,
            attachments: Vec::new(),
            digest: [7; 16],
        }
    }

    pub(crate) async fn say(&self, author: UserId, channel: ChannelId, text: &str) -> Message {
        match self.one(Change::Send(self.saying(author, channel, text))).await {
            Ok(Outcome::Message { message, .. }) => message,
            other => panic!("not said: {other:?}"),
        }
    }
}
