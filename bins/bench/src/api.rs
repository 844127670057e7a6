//! The REST calls that prepare a scenario, and the few that are measured.

use crate::{
    http::{Http, Request},
    target::{Target, User},
    wire::{self, Message},
};
use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use std::{cell::Cell, collections::BTreeMap, rc::Rc};
use tokio::task::JoinSet;

/// Connections that register users: more than the cores that hash passwords, so that none is idle.
const REGISTRARS: usize = 4;

/// The largest page.
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Session {
    access_token: String,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<PageItem>,
    head: u64,
}

#[derive(Deserialize)]
struct Hits {
    items: Vec<PageItem>,
}

#[derive(Deserialize)]
struct PageItem {
    seq: u64,
    content: String,
}

#[derive(Deserialize)]
struct Reacted {
    reactions: Vec<Reaction>,
}

#[derive(Deserialize)]
struct Reaction {
    emoji: String,
    count: u64,
}

#[derive(Deserialize)]
struct OwnChannels {
    items: Vec<OwnChannel>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct OwnChannel {
    unread: u64,
}

#[derive(Deserialize)]
struct About {
    version: String,
}

/// A page of history, oldest first.
pub(crate) struct History {
    /// Its messages.
    pub(crate) messages: Vec<Message>,
    /// The channel's head in the page's snapshot.
    pub(crate) head: u64,
    /// Whether nothing comes after it.
    pub(crate) is_last: bool,
}

fn post<'a>(path: &'a str, token: Option<&'a str>, body: Option<&'a str>) -> Request<'a> {
    Request { method: "POST", path, token, body }
}

fn get<'a>(path: &'a str, token: Option<&'a str>) -> Request<'a> {
    Request { method: "GET", path, token, body: None }
}

/// Registers `count` users with new names.
pub(crate) async fn register(target: &Rc<Target>, count: usize) -> Result<Vec<Rc<User>>> {
    let now = clock_gettime(ClockId::Realtime);
    let run = format!("{:x}{:05x}", now.tv_sec, now.tv_nsec >> 10);
    let next = Rc::new(Cell::new(0));
    let mut registrars = JoinSet::new();
    for _ in 0..REGISTRARS.min(count) {
        let (target, next, run) = (Rc::clone(target), Rc::clone(&next), run.clone());
        registrars.spawn_local(async move {
            let mut http = Http::new(&target);
            let mut users = Vec::new();
            while next.get() < count {
                let number = next.replace(next.get() + 1);
                users.push(register_one(&mut http, &format!("b{run}n{number}")).await?);
            }
            anyhow::Ok(users)
        });
    }
    let mut users = Vec::with_capacity(count);
    while let Some(made) = registrars.join_next().await {
        users.extend(made.context("a registrar")??);
    }
    Ok(users)
}

async fn register_one(http: &mut Http, username: &str) -> Result<Rc<User>> {
    let password = format!("{username}-secret");
    let body = format!(r#"{{"username":"{username}","password":"{password}"}}"#);
    let request = post("/api/v1/auth/register", None, Some(&body));
    let session: Session = http.ask(request).await?.json(request)?;
    Ok(Rc::new(User { username: username.to_owned(), password, token: session.access_token }))
}

/// Makes a public channel; its maker is its first member.
pub(crate) async fn channel(http: &mut Http, owner: &User, name: &str) -> Result<Rc<str>> {
    let body = format!(r#"{{"name":"{name}"}}"#);
    let request = post("/api/v1/channels", Some(&owner.token), Some(&body));
    let made: Made = http.ask(request).await?.json(request)?;
    Ok(made.id.into())
}

/// Makes a public channel of all these users; the first owns it.
pub(crate) async fn room(http: &mut Http, members: &[Rc<User>], name: &str) -> Result<Rc<str>> {
    let (owner, others) = members.split_first().context("a room without members")?;
    let id = channel(http, owner, name).await?;
    for member in others {
        let path = format!("/api/v1/channels/{id}/join");
        let request = post(&path, Some(&member.token), None);
        http.ask(request).await?.accepted(request)?;
    }
    Ok(id)
}

/// Sends a message, and gives its id.
pub(crate) async fn say(
    http: &mut Http,
    token: &str,
    channel: &str,
    content: &str,
) -> Result<String> {
    let path = format!("/api/v1/channels/{channel}/messages");
    let body = format!(r#"{{"content":"{content}"}}"#);
    let request = post(&path, Some(token), Some(&body));
    let made: Made = http.ask(request).await?.json(request)?;
    Ok(made.id)
}

/// Deletes a message.
pub(crate) async fn delete(http: &mut Http, token: &str, message: &str) -> Result<()> {
    let path = format!("/api/v1/messages/{message}");
    let request = Request { method: "DELETE", path: &path, token: Some(token), body: None };
    http.ask(request).await?.accepted(request)
}

/// How often each emoji stands at a message.
pub(crate) async fn reactions(
    http: &mut Http,
    token: &str,
    message: &str,
) -> Result<BTreeMap<String, u64>> {
    let path = format!("/api/v1/messages/{message}");
    let request = get(&path, Some(token));
    let read: Reacted = http.ask(request).await?.json(request)?;
    Ok(read.reactions.into_iter().map(|one| (one.emoji, one.count)).collect())
}

/// Walks through the list of somebody's channels; gives how many there are, and what is unread.
pub(crate) async fn own_channels(http: &mut Http, token: &str) -> Result<(u64, u64)> {
    let (mut channels, mut unread) = (0, 0);
    let mut path = format!("/api/v1/users/me/channels?limit={PAGE}");
    loop {
        let request = get(&path, Some(token));
        let page: OwnChannels = http.ask(request).await?.json(request)?;
        channels += page.items.len() as u64;
        unread += page.items.iter().map(|own| own.unread).sum::<u64>();
        let Some(next) = page.next else { return Ok((channels, unread)) };
        path = format!("/api/v1/users/me/channels?limit={PAGE}&cursor={next}");
    }
}

/// Makes a private channel of all these users; the first owns it.
pub(crate) async fn private_room(
    http: &mut Http,
    members: &[Rc<User>],
    name: &str,
) -> Result<Rc<str>> {
    let (owner, others) = members.split_first().context("a room without members")?;
    let body = format!(r#"{{"name":"{name}","kind":"private"}}"#);
    let request = post("/api/v1/channels", Some(&owner.token), Some(&body));
    let made: Made = http.ask(request).await?.json(request)?;
    for member in others {
        let path = format!("/api/v1/users/by-username/{}", member.username);
        let request = get(&path, Some(&owner.token));
        let person: Made = http.ask(request).await?.json(request)?;
        let path = format!("/api/v1/channels/{}/members", made.id);
        let body = format!(r#"{{"user_id":"{}"}}"#, person.id);
        let request = post(&path, Some(&owner.token), Some(&body));
        http.ask(request).await?.accepted(request)?;
    }
    Ok(made.id.into())
}

/// A page of a search, each hit of which says `says`: how many there are.
pub(crate) async fn search(
    http: &mut Http,
    token: &str,
    query: &str,
    limit: u64,
    says: &str,
) -> Result<usize> {
    // Nothing else of what is asked for here means something in an address.
    let query = query.replace(' ', "%20").replace('"', "%22");
    let path = format!("/api/v1/search?limit={limit}&q={query}");
    let request = get(&path, Some(token));
    let page: Hits = http.ask(request).await?.json(request)?;
    for item in &page.items {
        anyhow::ensure!(item.content.contains(says), "{query} found {}", item.content);
    }
    Ok(page.items.len())
}

/// Gets a ticket for a WebSocket.
pub(crate) async fn ticket(http: &mut Http, token: &str) -> Result<String> {
    let request = post("/api/v1/auth/tickets", Some(token), None);
    let made: Ticket = http.ask(request).await?.json(request)?;
    Ok(made.ticket)
}

/// Logs a user in; the session is thrown away.
pub(crate) async fn login(http: &mut Http, user: &User) -> Result<()> {
    let User { username, password, .. } = user;
    let body = format!(r#"{{"username":"{username}","password":"{password}"}}"#);
    let request = post("/api/v1/auth/login", None, Some(&body));
    http.ask(request).await?.accepted(request)
}

/// The server's own word on its version.
pub(crate) async fn version(http: &mut Http) -> Result<String> {
    let request = get("/", None);
    let about: About = http.ask(request).await?.json(request)?;
    Ok(about.version)
}

/// Whether `/health` answers.
pub(crate) async fn is_healthy(http: &mut Http) -> bool {
    let request = get("/health", None);
    match http.ask(request).await {
        Ok(answer) => answer.accepted(request).is_ok(),
        Err(_) => false,
    }
}

/// The messages right after `seq`.
pub(crate) async fn history_after(
    http: &mut Http,
    token: &str,
    channel: &str,
    seq: u64,
) -> Result<History> {
    let path = format!("/api/v1/channels/{channel}/messages?after={seq}&limit={PAGE}");
    let request = get(&path, Some(token));
    let page: Page = http.ask(request).await?.json(request)?;
    let mut messages: Vec<Message> = page.items.iter().map(PageItem::message).collect();
    messages.sort_unstable_by_key(|message| message.seq);
    Ok(History { is_last: messages.len() < PAGE, messages, head: page.head })
}

/// Fetches the `count` messages right before `seq` and checks by scanning that it is exactly these,
/// newest first.
pub(crate) async fn history_before(
    http: &mut Http,
    token: &str,
    channel: &str,
    seq: u64,
    count: u64,
) -> Result<()> {
    let path = format!("/api/v1/channels/{channel}/messages?before={seq}&limit={count}");
    let request = get(&path, Some(token));
    let answer = http.ask(request).await?;
    answer.accepted(request)?;
    let wanted = (seq - count..seq).rev();
    anyhow::ensure!(
        wire::seqs(answer.body).eq(wanted),
        "the page before {seq} is not the {count} messages before it"
    );
    Ok(())
}

impl PageItem {
    fn message(&self) -> Message {
        Message { seq: self.seq, stamp: wire::stamp(self.content.as_bytes()) }
    }
}
