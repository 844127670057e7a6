//! Passwords: slow to guess, and never so slow that chatting suffers.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use parking_lot::Mutex;
use tertulia_domain::NewPassword;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::Error;
use crate::keys::random_bytes;

/// Hashes and verifies passwords with argon2id (RFC 9106) at 19 MiB of memory, two passes and one
/// lane, OWASP's recommendation (Password Storage Cheat Sheet): about 18 ms on one core.
///
/// The work is done on tokio's blocking threads, as many at a time as there are cores: memory is
/// bounded by that number × 19 MiB, and the runtime goes on. Whoever comes while as many wait as
/// may wait gets [`Error::Busy`] at once: a flood of log-ins is refused, not queued for ever.
pub struct Passwords {
    /// One permit for each password that is being worked on or waits for it.
    admitted: Arc<Semaphore>,
    /// One permit for each that is being worked on.
    running: Arc<Semaphore>,
    /// Memory to work in, kept: taking 19 MiB from the operating system anew costs as much as half
    /// of the hashing. Never more pieces than may run at a time.
    spare: Arc<Mutex<Vec<Vec<Block>>>>,
    /// What an attempt on an unknown account is compared with: the work is the same.
    dummy: PasswordHash,
}

impl Passwords {
    /// How many may wait for each one that is worked on. At 18 ms each the last waits 2.3 s, which
    /// is about what somebody who signs in will bear.
    pub const WAITING_PER_CORE: usize = 128;

    /// The longest attempt that is looked at, in bytes: the longest password that can be set, 256
    /// characters of four bytes.
    pub const MAX_BYTES: usize = 1024;

    /// For as many cores as this process may use. Fails only without randomness.
    pub fn new() -> Result<Self, Error> {
        let cores = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self::bounded(cores, cores.get().saturating_mul(Self::WAITING_PER_CORE))
    }

    /// At most `running` at a time, and at most `waiting` more that wait for their turn.
    pub fn bounded(running: NonZeroUsize, waiting: usize) -> Result<Self, Error> {
        let running = running.get().min(Semaphore::MAX_PERMITS);
        let admitted = running.saturating_add(waiting).min(Semaphore::MAX_PERMITS);
        Ok(Self {
            admitted: Arc::new(Semaphore::new(admitted)),
            running: Arc::new(Semaphore::new(running)),
            spare: Arc::default(),
            dummy: dummy()?,
        })
    }

    /// Hashes a password with a random salt, as a PHC string of about 100 characters to store.
    /// [`Error::Busy`] when too many wait. Call within a tokio runtime.
    pub async fn hash(&self, password: &NewPassword) -> Result<String, Error> {
        let salt = random_bytes::<16>()?;
        let password = copy(password.expose());
        self.run(move |memory| {
            let output = derive(password.as_bytes(), salt.as_slice(), PARAMS, memory)?;
            phc(salt.as_slice(), output).map(|hash| hash.to_string())
        })
        .await
    }

    /// Whether `attempt` is the password of which `stored` is the hash. Without a stored hash,
    /// because the account is unknown or has no password, the answer is no after the same work.
    ///
    /// [`Error::Busy`] when too many wait; [`Error::UnusableHash`] for a stored hash that is not
    /// argon2id, or asks for more than four times the memory or the passes that are used here (a
    /// damaged row must not take the machine's memory). Call within a tokio runtime.
    pub async fn verify(&self, stored: Option<&str>, attempt: &str) -> Result<bool, Error> {
        // Never a password, whoever's it would be; refused before a copy of it waits in the queue.
        if attempt.len() > Self::MAX_BYTES {
            return Ok(false);
        }
        let expected = stored.map_or_else(|| Ok(self.dummy.clone()), usable)?;
        let attempt = copy(attempt);
        self.run(move |memory| {
            let params = Params::try_from(&expected).map_err(|_| Error::UnusableHash)?;
            let salt = expected.salt.as_ref().ok_or(Error::UnusableHash)?;
            let output = derive(attempt.as_bytes(), salt, params, memory)?;
            // `Output` compares in constant time.
            Ok(expected.hash == Some(output))
        })
        .await
    }

    /// Does the work when its turn comes. A caller who gives up while waiting frees the place; work
    /// that has begun keeps its permits until it ends, since it cannot be stopped.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        const ENDING: Error = Error::Internal("check a password while shutting down");
        let place = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| Error::Busy)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| ENDING)?;
        let spare = Arc::clone(&self.spare);
        tokio::task::spawn_blocking(move || {
            let mut memory = spare.lock().pop().unwrap_or_default();
            let result = work(&mut memory);
            spare.lock().push(memory);
            drop((turn, place));
            result
        })
        .await
        .map_err(|_| ENDING)?
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("admitted", &self.admitted).finish_non_exhaustive()
    }
}

const PARAMS: Params = match Params::new(19_456, 2, 1, Some(32)) {
    Ok(params) => params,
    Err(_) => panic!("argon2 takes these parameters"),
};

/// How much more than [`PARAMS`] a stored hash may ask for: room for a later version's parameters,
/// beside which this one may run.
const MAX_FACTOR: u32 = 4;

/// The hash itself, computed in `memory`, which grows to what the parameters ask for.
fn derive(
    password: &[u8],
    salt: &[u8],
    params: Params,
    memory: &mut Vec<Block>,
) -> Result<Output, Error> {
    const BROKEN: Error = Error::Internal("hash a password");
    let blocks = params.block_count();
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let memory = memory.get_mut(..blocks).ok_or(BROKEN)?;
    let mut output = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN * 2]);
    let output = output.get_mut(..length).ok_or(BROKEN)?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, output, memory)
        .map_err(|_| BROKEN)?;
    Output::new(output).map_err(|_| BROKEN)
}

/// Reads a stored hash and refuses one whose work is not bounded.
fn usable(stored: &str) -> Result<PasswordHash, Error> {
    let hash = PasswordHash::new(stored).map_err(|_| Error::UnusableHash)?;
    let params = Params::try_from(&hash).map_err(|_| Error::UnusableHash)?;
    let bounded = params.m_cost() <= PARAMS.m_cost() * MAX_FACTOR
        && params.t_cost() <= PARAMS.t_cost() * MAX_FACTOR
        && params.p_cost() <= PARAMS.p_cost() * MAX_FACTOR;
    let complete = hash.algorithm == ARGON2ID_IDENT
        && hash.version == Some(Version::V0x13.into())
        && hash.salt.is_some()
        && hash.hash.is_some();
    if bounded && complete { Ok(hash) } else { Err(Error::UnusableHash) }
}

/// A hash of no password: with the same parameters as any other, and random instead of computed.
fn dummy() -> Result<PasswordHash, Error> {
    let output = Output::new(random_bytes::<32>()?.as_slice());
    let output = output.map_err(|_| Error::Internal("make a dummy password hash"))?;
    phc(random_bytes::<16>()?.as_slice(), output)
}

fn phc(salt: &[u8], output: Output) -> Result<PasswordHash, Error> {
    const BROKEN: Error = Error::Internal("write a password hash");
    Ok(PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS).map_err(|_| BROKEN)?,
        salt: Some(Salt::new(salt).map_err(|_| BROKEN)?),
        hash: Some(output),
    })
}

/// A copy to take along to another thread, wiped when the work is done.
fn copy(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.to_owned())
}

#[cfg(test)]
mod tests;
