//! What people can do: the use cases, each written once, for REST, WebSocket and every other
//! adapter alike. Who may is asked of `domain::policy`; what is said goes through `ChangeLog`,
//! the one door through which a feed moves.

mod accounts;
mod admin;
mod audit;
mod bans;
mod channels;
mod drafts;
mod erasure;
mod error;
mod files;
mod guests;
mod indexing;
mod invites;
mod log;
mod members;
mod messages;
mod notifications;
mod pace;
mod pins;
mod presence;
mod reactions;
mod reading;
mod repair;
mod retention;
mod search;
mod sessions;
mod slots;
mod sync;
mod tasks;
mod telling;
mod threads;
mod typing;
mod views;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tertulia_auth::{Keys, Passwords, Tokens};
use tertulia_domain::{Clock, Feed, SessionId, Timestamp, UserId};
use tertulia_realtime::{Bus, Hub};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

pub use accounts::Registration;
pub use admin::{AccountOrder, ChannelSummary};
pub use bans::{BanDraft, BanView, UserName, Whom};
pub use channels::{ChannelDraft, ConversationDraft};
use drafts::Drafts;
pub use error::Error;
use files::Files;
pub use files::{AvatarLinkView, AvatarSize, FileLinkView, FileOptions, Upload};
pub use guests::SignUp;
pub use invites::{DoorView, InviteDraft, NewInviteView};
use log::ChangeLog;
pub use messages::MessageDraft;
use presence::Moments;
pub use presence::{OwnView, PersonView};
use reading::Marks;
pub use sessions::Client;
pub use sync::{Delta, FeedCursor};
pub use tasks::Tasks;
pub use tertulia_auth::{Charge, Gauge, Limit, Limits, Refused, Rule, Scope, Standing, Throttle};
pub use tertulia_files::{
    Content as FileBytes, Credentials as StorageCredentials, Location as StorageLocation, Storage,
};
pub use tertulia_realtime::RedisAddress;
pub use tertulia_store::{AdministeredUser, AuditFilter, Counts};
pub use tertulia_store::{HistoryPart, Location, PostgresAddress, ProfileEdit, Session, Store};
pub use views::{
    ChannelHead, ChannelView, HistoryPage, InboxPage, OwnChannelView, ReadView, Ready, RepliesPage,
    SignedIn, Ticket,
};

/// The longest that an access token can be good, on whichever node and under whichever settings it
/// was issued: for as long an ended session is remembered.
const MAX_ACCESS_TTL: time::Duration = time::Duration::days(1);

/// How a server is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long an access token is good: 1 minute to 1 day.
    pub access_ttl: time::Duration,
    /// Whether anything is limited.
    pub throttled: bool,
    /// How much is too much.
    pub limits: Limits,
    /// How long a batch may wait for more changes, which it does only while more are likely to come
    /// in that time: a transaction of its own costs a change ten times what it costs in company.
    pub gather: Duration,
    /// How often heads are compared with what has been released.
    pub reconcile_every: Duration,
    /// How often the system feed is polled: how long a session that was ended on another node can
    /// go on here when the bus has lost it.
    pub poll_system_every: Duration,
    /// How often those who look are told how people are.
    pub presence_every: Duration,
    /// How often the database is searched for what is dead.
    pub purge_every: Duration,
    /// How long what is said may wait to be found: what comes meanwhile is indexed with it.
    pub index_after: Duration,
    /// How often the database is searched for what other nodes have not indexed.
    pub index_every: Duration,
    /// Whether anybody may register.
    pub registration_open: bool,
    /// Whether guests are let in.
    pub guests: bool,
    /// How long a guest may be away before they are forgotten.
    pub guest_ttl: time::Duration,
    /// What files people may have.
    pub files: FileOptions,
    /// How nodes on one database hear of each other at once; without it they find out by asking the
    /// database.
    pub redis: Option<RedisAddress>,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access_ttl: time::Duration::minutes(15),
            throttled: true,
            limits: Limits::default(),
            gather: Duration::from_millis(2),
            reconcile_every: Duration::from_secs(1),
            poll_system_every: Duration::from_millis(500),
            presence_every: Duration::from_secs(1),
            purge_every: Duration::from_mins(1),
            index_after: Duration::from_millis(250),
            index_every: Duration::from_secs(30),
            registration_open: true,
            guests: false,
            guest_ttl: time::Duration::days(1),
            files: FileOptions::default(),
            redis: None,
            clock: Clock::system(),
        }
    }
}

impl Options {
    fn throttle(&self) -> Throttle {
        if !self.throttled {
            return Throttle::off();
        }
        Throttle::new(self.limits.clone(), self.clock.clone())
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub user: UserId,
    /// The device.
    pub session: SessionId,
    /// Until when the proof of it is good.
    pub expires_at: Timestamp,
    /// From where, if that is known: for the audit log.
    pub address: Option<IpAddr>,
}

/// Everything that people can do. Clones share it.
#[derive(Clone)]
pub struct Chat(Arc<Inner>);

struct Inner {
    store: Store,
    log: ChangeLog,
    hub: Hub,
    bus: Bus,
    keys: Keys,
    tokens: Tokens,
    passwords: Passwords,
    throttle: Throttle,
    clock: Clock,
    access_ttl: time::Duration,
    registration_open: bool,
    guests: bool,
    guest_ttl: time::Duration,
    /// Counts who has deleted their account here, to wake what erases them.
    erasure: tokio::sync::watch::Sender<u64>,
    epoch: String,
    files: Files,
    marks: Marks,
    drafts: Drafts,
    moments: Moments,
    /// One permit for each client that is just beginning.
    beginning: Semaphore,
    /// One permit for each search.
    searching: Semaphore,
}

impl Chat {
    /// Starts on an open store and a storage of files: its log, and what repairs what the bus loses. The tasks run on the
    /// current runtime.
    pub async fn start(
        store: Store,
        storage: Storage,
        keys: Keys,
        options: Options,
    ) -> Result<(Self, Tasks), Error> {
        let throttle = options.throttle();
        let clock = options.clock;
        let hub = Hub::new(clock.clone());
        let epoch = store.epoch(uuid::Uuid::new_v4().simple().to_string()).await?;
        let (bus, bus_task) = bus_of(&hub, options.redis, &epoch, &keys);
        // The head first: what ends in between is in both, which does no harm.
        let system = store.feed(Feed::System).await?;
        let since = clock.now().plus(-MAX_ACCESS_TTL);
        hub.follow_system(system.head, store.sessions_ended_since(since).await?);

        let (indexing, hints) =
            indexing::Indexing::new(store.clone(), options.index_after, options.index_every);
        let (deleted, due) = (Arc::default(), Arc::default());
        let wakes = log::Wakes { deleted: Arc::clone(&deleted), due: Arc::clone(&due), hints };
        let (log, log_task) = log::start(
            store.clone(),
            bus.clone(),
            hub.clone(),
            clock.clone(),
            options.gather,
            wakes,
        );
        let marks = Marks::new(log.clone(), bus.clone());
        let drafts = Drafts::new(log.clone());
        let moments = Moments::new(hub.clone(), bus.clone(), store.clone());
        let files = Files::new(storage, options.files);
        let every = options.purge_every;

        let mut tasks = Tasks::new(log_task, bus_task);
        tasks.write(|stop| marks.clone().run(stop));
        tasks.write(|stop| drafts.clone().run(stop));
        let telling = telling::Telling { store: store.clone(), log: log.clone(), every, due };
        tasks.write(|stop| telling.run(stop));
        tasks.run(|stop| moments.clone().run(options.presence_every, stop));
        tasks.run(|stop| indexing.run(stop));
        let repair = repair::Repair {
            store: store.clone(),
            hub: hub.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            every: options.reconcile_every,
            system_every: options.poll_system_every,
        };
        tasks.run(|stop| repair.run(stop));
        let retention = retention::Retention {
            store: store.clone(),
            log: log.clone(),
            clock: clock.clone(),
            every,
            deleted,
            trimmed: parking_lot::Mutex::default(),
        };
        tasks.run(|stop| retention.run(stop));
        let (erasure, wishes) = tokio::sync::watch::channel(0);
        let erasing = erasure::Erasure {
            store: store.clone(),
            log: log.clone(),
            clock: clock.clone(),
            every,
            wishes,
        };
        tasks.run(|stop| erasing.run(stop));
        let collector = files.collector(&store, &clock, &epoch, every);
        tasks.run(|stop| collector.run(stop));
        let chat = Self(Arc::new(Inner {
            tokens: Tokens::new(&keys),
            passwords: Passwords::new().map_err(Error::internal)?,
            store,
            log,
            hub,
            bus,
            keys,
            throttle,
            clock,
            access_ttl: options.access_ttl,
            registration_open: options.registration_open,
            guests: options.guests,
            guest_ttl: options.guest_ttl,
            erasure,
            epoch,
            files,
            marks,
            drafts,
            moments,
            beginning: Semaphore::new(sync::MAX_BEGINNING),
            searching: Semaphore::new(search::MAX_SEARCHES),
        }));
        Ok((chat, tasks))
    }

    /// Who is listening on this node.
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// How nodes hear of what was committed.
    pub fn bus(&self) -> &Bus {
        &self.0.bus
    }

    /// The database's random name, changed by a restore: a cursor of another epoch is void.
    pub fn epoch(&self) -> &str {
        &self.0.epoch
    }

    /// The time by which tokens are judged.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// How much anybody may do. What is done to an account before its owner has proven who they are
    /// (signing in, registering) is limited here; all else by whoever takes the request, before it
    /// costs anything.
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// How large files may be.
    pub fn file_options(&self) -> FileOptions {
        self.0.files.options()
    }

    /// Whether the database answers.
    pub async fn is_ready(&self) -> bool {
        self.0.store.feed(Feed::System).await.is_ok()
    }
}

/// The bus, and the task behind it when it leads out of this process.
fn bus_of(
    hub: &Hub,
    redis: Option<RedisAddress>,
    epoch: &str,
    keys: &Keys,
) -> (Bus, Option<JoinHandle<()>>) {
    let Some(redis) = redis else { return (Bus::local(hub.clone()), None) };
    let (bus, line) = Bus::redis(hub.clone(), redis, epoch, keys.bus_mac());
    (bus, Some(tokio::spawn(line)))
}
