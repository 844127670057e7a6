//! Whether a server's secret could be guessed.

use std::collections::HashMap;

/// Why a server's secret is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// Shorter than a 256-bit key as text can be (RFC 7518, section 3.2, asks HS256 keys of 256 bits).
    #[error("the secret has {bytes} bytes; at least {MIN_BYTES} are needed")]
    TooShort {
        /// How long it is.
        bytes: usize,
    },
    /// A sample from documentation or a template: everybody knows it.
    #[error("the secret is a known sample; make one, for example with `openssl rand -base64 32`")]
    Sample,
    /// Long, but repetitive or a plain sequence.
    #[error("the secret is too regular; make one, for example with `openssl rand -base64 32`")]
    Regular,
}

/// 256 bits if every byte were random; 128 bits as hexadecimal digits, which is still enough.
const MIN_BYTES: usize = 32;

/// Well below what the shortest random secret has: of 400,000 times 32 random hexadecimal digits,
/// whose frequencies vary with chance, the least had 91.7 bits by this measure.
const MIN_BITS: f64 = 80.0;

/// Whole secrets (without case and punctuation) that stand in widely copied documentation.
const SAMPLES: [&str; 6] = [
    "secret",
    "password",
    "secretkey",
    "jwtsecret",
    // FastAPI's tutorial on OAuth2 with JWT.
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    // The sample of jwt.io: "your-256-bit-secret", and its longer form.
    "astringsecretatleast256bitslong",
];

/// What only a placeholder says, somewhere in it.
const PLACEHOLDERS: [&str; 13] = [
    "yoursecret",
    "yoursuper",
    "yourjwt",
    "your256bit",
    "changeme",
    "changethis",
    "changeit",
    "replaceme",
    "replacethis",
    "supersecret",
    "secretkeyhere",
    "mysecretkey",
    "djangoinsecure",
];

/// Refuses secrets that are short, known, or regular. Words strung together pass: this catches
/// mistakes, it does not measure strength.
pub(crate) fn check(secret: &str) -> Result<(), WeakSecret> {
    let plain: String =
        secret.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if SAMPLES.contains(&plain.as_str()) || PLACEHOLDERS.iter().any(|word| plain.contains(word)) {
        return Err(WeakSecret::Sample);
    }
    if secret.len() < MIN_BYTES {
        return Err(WeakSecret::TooShort { bytes: secret.len() });
    }
    let bytes = secret.as_bytes();
    if entropy(repeated_unit(bytes)) < MIN_BITS || is_sequence(bytes) {
        return Err(WeakSecret::Regular);
    }
    Ok(())
}

/// The shortest text of which `bytes` is a repetition, the last one perhaps cut off.
fn repeated_unit(bytes: &[u8]) -> &[u8] {
    let period = (1..bytes.len())
        .find(|&period| bytes[period..].iter().zip(bytes).all(|(a, b)| a == b))
        .unwrap_or(bytes.len());
    &bytes[..period]
}

/// Bits in all by the frequencies of the bytes themselves (Shannon).
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = HashMap::new();
    for byte in bytes {
        *counts.entry(byte).or_insert(0_u32) += 1;
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    counts.values().map(|&count| f64::from(count) * (total / f64::from(count)).log2()).sum()
}

/// Whether most bytes are the one before, plus or minus one at most (`abcdef…`, `7654…`). In
/// random text about one in twenty is, in random hexadecimal digits one in five.
fn is_sequence(bytes: &[u8]) -> bool {
    let steps = bytes.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) <= 1).count();
    steps * 2 > bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_refused_however_they_are_written() {
        for sample in [
            "secret",
            "your_secret_key_here",
            "your-secret-key-here",
            "Your Secret Key Here",
            "changeme",
            "CHANGE_ME",
            "change-this-in-production-please-0123",
            "your-super-secret-key-change-this-in-production",
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "a-string-secret-at-least-256-bits-long",
            "django-insecure-8$d!k2m@x9v7q4z1w6r3t5y0u-pla",
        ] {
            assert_eq!(check(sample), Err(WeakSecret::Sample), "{sample}");
        }
    }

    #[test]
    fn short_secrets_are_refused_with_their_length() {
        assert_eq!(check(""), Err(WeakSecret::TooShort { bytes: 0 }));
        assert_eq!(
            check("9f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4"),
            Err(WeakSecret::TooShort { bytes: 31 })
        );
    }

    #[test]
    fn regular_secrets_are_refused() {
        for regular in [
            "a".repeat(64),
            "abc".repeat(20),
            "passwordpasswordpasswordpassword".to_owned(),
            "hunter2-hunter2-hunter2-hunter2-hunter2".to_owned(),
            "abcdefghijklmnopqrstuvwxyz0123456789".to_owned(),
            "zyxwvutsrqponmlkjihgfedcba9876543210".to_owned(),
            "0123456789".repeat(5),
            "0000000000000000000000000000000000000001".to_owned(),
        ] {
            assert_eq!(check(&regular), Err(WeakSecret::Regular), "{regular}");
        }
    }

    #[test]
    fn what_openssl_makes_is_accepted() {
        for secret in [
            "3f0c9a1e7b5d2846c1f3a09e8d7b6245",
            "d41b8f7c3e9a0256b7c8d1e4f5a60739812bc4de5f607a8b9c0d1e2f3a4b5c6d",
            "kJ8sX2vQ9mN4pL7wR1tY6uZ3aB5cD0eF+gH/iK==",
        ] {
            assert_eq!(check(secret), Ok(()), "{secret}");
        }
    }

    #[test]
    fn random_hexadecimal_digits_are_not_called_regular() {
        for _ in 0..2_000 {
            let bytes = crate::keys::random_bytes::<16>().unwrap();
            let hex = format!("{:032x}", u128::from_be_bytes(*bytes));
            assert_eq!(check(&hex), Ok(()), "{hex}");
        }
    }
}
