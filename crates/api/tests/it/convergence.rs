//! Whatever happens at random, clients that follow the protocol's rules end with what is there.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tertulia_chat::Options;
use tertulia_testing::RedisServer;

use crate::cluster::has_redis;
use crate::on_both;
use crate::server::{Person, Setup, TestServer, text};

mod actions;
mod client;
mod governing;
mod inbox;
mod state;
mod view;

use actions::{Dice, World};
use client::{Command, Device};
use state::{State, draft_key, int, status_of};
use view::{Own, View};

/// Steps of a round.
const STEPS: usize = 120;

/// Within how long of the last trouble everybody holds the same.
const WITHIN: Duration = Duration::from_secs(10);

fn setup() -> Setup {
    let options = Options {
        access_ttl: time::Duration::days(1),
        reconcile_every: Duration::from_millis(200),
        ..Options::default()
    };
    Setup { options, heartbeat: Some(Duration::from_secs(1)), ..Setup::default() }
}

/// As many rounds as `TERTULIA_CONVERGENCE_ROUNDS` says, from the seed `TERTULIA_CONVERGENCE_SEED`.
fn seeds() -> std::ops::Range<u64> {
    let number = |name, otherwise| {
        std::env::var(name).map_or(otherwise, |text| text.parse().expect("a whole number"))
    };
    let first = number("TERTULIA_CONVERGENCE_SEED", 1);
    first..first + number("TERTULIA_CONVERGENCE_ROUNDS", 4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_converge_whatever_happens_sqlite() {
    for seed in seeds() {
        let server = TestServer::sqlite_as(setup()).await;
        round(&server, seed, |_| {}).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_converge_whatever_happens_postgres() {
    for seed in seeds() {
        let Some(server) = TestServer::postgres_as(setup()).await else { return };
        round(&server, seed, |_| {}).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_converge_whatever_happens_cluster() {
    for seed in seeds() {
        let Some(server) = TestServer::cluster_as(setup()).await else { return };
        round(&server, seed, |_| {}).await;
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_converge_though_redis_stops_in_the_middle() {
    for seed in seeds() {
        let Some(location) = TestServer::postgres_location().filter(|_| has_redis()) else {
            return;
        };
        let redis = RedisServer::start();
        let server = TestServer::cluster_on(&redis, location, setup()).await;
        let trouble = |step| match step {
            step if step == STEPS / 3 => redis.kill(),
            // For good in every second round.
            step if step == STEPS * 2 / 3 && seed % 2 == 0 => redis.start_again(),
            _ => {}
        };
        round(&server, seed, trouble).await;
        server.stop().await;
    }
}

async fn round(server: &TestServer, seed: u64, trouble: impl Fn(usize)) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(server, &mut dice).await;
    for device in &world.devices {
        device.tell(Command::Connect { since: false });
    }
    for step in 0..STEPS {
        trouble(step);
        world.step(&mut dice).await;
    }
    world.calm();
    for device in &mut world.devices {
        if let Err(difference) = converges(device).await {
            let (story, trace) = (world.story.join("\n"), device.state.borrow().trace.join("\n"));
            panic!("seed {seed}, after\n{story}\nthis device saw\n{trace}\n{difference}");
        }
    }
    for device in world.devices {
        device.stop().await;
    }
}

/// Waits until a device holds what its owner reads now; otherwise, what is different.
async fn converges(device: &mut Device) -> Result<(), String> {
    let deadline = tokio::time::Instant::now() + WITHIN;
    let mut truth = Truth::read(device).await;
    loop {
        let difference = {
            let state = device.state.borrow_and_update();
            truth.against(&state)
        };
        let Some(difference) = difference else { return Ok(()) };
        match tokio::time::timeout_at(deadline, device.state.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(format!("the client has stopped; before that, {difference}")),
            Err(_) => return Err(difference),
        }
        // What devices said over their sockets may have come after the reading.
        truth = Truth::read(device).await;
    }
}

/// Everything that somebody may see, read afresh.
struct Truth {
    channels: BTreeMap<String, View>,
    /// Channels that their device hears without their being in them.
    visited: BTreeMap<String, View>,
    own: Own,
}

impl Truth {
    async fn read(device: &Device) -> Self {
        let person = &device.person;
        let visited = device.state.borrow().visited();
        let mut truth =
            Self { channels: BTreeMap::new(), visited: BTreeMap::new(), own: own(person).await };
        for own in person.pages("/users/me/channels?limit=2").await {
            let mut view = view(person, &own["channel"]).await;
            view.read_seq = Some(int(&own["read_seq"]));
            view.unread = usize::try_from(int(&own["unread"])).unwrap();
            view.mentions = usize::try_from(int(&own["mentions"])).unwrap();
            truth.channels.insert(text(&own["channel"]["id"]), view);
        }
        for id in visited {
            let channel = person.get(&format!("/channels/{id}")).await;
            if channel.status.is_success() {
                truth.visited.insert(id, view(person, &channel.body).await);
            }
        }
        truth
    }

    /// The first thing that a client sees otherwise than it is.
    fn against(&self, state: &State) -> Option<String> {
        let view = state.view();
        for (id, channel) in &view {
            let is = if state.is_visited(id) { &self.visited } else { &self.channels };
            let Some(mut real) = is.get(id).cloned() else {
                return Some(format!("{id} is held, by somebody who may not: {channel:?}"));
            };
            if state.floor(id) > 0 {
                real.forget_below(state.floor(id));
            }
            if *channel != real {
                return Some(format!("me at {}, {id}: {}", state.me, channel.against(&real)));
            }
        }
        if let Some(missing) = self.channels.keys().find(|id| !view.contains_key(*id)) {
            return Some(format!("me at {}, {missing} is not held", state.me));
        }
        let own = state.own();
        (own != self.own).then(|| format!("me at {}: {own:?} and not {:?}", state.me, self.own))
    }
}

/// A channel as somebody reads it who may.
async fn view(person: &Person, channel: &Value) -> View {
    let id = text(&channel["id"]);
    let members = person.pages(&format!("/channels/{id}/members?limit=2")).await;
    let messages = person.pages(&format!("/channels/{id}/messages?limit=50")).await;
    View {
        head: int(&channel["head"]),
        channel: bare(channel),
        members: members.into_iter().map(|one| (text(&one["user_id"]), one)).collect(),
        messages: messages.into_iter().map(|one| (int(&one["seq"]), one)).collect(),
        read_seq: None,
        unread: 0,
        mentions: 0,
        user: person.id.clone(),
    }
}

async fn own(person: &Person) -> Own {
    let invitations = person.pages("/users/me/invitations?limit=2").await;
    let drafts = person.pages("/users/me/drafts?limit=2").await;
    let status = person.get("/users/me/status").await.body;
    let mut told = BTreeMap::new();
    for mut it in person.pages("/notifications?limit=50").await {
        let read = it.as_object_mut().unwrap().remove("read").unwrap() == true;
        told.insert(inbox::about(&it), (it, read));
    }
    Own {
        drafts: drafts.into_iter().map(|draft| (draft_key(&draft), draft)).collect(),
        invitations: invitations.into_iter().map(|it| (text(&it["channel_id"]), it)).collect(),
        status: status_of(&status),
        told,
    }
}

/// A channel without what is said of its feed beside it.
fn bare(channel: &Value) -> Value {
    let mut channel = channel.clone();
    for key in ["head", "last_seq", "epoch"] {
        channel.as_object_mut().unwrap().remove(key);
    }
    channel
}

on_both! {
    with setup(),
    async fn who_missed_a_thousand_steps_takes_the_newest_page(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let mut device = Device::start(&bob);
        device.tell(Command::Connect { since: false });
        converges(&mut device).await.unwrap();
        device.tell(Command::Vanish);
        let mut mouth = ann.listen().await;
        for n in 0..1001 {
            let say = json!({ "type": "message.send", "ref": n, "channel_id": channel, "content": "x" });
            mouth.send(say).await;
        }
        mouth.until(|frame| frame["type"] == "reply" && frame["ref"] == 1000).await;
        device.tell(Command::Connect { since: true });
        converges(&mut device).await.unwrap();
        assert_eq!(device.state.borrow().floor(&channel), 982, "20 messages, of 1001");
        ann.say(&channel, "and on").await;
        converges(&mut device).await.unwrap();
        device.stop().await;
    }
}
