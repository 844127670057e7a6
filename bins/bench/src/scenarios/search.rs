//! Searching a long history: what does one page cost, and what did the index?

use crate::{
    api,
    fleet::{Fleet, Seat},
    histogram::Histogram,
    http::Http,
    measure::{Meter, each, percentiles},
    proc::Cpu,
    report::{Outcome, figure, float},
    stage::{Site, Stage},
    tally::Tally,
    target::User,
};
use anyhow::{Result, ensure};
use clap::Args;
use std::{
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Clients that fill the large channel, with what each keeps unacknowledged, and those of the small
/// one: about 1 % of all messages are said there.
const WRITERS: usize = 7;
const OUTSTANDING: usize = 64;
const OUTSTANDING_ASIDE: usize = 4;

/// A server that takes or indexes fewer messages a second is given up.
const SLOWEST: u64 = 500;

/// Options of `search`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SearchOptions {
    /// Messages in all, sent through sockets first
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) messages: u64,
    /// Messages a page
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub(crate) page: u64,
}

/// Who looks.
#[derive(Clone, Copy)]
enum Who {
    /// Somebody who is in both channels.
    Member,
    /// Somebody who may read 1 % of all messages.
    Stranger,
    /// The same, with twenty channels of their own.
    Roomy,
}

/// A kind of search.
struct Case {
    key: &'static str,
    title: &'static str,
    who: Who,
    query: &'static str,
    /// What every hit says.
    says: &'static str,
}

const fn case(
    key: &'static str,
    title: &'static str,
    who: Who,
    query: &'static str,
    says: &'static str,
) -> Case {
    Case { key, title, who, query, says }
}

const CASES: &[Case] = &[
    case("common_us", "common µs", Who::Member, "common", "common"),
    case("rare_us", "rare", Who::Member, "seldom", "seldom"),
    case("nowhere_us", "nowhere", Who::Member, "nowhere", ""),
    case("two_words_us", "two words", Who::Member, "common word3", "common"),
    case("common_and_rare_us", "common, rare", Who::Member, "common seldom", "seldom"),
    case("phrase_us", "phrase", Who::Member, "%22green+tea%22", "green tea"),
    case("prefix_us", "prefix", Who::Member, "comm*", "common"),
    case("short_prefix_us", "w*", Who::Member, "w*", "word"),
    case("from_us", "from:", Who::Member, "from:{aside}+common", "common"),
    case("in_us", "in:", Who::Member, "in:aside+common", "common"),
    case("in_rare_us", "in:, rare", Who::Member, "in:aside+seldom", "seldom"),
    case("hidden_common_us", "1 %: common", Who::Stranger, "common", "common"),
    case("hidden_rare_us", "rare", Who::Stranger, "seldom", "seldom"),
    case("roomy_common_us", "1 %, 20 rooms: common", Who::Roomy, "common", "common"),
    case("roomy_rare_us", "rare", Who::Roomy, "seldom", "seldom"),
];

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &SearchOptions) -> Result<Vec<Outcome>> {
    let case = format!("{} of {}", options.page, options.messages);
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("search", &case, one).await?])
}

/// What is there to be searched.
struct Scene {
    users: Vec<Rc<User>>,
    aside: Rc<str>,
}

async fn one(stage: &Stage, site: &Site, options: &SearchOptions, case: &str) -> Result<Outcome> {
    let globals = &stage.globals;
    let tally = Rc::new(Tally::new());
    let users = api::register(&site.target, WRITERS + 3).await?;
    let mut http = Http::new(&site.target);
    let hidden = api::private_room(&mut http, &users[..=WRITERS], "bench hidden").await?;
    let aside = api::channel(&mut http, &users[WRITERS], "aside").await?;
    for room in 0..20 {
        api::channel(&mut http, &users[WRITERS + 2], &format!("own {room}")).await?;
    }
    let scene = Scene { users, aside };

    let begun = Meter::start(site, &tally)?;
    let failures = fill(site, &tally, options, &scene, &hidden, globals.patience()).await?;
    let filled = begun.stop()?;
    let rest = Meter::start(site, &tally)?;
    indexed(site, options, &scene, &hidden).await?;
    let rest = rest.stop()?;
    // What is left to do in the background is not the searches'.
    sleep(Duration::from_secs(3)).await;

    let acks = tally.acks.get();
    let both = filled.server.zip(rest.server).map(|(one, other)| one.total() + other.total());
    let mut figures = vec![
        figure("filled_and_indexed_us", "fill+index µs/msg", each(both, acks), 1),
        figure("filled_per_second", "filled/s", filled.rate(acks), 0),
        figure("indexed_after_s", "indexed after s", rest.seconds, 1),
    ];
    let mut all = Histogram::default();
    for case in CASES {
        let cpu = measure(site, &tally, options, &scene, case, &mut all).await?;
        figures.push(figure(case.key, case.title, cpu, 0));
    }
    let [p50, p99, _] = percentiles(&all);
    figures.extend([
        figure("page_p50_ms", "p50 ms", p50, 2),
        figure("page_p99_ms", "p99", p99, 2),
        figure("server_rss_mib", "RSS MiB", site.resident()?.map(|kib| float(kib) / 1024.0), 1),
    ]);
    Ok(Outcome { scenario: "search", case: case.to_owned(), figures, notes: Vec::new(), failures })
}

/// Has everybody talk, most of them where strangers hear nothing.
async fn fill(
    site: &Site,
    tally: &Rc<Tally>,
    options: &SearchOptions,
    scene: &Scene,
    hidden: &Rc<str>,
    patience: Duration,
) -> Result<Vec<String>> {
    let seat = |user: &Rc<User>, channel: &Rc<str>| Seat {
        user: Rc::clone(user),
        channel: Rc::clone(channel),
        publishes: true,
    };
    let most = scene.users[..WRITERS].iter().map(|user| seat(user, hidden)).collect();
    let most = Fleet::seat(&site.target, tally, most, 0).await?;
    let few = vec![seat(&scene.users[WRITERS], &scene.aside)];
    let few = Fleet::seat(&site.target, tally, few, 0).await?;
    most.speak();
    few.speak();
    let begun = Instant::now();
    most.start_loops(OUTSTANDING);
    few.start_loops(OUTSTANDING_ASIDE);
    let deadline = Duration::from_secs(60 + options.messages / SLOWEST);
    while tally.acks.get() < options.messages {
        ensure!(begun.elapsed() < deadline, "filling the channels takes too long");
        sleep(Duration::from_millis(20)).await;
    }
    let mut failures = most.finish(patience).await;
    failures.extend(few.finish(patience).await);
    Ok(failures)
}

/// Waits until the last of each channel is found.
async fn indexed(
    site: &Site,
    options: &SearchOptions,
    scene: &Scene,
    hidden: &Rc<str>,
) -> Result<()> {
    let mut http = Http::new(&site.target);
    let user = &scene.users[WRITERS];
    let deadline = Instant::now() + Duration::from_secs(120 + options.messages / SLOWEST);
    for (channel, word) in [(hidden, "lasthidden"), (&scene.aside, "lastaside")] {
        api::say(&mut http, &user.token, channel, word).await?;
        while api::search(&mut http, &user.token, word, options.page, word).await? == 0 {
            ensure!(Instant::now() < deadline, "indexing takes too long");
            sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// One page after the other, by one client. CPU of each, in microseconds.
async fn measure(
    site: &Site,
    tally: &Tally,
    options: &SearchOptions,
    scene: &Scene,
    case: &Case,
    all: &mut Histogram,
) -> Result<Option<f64>> {
    let user = match case.who {
        Who::Member => &scene.users[WRITERS],
        Who::Stranger => &scene.users[WRITERS + 1],
        Who::Roomy => &scene.users[WRITERS + 2],
    };
    let query = case.query.replace("{aside}", &scene.users[WRITERS].username);
    let mut http = Http::new(&site.target);
    let found = api::search(&mut http, &user.token, &query, options.page, case.says).await?;
    ensure!(found > 0 || case.says.is_empty(), "{query}: nothing was found");
    let meter = Meter::start(site, tally)?;
    let begun = Instant::now();
    let mut pages = 0;
    // The kernel counts in ticks of 10 ms: long enough for a hundred of them at best.
    while pages < 20 || begun.elapsed() < Duration::from_secs(1) {
        let asked = Instant::now();
        api::search(&mut http, &user.token, &query, options.page, case.says).await?;
        all.add(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
        pages += 1;
    }
    Ok(each(meter.stop()?.server.map(Cpu::total), pages))
}
