//! The words of a text, as they are compared: without case, diacritics and compatibility forms
//! (NFKD). Scripts that put no spaces between words, and emoji, count a character a word, so that any
//! part of what they say is found as a phrase.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::Span;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What is compared: letters, digits and marks, or one symbol. Never empty.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// The words of a text, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut found = Found::default();
    let mut folded = String::new();
    let mut at = 0;
    for cluster in text.graphemes(true) {
        let mut chars = cluster.chars();
        let first = chars.next().unwrap_or_default();
        let span = Span { start: at, end: at + 1 + chars.count() };
        at = span.end;
        if first.is_ascii() && span.end - span.start == 1 {
            found.take(first.to_ascii_lowercase(), span);
            continue;
        }
        fold(cluster, &mut folded);
        for c in folded.nfc() {
            found.take(c, span);
        }
    }
    found.words
}

#[derive(Default)]
struct Found {
    words: Vec<Word>,
    /// Whether the last word may go on.
    open: bool,
}

impl Found {
    fn take(&mut self, c: char, span: Span) {
        match class(c) {
            Class::Nothing => {}
            Class::Gap => self.open = false,
            Class::Alone => {
                self.words.push(Word { text: c.into(), span });
                self.open = false;
            }
            Class::Letter => {
                if let Some(word) = self.words.last_mut().filter(|_| self.open) {
                    word.text.push(c);
                    word.span.end = span.end;
                } else {
                    self.words.push(Word { text: c.into(), span });
                    self.open = true;
                }
            }
            // On nothing it is nothing.
            Class::Mark => {
                if let Some(word) = self.words.last_mut().filter(|_| self.open) {
                    word.text.push(c);
                    word.span.end = span.end;
                }
            }
        }
    }
}

/// What a character is to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Mark,
    Alone,
    Gap,
    Nothing,
}

fn class(c: char) -> Class {
    if c.is_ascii() {
        return if c.is_ascii_alphanumeric() { Class::Letter } else { Class::Gap };
    }
    match c {
        // Joiners, variations, skin tones and tags say how a character is shown.
        '\u{AD}'
        | '\u{200C}'
        | '\u{200D}'
        | '\u{2060}'
        | '\u{20E3}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{1F3FB}'..='\u{1F3FF}'
        | '\u{E0000}'..='\u{E01EF}' => Class::Nothing,
        _ if is_symbol(c) => Class::Alone,
        _ if c.is_alphanumeric() => {
            if is_without_spaces(c) {
                Class::Alone
            } else {
                Class::Letter
            }
        }
        _ if is_combining_mark(c) => {
            if is_without_spaces(c) {
                Class::Nothing
            } else {
                Class::Mark
            }
        }
        _ => Class::Gap,
    }
}

/// Arrows, signs, emoji, and money.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{1F000}'..='\u{1FAFF}' | '\u{20A0}'..='\u{20CF}'
        | '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{3030}' | '\u{303D}')
}

/// Of a script whose words nothing divides, or whose words take endings that nothing divides.
fn is_without_spaces(c: char) -> bool {
    matches!(c,
        // Thai, Lao; Myanmar; Khmer.
        '\u{E00}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}'
        // Chinese, Japanese.
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30FF}'
        | '\u{3100}'..='\u{312F}' | '\u{31A0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}'
        // Korean.
        | '\u{1100}'..='\u{11FF}' | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7FF}')
}

/// What a character is without case, diacritics and compatibility forms, to be composed again.
fn fold(cluster: &str, folded: &mut String) {
    folded.clear();
    for c in cluster.nfkd().flat_map(char::to_lowercase) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            _ if is_diacritic(c) => {}
            _ => folded.push(c),
        }
    }
}

/// Marks that one may leave out: of Latin, Greek and Cyrillic; of Hebrew and Arabic. Those of other
/// scripts are part of what is said.
fn is_diacritic(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}' | '\u{591}'..='\u{5BD}' | '\u{5BF}' | '\u{5C1}' | '\u{5C2}'
        | '\u{5C4}' | '\u{5C5}' | '\u{5C7}' | '\u{610}'..='\u{61A}' | '\u{640}'
        | '\u{64B}'..='\u{65F}' | '\u{670}' | '\u{6D6}'..='\u{6DC}' | '\u{6DF}'..='\u{6E4}'
        | '\u{6E7}' | '\u{6E8}' | '\u{6EA}'..='\u{6ED}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_compared_without_case_and_diacritics() {
        for same in ["José", "JOSE\u{301}", "jose", "ＪＯＳＥ"] {
            assert_eq!(texts(same), ["jose"], "{same}");
        }
        assert_eq!(texts("Straße STRASSE"), ["strasse", "strasse"]);
        assert_eq!(texts("İstanbul ΣΟΦΟΣ σοφός ёлка"), ["istanbul", "σοφοσ", "σοφοσ", "елка"]);
        assert_eq!(texts("أَحْمَد احمد"), ["احمد", "احمد"]);
    }

    #[test]
    fn what_is_no_letter_divides_words() {
        assert_eq!(
            texts("www.example.com/a_b?c=3.14, can't"),
            ["www", "example", "com", "a", "b", "c", "3", "14", "can", "t"]
        );
        assert_eq!(texts(" \n\t*** -- ' \" \\ % \0"), [""; 0]);
    }

    #[test]
    fn scripts_without_spaces_and_emoji_count_a_character_a_word() {
        assert_eq!(texts("日本語x"), ["日", "本", "語", "x"]);
        assert_eq!(texts("がカﾞ"), ["が", "ガ"]);
        assert_eq!(texts("한국어"), ["한", "국", "어"]);
        assert_eq!(texts("hi🎉👍🏽❤️"), ["hi", "🎉", "👍", "❤"]);
        assert_eq!(texts("👩‍👩‍👧"), ["👩", "👩", "👧"]);
        assert_eq!(texts("हिन्दी"), ["हिन्दी"]);
    }

    #[test]
    fn a_word_knows_where_it_stands() {
        let found = words("é, Jose\u{301}!日");
        let spans: Vec<_> = found.iter().map(|word| (word.span.start, word.span.end)).collect();
        assert_eq!(spans, [(0, 1), (3, 8), (9, 10)]);
    }

    proptest! {
        #[test]
        fn words_lie_within_the_text_in_order_and_fold_to_themselves(text in any::<String>()) {
            let found = words(&text);
            let mut at = 0;
            for word in &found {
                prop_assert!(!word.text.is_empty());
                prop_assert!(word.span.start < word.span.end && word.span.start >= at);
                prop_assert!(word.span.end <= text.chars().count());
                prop_assert!(!word.text.chars().any(|c| c.is_ascii() && !c.is_ascii_alphanumeric()));
                at = word.span.start;
                let again: String = texts(&word.text).concat();
                prop_assert_eq!(&again, &word.text);
            }
        }
    }
}
