//! What of a Markdown text is not code (`CommonMark` 0.31, sections 4.5 and 6.1): fences and spans.

/// The parts of a text that lie outside of its code, in order. None of them goes on where another
/// one ended: something of Markdown lies between them.
pub(super) fn outside_code(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut fence: Option<Fence> = None;
    let (mut begin, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        match (fence, Fence::of(line)) {
            (None, Some(opening)) => {
                without_spans(&text[begin..at], &mut parts);
                fence = Some(opening);
            }
            (Some(opening), Some(closing)) if closing.closes(opening, line) => {
                fence = None;
                begin = end;
            }
            _ => {}
        }
        at = end;
    }
    if fence.is_none() {
        without_spans(&text[begin..], &mut parts);
    }
    parts
}

/// A line that begins or ends a block of code: at least three of a character.
#[derive(Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn of(line: &str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        if line.len() - text.len() > 3 {
            return None;
        }
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let rest = text.trim_start_matches(mark);
        let length = text.len() - rest.len();
        // Three backticks and another one on the same line are a span.
        (length >= 3 && (mark == '~' || !rest.contains('`'))).then_some(Self { mark, length })
    }

    fn closes(self, opening: Self, line: &str) -> bool {
        let bare = line.trim().chars().all(|c| c == self.mark);
        bare && self.mark == opening.mark && self.length >= opening.length
    }
}

/// Leaves out spans of code: from some backticks to as many again.
fn without_spans<'a>(text: &'a str, parts: &mut Vec<&'a str>) {
    let runs = runs_of_backticks(text);
    // From the last one on: where the next run of each length is.
    let mut next_of = std::collections::HashMap::new();
    let mut closing = vec![None; runs.len()];
    for (index, (_, length)) in runs.iter().enumerate().rev() {
        closing[index] = next_of.insert(*length, index);
    }
    let (mut begin, mut index) = (0, 0);
    while let Some(close) = closing.get(index) {
        let (at, length) = runs[index];
        let escaped = text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        match close {
            Some(close) if !escaped => {
                parts.push(&text[begin..at]);
                begin = runs[*close].0 + length;
                index = close + 1;
            }
            _ => index += 1,
        }
    }
    parts.push(&text[begin..]);
}

/// Where each run of backticks begins, and how long it is.
fn runs_of_backticks(text: &str) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in text.match_indices('`') {
        match runs.last_mut() {
            Some((begin, length)) if *begin + *length == at => *length += 1,
            _ => runs.push((at, 1)),
        }
    }
    runs
}
