//! Whether a text is what was asked for.

use super::query::{SearchQuery, SearchTerm};
use super::words::{Word, words};
use super::{SearchHit, Span, has_link};

impl SearchQuery {
    /// Where a text says what is asked for; `None` if it does not, or says what is excluded.
    pub fn matches(&self, content: &str) -> Option<Vec<Span>> {
        if self.has_link && !has_link(content) {
            return None;
        }
        if self.terms.is_empty() {
            return Some(Vec::new());
        }
        let words = words(content);
        let mut spans = Vec::new();
        for term in &self.terms {
            let mut places = term.places(&words).take(SearchHit::MAX_MATCHES).peekable();
            if places.peek().is_some() == term.excluded {
                return None;
            }
            spans.extend(places);
        }
        spans.sort_unstable();
        spans.dedup();
        spans.truncate(SearchHit::MAX_MATCHES);
        Some(spans)
    }
}

impl SearchTerm {
    fn places<'a>(&'a self, words: &'a [Word]) -> impl Iterator<Item = Span> + 'a {
        words.windows(self.words.len()).filter(|some| self.fits(some)).filter_map(|some| {
            let (first, last) = (some.first()?, some.last()?);
            Some(Span { start: first.span.start, end: last.span.end })
        })
    }

    /// Whether as many words are those of this term.
    fn fits(&self, some: &[Word]) -> bool {
        let last = self.words.len() - 1;
        let fits = |(at, (word, wanted)): (usize, (&Word, &String))| {
            if self.prefix && at == last {
                word.text.starts_with(wanted.as_str())
            } else {
                word.text == *wanted
            }
        };
        some.iter().zip(&self.words).enumerate().all(fits)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(query: &str, content: &str) -> Option<Vec<(usize, usize)>> {
        let spans = SearchQuery::parse(query).unwrap().matches(content)?;
        Some(spans.into_iter().map(|span| (span.start, span.end)).collect())
    }

    #[test]
    fn a_text_is_found_by_all_that_was_asked_for() {
        let text = "Green tea, José, and a 日本語 text";
        assert_eq!(found("tea jose", text), Some(vec![(6, 9), (11, 15)]));
        assert_eq!(found("\"green tea\"", text), Some(vec![(0, 9)]));
        assert_eq!(found("本語", text), Some(vec![(24, 26)]));
        assert_eq!(found("te* gre*", text), Some(vec![(0, 5), (6, 9), (27, 31)]));
        assert_eq!(found("tea -milk", text), Some(vec![(6, 9)]));
        for not in ["tea milk", "\"tea green\"", "te", "tea -jose", "日語", "has:link tea"] {
            assert_eq!(found(not, text), None, "{not}");
        }
    }

    proptest! {
        #[test]
        fn every_word_and_every_beginning_of_a_text_is_found(text in "\\PC{1,80}", at in 0usize..40) {
            let all = words(&text);
            let Some(word) = all.get(at.min(all.len().saturating_sub(1))) else { return Ok(()) };
            prop_assert!(found(&word.text, &text).is_some());
            let beginning: String = word.text.chars().take(1).collect();
            if !words(&beginning).is_empty() {
                let prefix = format!("{beginning}*");
                prop_assert!(found(&prefix, &text).is_some());
            }
        }
    }
}
