//! What happens at random: what people do, and what befalls their devices and the bus.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Command, Device};
use super::governing;
use crate::server::{Answer, Person, TestServer, text};

/// Numbers that a seed determines (`SplitMix64`).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    /// From 1 to `most`.
    fn count(&mut self, most: usize) -> i64 {
        i64::try_from(self.roll(most)).unwrap() + 1
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.roll(from.len())) }
    }
}

/// A server, its people and their devices, and what there was to talk about.
pub(crate) struct World<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) people: Vec<Person>,
    pub(crate) devices: Vec<Device>,
    channels: Vec<String>,
    /// Messages, and who sent them.
    messages: Vec<(String, usize)>,
    /// Codes of links into channels.
    codes: Vec<String>,
    /// What was done, for whoever must find out what went wrong.
    pub(crate) story: Vec<String>,
    said: usize,
}

/// At most so many channels are made: they are to be busy.
const MAX_CHANNELS: usize = 6;

/// What somebody does over REST.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) who: usize,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
}

impl<'a> World<'a> {
    /// 3 to 5 people with 1 or 2 devices each, and a channel that everybody is in.
    pub(crate) async fn new(server: &'a TestServer, dice: &mut Dice) -> Self {
        let names = ["ann", "bob", "carol", "dan", "eve"];
        let mut people = Vec::new();
        let mut devices = Vec::new();
        for name in &names[..3 + dice.roll(3)] {
            let person = server.user(name).await;
            devices.push(Device::start(&person));
            if dice.roll(2) == 0 {
                devices.push(Device::start(&server.log_in(name).await));
            }
            people.push(person);
        }
        let square = people[0].create_channel("square").await;
        for person in &people[1..] {
            person.join(&square).await;
        }
        let (channels, messages, codes, story) = (vec![square], vec![], vec![], vec![]);
        Self { server, people, devices, channels, messages, codes, story, said: 0 }
    }

    /// Something happens to the bus or a device, or up to four things are done at once.
    pub(crate) async fn step(&mut self, dice: &mut Dice) {
        match dice.roll(10) {
            0 => {
                let every = u32::try_from(dice.roll(4)).unwrap();
                self.story.push(format!("the bus loses every {every}."));
                self.server.lose_every(every);
            }
            1..=3 => self.befall(dice),
            _ => {
                let acts: Vec<_> = (0..=dice.roll(4)).filter_map(|_| self.act(dice)).collect();
                self.story.push(format!("{acts:?}"));
                let done = acts.iter().map(|act| perform(&self.people[act.who], act));
                let answers = futures_util::future::join_all(done).await;
                for (act, answer) in acts.iter().zip(answers) {
                    self.note(act, &answer);
                }
            }
        }
    }

    /// Everybody is connected and reads, and the bus loses nothing more.
    pub(crate) fn calm(&mut self) {
        self.server.lose_every(0);
        for device in &self.devices {
            device.tell(Command::Release);
            device.tell(Command::Connect { since: true });
        }
    }

    fn befall(&mut self, dice: &mut Dice) {
        let which = dice.roll(self.devices.len());
        let command = match dice.roll(14) {
            0 => Command::Vanish,
            1 => Command::Hold,
            2 => Command::Release,
            3..=4 => Command::Connect { since: dice.roll(2) == 0 },
            5 => {
                // Long enough that `since` leaves something out.
                self.server.clock.advance(time::Duration::minutes(7));
                return self.story.push("seven minutes pass".to_owned());
            }
            6 => {
                let Some(channel) = dice.pick(&self.channels).cloned() else { return };
                Command::Read { channel, seq: dice.count(20) }
            }
            7..=8 => match dice.pick(&self.channels).cloned() {
                Some(channel) => Command::Visit { channel },
                None => return,
            },
            9 => match dice.pick(&self.channels).cloned() {
                Some(channel) => Command::Leave { channel },
                None => return,
            },
            10 => match dice.pick(&self.channels).cloned() {
                Some(channel) => Command::Look { channel },
                None => return,
            },
            _ => match dice.pick(&self.channels).cloned() {
                Some(channel) => Command::Say { channel, content: self.words() },
                None => return,
            },
        };
        self.story.push(format!("device {which}: {command:?}"));
        self.devices[which].tell(command);
    }

    fn words(&mut self) -> String {
        self.said += 1;
        // Every now and then somebody is mentioned.
        match self.said % 11 {
            0 => format!("words {} @bob", self.said),
            3 => format!("words {} @ann @carol", self.said),
            7 => format!("words {} @channel", self.said),
            _ => format!("words {}", self.said),
        }
    }

    fn act(&mut self, dice: &mut Dice) -> Option<Act> {
        let who = dice.roll(self.people.len());
        let other = self.people[dice.roll(self.people.len())].id.clone();
        let channel = dice.pick(&self.channels).cloned();
        if dice.roll(3) == 0 {
            let name = self.words();
            let people: Vec<&str> = self.people.iter().map(|person| person.id.as_str()).collect();
            let act = governing::act(dice, channel.as_deref()?, &people, &self.codes, &name);
            return act.map(|(method, path, body)| Act { who, method, path, body });
        }
        let act = |method, path: String, body| Some(Act { who, method, path, body });
        match dice.roll(32) {
            0 if self.channels.len() < MAX_CHANNELS => {
                let kind = if dice.roll(2) == 0 { "public" } else { "private" };
                let body = json!({ "name": self.words(), "kind": kind });
                act(Method::POST, "/channels".into(), Some(body))
            }
            1 if self.channels.len() < MAX_CHANNELS => {
                let body = json!({ "recipient_id": other });
                act(Method::POST, "/conversations".into(), Some(body))
            }
            2 if dice.roll(3) == 0 => act(Method::DELETE, format!("/channels/{}", channel?), None),
            3..=4 => act(Method::POST, format!("/channels/{}/join", channel?), None),
            5 => act(Method::POST, format!("/channels/{}/leave", channel?), None),
            6..=8 => {
                // Owners let in and throw out more often than one would in life.
                let path = format!("/channels/{}/members", channel?);
                act(Method::POST, path, Some(json!({ "user_id": other })))
            }
            9..=10 => act(Method::DELETE, format!("/channels/{}/members/{other}", channel?), None),
            11 => {
                let body = json!({ "name": self.words() });
                act(Method::PATCH, format!("/channels/{}", channel?), Some(body))
            }
            12..=13 => {
                let (message, author) = dice.pick(&self.messages).cloned()?;
                let body = Some(json!({ "content": self.words() }));
                let path = format!("/messages/{message}");
                Some(Act { who: author, method: Method::PATCH, path, body })
            }
            14 => {
                let (message, author) = dice.pick(&self.messages).cloned()?;
                let path = format!("/messages/{message}");
                Some(Act { who: author, method: Method::DELETE, path, body: None })
            }
            15..=20 => {
                let (message, _) = dice.pick(&self.messages).cloned()?;
                let emoji = dice.pick(&["%F0%9F%91%8D", "%E2%9D%A4", "%F0%9F%8E%89"])?;
                let method = if dice.roll(3) == 0 { Method::DELETE } else { Method::PUT };
                act(method, format!("/messages/{message}/reactions/{emoji}"), None)
            }
            21..=22 => {
                let (message, author) = dice.pick(&self.messages).cloned()?;
                let body = json!({ "content": self.words(), "reply_to": message });
                let path = format!("/channels/{}/messages", channel?);
                Some(Act { who: author, method: Method::POST, path, body: Some(body) })
            }
            23 => {
                let (message, _) = dice.pick(&self.messages).cloned()?;
                let method = if dice.roll(3) == 0 { Method::DELETE } else { Method::PUT };
                act(method, format!("/channels/{}/pins/{message}", channel?), None)
            }
            24 => {
                let (message, _) = dice.pick(&self.messages).cloned()?;
                let reply_to = (dice.roll(3) == 0).then_some(message);
                let content = if dice.roll(4) == 0 { String::new() } else { self.words() };
                let body = json!({ "content": content, "reply_to": reply_to });
                act(Method::PUT, format!("/channels/{}/draft", channel?), Some(body))
            }
            25 => {
                let level = dice.pick(&["all", "mentions"])?;
                let path = format!("/channels/{}/notifications", channel?);
                act(Method::PUT, path, Some(json!({ "level": level })))
            }
            26 if dice.roll(3) == 0 => {
                act(Method::POST, "/notifications/read".into(), Some(json!({})))
            }
            30..=31 => {
                let (path, seq) = (format!("/channels/{}/unread", channel?), dice.count(20));
                act(Method::POST, path, Some(json!({ "seq": seq })))
            }
            _ => {
                let body = json!({ "content": self.words(), "draft": dice.roll(2) == 0 });
                act(Method::POST, format!("/channels/{}/messages", channel?), Some(body))
            }
        }
    }

    /// Remembers what there is to act upon.
    fn note(&mut self, act: &Act, answer: &Answer) {
        let status = answer.status.as_u16();
        assert!(status < 500 && status != 400, "{act:?}: {}", answer.body);
        if !answer.status.is_success() {
            return;
        }
        if act.path == "/channels" || act.path == "/conversations" {
            let id = text(&answer.body["id"]);
            if !self.channels.contains(&id) {
                self.channels.push(id);
            }
        } else if act.path.ends_with("/invites") {
            self.codes.push(text(&answer.body["code"]));
        } else if act.method == Method::POST && act.path.ends_with("/messages") {
            self.messages.push((text(&answer.body["id"]), act.who));
        } else if act.method == Method::DELETE && act.path.split('/').count() == 3 {
            self.channels.retain(|id| !act.path.ends_with(id.as_str()));
        }
    }
}

async fn perform(person: &Person, act: &Act) -> Answer {
    let request = person.request(act.method.clone(), &act.path);
    match &act.body {
        Some(body) => person.send(request.json(body)).await,
        None => person.send(request).await,
    }
}
