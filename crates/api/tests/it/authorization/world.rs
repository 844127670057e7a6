//! The eight who ask, and the places where what they ask about stands.

use reqwest::Method;
use serde_json::{Value, json};

use crate::files::{PIXEL, an_image};
use crate::server::{Answer, Person, TestServer, text, unique};

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(super) enum Who {
    /// Has not signed in.
    Nobody,
    /// Has never been there.
    Stranger,
    /// Is there.
    Member,
    /// Has made the place, and owns it unless it is a direct conversation.
    Owner,
    /// Was there, spoke, and was removed.
    Former,
    /// The owner, by a session that has ended.
    Ended,
    /// Is there, and a moderator; in a direct conversation nobody is.
    Moderator,
    /// Was there, spoke, and was banned.
    Banned,
}

impl Who {
    /// In the order of a table's columns.
    pub(super) const ALL: [Self; 8] = [
        Self::Nobody,
        Self::Stranger,
        Self::Member,
        Self::Owner,
        Self::Former,
        Self::Ended,
        Self::Moderator,
        Self::Banned,
    ];
}

/// Where the thing stands that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In no channel.
    Nowhere,
    /// In a channel for everybody.
    Public,
    /// In a channel for its members.
    Private,
    /// In a conversation of several people.
    Group,
    /// In the conversation of the owner and the member.
    Direct,
}

impl Place {
    pub(super) const CHANNELS: [Self; 4] = [Self::Public, Self::Private, Self::Group, Self::Direct];
}

/// A place with what is in it.
pub(super) struct Scene {
    pub(super) channel: String,
    /// Somebody else's, whoever asks.
    message: [String; 8],
    /// One's own; empty for who never said anything there.
    own_message: [String; 8],
    /// Somebody else's image, attached there.
    file: [String; 8],
    /// One's own.
    own_file: [String; 8],
}

/// Everybody, on a server of their own.
pub(super) struct World<'a> {
    pub(super) server: &'a TestServer,
    people: [Person; 8],
    /// In every channel, beside the owner, the member and the former member.
    pub(super) fellow: Person,
    /// In no channel, so that they can be brought in.
    pub(super) newcomer: Person,
}

impl<'a> World<'a> {
    pub(super) async fn of(server: &'a TestServer) -> Self {
        let owner = server.user("owner").await;
        let ended = server.log_in("owner").await;
        ended.send(ended.request(Method::POST, "/auth/logout")).await;
        let people = [
            server.nobody(),
            server.user("stranger").await,
            server.user("member").await,
            owner,
            server.user("former").await,
            ended,
            server.user("moderator").await,
            server.user("banned").await,
        ];
        let (fellow, newcomer) = (server.user("fellow").await, server.user("newcomer").await);
        let (kind, form) = an_image();
        let image = fellow.request(Method::PUT, "/users/me/avatar").header("content-type", kind);
        fellow.send(image.body(form)).await.expect(reqwest::StatusCode::OK);
        Self { server, people, fellow, newcomer }
    }

    pub(super) fn person(&self, who: Who) -> &Person {
        &self.people[who as usize]
    }

    /// Signs somebody in again whose session has ended by what they asked.
    pub(super) async fn sign_in_again(&mut self, who: Who) {
        let name = format!("{who:?}").to_lowercase();
        self.people[who as usize] = self.server.log_in(&name).await;
    }

    /// Makes somebody a new account of the same name, when they have deleted theirs.
    pub(super) async fn sign_up_again(&mut self, who: Who) {
        let name = format!("{who:?}").to_lowercase();
        self.people[who as usize] = self.server.user(&name).await;
    }

    /// A fresh place of this kind: the former member has been removed, and everybody who was ever
    /// there has said something. (Of a direct conversation only the messages are fresh.)
    pub(super) async fn scene(&self, place: Place) -> Scene {
        let [_, _, member, owner, former, _, moderator, banned] = &self.people;
        let others = json!([member.id, former.id, self.fellow.id, moderator.id, banned.id]);
        let name = format!("channel {}", unique());
        let (path, body) = match place {
            Place::Nowhere => return Scene::nowhere(),
            Place::Public => ("/channels", json!({ "name": name })),
            Place::Private => ("/channels", json!({ "name": name, "kind": "private" })),
            Place::Group => ("/conversations", json!({ "recipient_ids": others })),
            Place::Direct => ("/conversations", json!({ "recipient_id": member.id })),
        };
        let channel = text(&owner.post(path, body).await.body["id"]);
        if matches!(place, Place::Public | Place::Private) {
            for other in [member, former, &self.fellow, moderator, banned] {
                owner.add(&channel, other).await;
            }
        }
        let says = async |person: &Person| text(&person.say(&channel, "something").await["id"]);
        let (by_owner, by_member) = (says(owner).await, says(member).await);
        if place == Place::Direct {
            let message = Who::ALL.map(|who| match who {
                Who::Member => by_owner.clone(),
                _ => by_member.clone(),
            });
            let own_message = owned(by_owner, by_member, ["", "", ""]);
            return Scene { channel, message, own_message, ..Scene::nowhere() };
        }
        let (by_former, by_fellow) = (says(former).await, says(&self.fellow).await);
        let out = format!("/channels/{channel}/members/{}", former.id);
        assert!(owner.delete(&out).await.status.is_success());
        let (by_moderator, by_banned) = (says(moderator).await, says(banned).await);
        owner.promote(&channel, moderator).await;
        owner.ban(&channel, banned).await;
        let others = [by_former.as_str(), &by_moderator, &by_banned];
        let own_message = owned(by_owner, by_member, others);
        let message = Who::ALL.map(|_| by_fellow.clone());
        Scene { channel, message, own_message, ..Scene::nowhere() }
    }

    /// Shows an image of everybody's in a scene; nowhere, they keep them to themselves.
    pub(super) async fn add_files(&self, scene: &mut Scene, place: Place) {
        let [_, stranger, member, owner, former, _, moderator, banned] = &self.people;
        let shows = async |person: &Person| {
            let file = text(&person.upload("pixel.png", PIXEL).await["id"]);
            if place != Place::Nowhere {
                let path = format!("/channels/{}/messages", scene.channel);
                let shown = person.post(&path, json!({ "attachments": [file] })).await;
                assert!(shown.status.is_success(), "{}", shown.body);
            }
            file
        };
        let (by_owner, by_member) = (shows(owner).await, shows(member).await);
        let nobodys = String::new;
        let [by_stranger, by_former, by_moderator, by_banned, by_fellow] = match place {
            Place::Nowhere => [
                shows(stranger).await,
                shows(former).await,
                shows(moderator).await,
                shows(banned).await,
                shows(&self.fellow).await,
            ],
            Place::Direct => [nobodys(), nobodys(), nobodys(), nobodys(), by_owner.clone()],
            _ => {
                // He is let in again for it.
                owner.add(&scene.channel, former).await;
                let by_former = shows(former).await;
                let out = format!("/channels/{}/members/{}", scene.channel, former.id);
                assert!(owner.delete(&out).await.status.is_success());
                let by_moderator = shows(moderator).await;
                [nobodys(), by_former, by_moderator, nobodys(), shows(&self.fellow).await]
            }
        };
        scene.file = Who::ALL.map(|who| match (place, who) {
            (Place::Direct, Who::Owner) => by_member.clone(),
            _ => by_fellow.clone(),
        });
        scene.own_file =
            owned(by_owner, by_member, [by_former.as_str(), &by_moderator, &by_banned]);
        scene.own_file[Who::Stranger as usize] = by_stranger;
    }

    /// What the owner sees of a scene: whatever happens in it moves its head.
    pub(super) async fn state(&self, scene: &Scene) -> Value {
        self.person(Who::Owner).get(&format!("/channels/{}", scene.channel)).await.body
    }

    /// Sends a request as somebody, to any path of the server.
    pub(super) async fn send(&self, who: Who, request: reqwest::RequestBuilder) -> Answer {
        let person = self.person(who);
        let request = match &person.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        person.send(request).await
    }
}

impl Scene {
    fn nowhere() -> Self {
        Self {
            channel: String::new(),
            message: Default::default(),
            own_message: Default::default(),
            file: Default::default(),
            own_file: Default::default(),
        }
    }

    /// A message there: one's own, or another person's.
    pub(super) fn message(&self, who: Who, own: bool) -> &str {
        let messages = if own { &self.own_message } else { &self.message };
        &messages[who as usize]
    }
}

impl Scene {
    /// A file there: one's own, or another person's.
    pub(super) fn file(&self, who: Who, own: bool) -> &str {
        let files = if own { &self.own_file } else { &self.file };
        &files[who as usize]
    }
}

fn owned(by_owner: String, by_member: String, others: [&str; 3]) -> [String; 8] {
    let ended = by_owner.clone();
    let [by_former, by_moderator, by_banned] = others.map(str::to_owned);
    let nobody = String::new;
    [nobody(), nobody(), by_member, by_owner, by_former, ended, by_moderator, by_banned]
}
