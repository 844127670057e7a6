//! One large file: how fast is it on disk, beside what `dd` writes there, and what memory does it take?

use crate::{
    api,
    measure::Meter,
    report::{Outcome, figure, float},
    stage::{Site, Stage},
    tally::Tally,
    target::{Target, User},
};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    time::{interval, timeout},
};

/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A server that takes longer has failed.
const PATIENCE: Duration = Duration::from_mins(2);

/// What is written at a time.
const PIECE: usize = 64 * 1024;

/// Before the large file: what a first upload allocates once is not what an upload takes.
const WARM_UP: usize = 4 * 1024 * 1024;

const HEAD: &str =
    "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"large.bin\"\r\n\r\n";
const TAIL: &str = "\r\n--X--\r\n";

/// Options of `upload`.
#[derive(Debug, Clone, Args)]
pub(crate) struct UploadOptions {
    /// Size of the file in MiB
    #[arg(long, default_value_t = 100)]
    pub(crate) mebibytes: u32,
}

/// Plays the case.
pub(crate) async fn run(stage: &Stage, options: &UploadOptions) -> Result<Vec<Outcome>> {
    let case = format!("{} MiB", options.mebibytes);
    let one = async |site: &Site| one(stage, site, options, &case).await;
    Ok(vec![stage.play("upload", &case, one).await?])
}

async fn one(stage: &Stage, site: &Site, options: &UploadOptions, case: &str) -> Result<Outcome> {
    let users = api::register(&site.target, 1).await?;
    let user = users.first().context("no user")?;
    let bytes = usize::try_from(options.mebibytes)? * 1024 * 1024;
    upload(&site.target, user, WARM_UP).await?;
    let bare = dd(&stage.globals.folder(), options.mebibytes).await?;

    let tally = Tally::new();
    let before = site.resident()?;
    let meter = Meter::start(site, &tally)?;
    let begun = Instant::now();
    let mut peak = before;
    let mut looks = interval(LOOK);
    let sending = upload(&site.target, user, bytes);
    tokio::pin!(sending);
    loop {
        tokio::select! {
            sent = &mut sending => break sent?,
            _ = looks.tick() => peak = peak.max(site.resident()?),
        }
    }
    let took = begun.elapsed();
    let window = meter.stop()?;

    let rate = |took: Duration| f64::from(options.mebibytes) / took.as_secs_f64();
    let grown = before.zip(peak).map(|(before, peak)| float(peak.saturating_sub(before)) / 1024.0);
    let cpu = window.server.map(|cpu| cpu.total() * 1e3 / f64::from(options.mebibytes));
    let figures = vec![
        figure("mib_per_second", "MiB/s", Some(rate(took)), 0),
        figure("dd_mib_per_second", "dd MiB/s", Some(rate(bare)), 0),
        figure("percent_of_dd", "of it %", Some(rate(took) / rate(bare) * 100.0), 0),
        figure("rss_growth_mib", "RSS MiB more, at most", grown, 1),
        figure("server_ms_per_mib", "server ms/MiB", cpu, 2),
    ];
    Ok(Outcome {
        scenario: "upload",
        case: case.to_owned(),
        figures,
        notes: vec!["dd writes as much to the same folder, with conv=fsync".into()],
        failures: Vec::new(),
    })
}

/// What the server says of a file.
#[derive(Deserialize)]
struct Sent {
    size: usize,
}

/// Sends a file of this size, and checks that it came whole.
async fn upload(target: &Target, user: &User, size: usize) -> Result<()> {
    let sent = timeout(PATIENCE, send(target, user, size)).await.context("an upload")??;
    ensure!(sent.size == size, "{} bytes came of {size}", sent.size);
    Ok(())
}

async fn send(target: &Target, user: &User, size: usize) -> Result<Sent> {
    let mut stream = TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let head = format!(
        "POST /api/v1/files HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
         Content-Type: multipart/form-data; boundary=X\r\nContent-Length: {}\r\n\r\n{HEAD}",
        target.authority,
        user.token,
        HEAD.len() + size + TAIL.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    // No file system makes this smaller, and no line in it looks like a boundary.
    let piece: Vec<u8> =
        (0..PIECE).map(|n| (n.wrapping_mul(167) >> 3).to_le_bytes()[0] | 0x80).collect();
    let mut left = size;
    while left > 0 {
        let some = left.min(PIECE);
        stream.write_all(&piece[..some]).await?;
        left -= some;
    }
    stream.write_all(TAIL.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let text = String::from_utf8_lossy(&answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { bail!("no answer") };
    ensure!(head.starts_with("HTTP/1.1 201"), "{}", head.lines().next().unwrap_or_default());
    Ok(serde_json::from_str(body)?)
}

/// How long `dd` takes to write as much to a folder, until it is on disk.
async fn dd(folder: &Path, mebibytes: u32) -> Result<Duration> {
    let path = folder.join(format!("tertulia-bench-dd-{}", std::process::id()));
    let begun = Instant::now();
    let done = Command::new("dd")
        .arg("if=/dev/zero")
        .arg(format!("of={}", path.display()))
        .args(["bs=1M", &format!("count={mebibytes}"), "conv=fsync", "status=none"])
        .status()
        .await;
    let took = begun.elapsed();
    std::fs::remove_file(&path).context("dd has written nothing")?;
    ensure!(done?.success(), "dd failed");
    Ok(took)
}
