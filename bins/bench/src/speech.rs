//! What people say, as far as an index is concerned: words of which few are common and most are rare.

use std::fmt::Write;

/// Different words.
const WORDS: f64 = 20_000.0;

/// Words in a message, about: as many as there is room for beside the stamp in 100 bytes.
const LENGTH: usize = 10;

/// One person's words, the same in every run.
pub(crate) struct Speech {
    random: u64,
    said: u64,
}

impl Speech {
    /// Each seed says other things.
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, said: 0 }
    }

    /// Says something: `common` in every third message, `green tea` in every fiftieth, `seldom` in
    /// one of five thousand.
    pub(crate) fn say(&mut self, text: &mut String) {
        self.said += 1;
        for (word, each) in [("common", 3), ("green tea", 50), ("seldom", 5_000)] {
            if self.said.is_multiple_of(each) {
                text.push(' ');
                text.push_str(word);
            }
        }
        for _ in 0..LENGTH {
            let _ = write!(text, " word{:.0}", self.rank());
        }
    }

    /// The nth word is said 1/n as often as the first (Zipf).
    fn rank(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let part = u32::try_from(self.random >> 32).unwrap_or_default();
        WORDS.powf(f64::from(part) / f64::from(u32::MAX)).floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_words_are_common_and_most_are_rare() {
        let mut speech = Speech::new(1);
        let mut text = String::new();
        (0..20_000).for_each(|_| speech.say(&mut text));
        let count = |word: &str| text.split(' ').filter(|it| *it == word).count();
        assert_eq!((count("common"), count("seldom")), (6_666, 4));
        assert!(count("word1") > 10 * count("word20"), "{} {}", count("word1"), count("word20"));
        assert!(text.split(' ').any(|word| word.len() == "word10000".len()));
    }
}
