//! Rust text without what only looks like code: comments, strings and characters.

/// `text` with comments and the insides of literals blanked out; lines stay where they are.
pub(crate) fn only(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = literal_end(&bytes, at);
        if end > at {
            out.extend(
                bytes[at..end]
                    .iter()
                    .map(|&c| if c == '\n' { c } else { ' ' }),
            );
            at = end;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

/// Whether `word` stands in `line` as a word of its own.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(of_word) && !line[at + word.len()..].starts_with(of_word)
    })
}

/// Where the comment or literal that begins at `at` ends; `at` itself if none begins there.
fn literal_end(text: &[char], at: usize) -> usize {
    let next = |offset: usize| text.get(at + offset).copied();
    let after_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    match text[at] {
        '/' if next(1) == Some('/') => line_end(text, at),
        '/' if next(1) == Some('*') => block_end(text, at),
        '"' => quoted_end(text, at, '"'),
        'r' if !after_word && matches!(next(1), Some('"' | '#')) => raw_end(text, at),
        'b' if !after_word && next(1) == Some('r') => match raw_end(text, at + 1) {
            end if end > at + 1 => end,
            _ => at,
        },
        // A lifetime has no closing quote two places on.
        '\'' if next(1) == Some('\\') || next(2) == Some('\'') => quoted_end(text, at, '\''),
        _ => at,
    }
}

fn line_end(text: &[char], at: usize) -> usize {
    let rest = text[at..].iter().position(|&c| c == '\n');
    rest.map_or(text.len(), |length| at + length)
}

fn block_end(text: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn quoted_end(text: &[char], mut at: usize, quote: char) -> usize {
    at += 1;
    while at < text.len() {
        match text[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The end of `r#"…"#`; `at` itself where it is a raw identifier.
fn raw_end(text: &[char], at: usize) -> usize {
    let hashes = text[at + 1..].iter().take_while(|&&c| c == '#').count();
    let begin = at + 1 + hashes;
    if text.get(begin) != Some(&'"') {
        return at;
    }
    let closing: Vec<char> = std::iter::once('"')
        .chain(std::iter::repeat_n('#', hashes))
        .collect();
    text[begin + 1..]
        .windows(closing.len())
        .position(|window| window == closing)
        .map_or(text.len(), |offset| begin + 1 + offset + closing.len())
}

#[cfg(test)]
mod tests {
    use super::{has_word, only};

    #[test]
    fn comments_strings_and_characters_are_blanked_and_code_stays() {
        let text = r##"
let a = "unsafe \" unsafe"; // unsafe
/* unsafe /* unsafe */ unsafe */ let b = 'u';
let c = r#"unsafe " unsafe"#; let d = br"unsafe";
unsafe { e::<'static>('\'', b'"') }
"##;
        let code = only(text);
        let lines: Vec<_> = code
            .lines()
            .filter(|line| has_word(line, "unsafe"))
            .collect();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("unsafe { e::<'static>("));
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn a_word_within_a_word_is_not_met() {
        assert!(has_word("unsafe fn", "unsafe"));
        assert!(!has_word("deny(unsafe_code)", "unsafe"));
        assert!(!has_word("UnsafeCell", "unsafe"));
    }
}
