//! The rule of links: a page names only files that are there, and headings that they have.

use super::{Complaint, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.with_extension("md") {
        for link in links(text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let Some(target) = resolve(path, file) else {
                complaints.push(format!("{path}: the link `{link}` leaves the repository"));
                continue;
            };
            if !tree.has(&target) {
                complaints.push(format!("{path}: the link `{link}` leads to nothing"));
            } else if !heading.is_empty()
                && target.ends_with(".md")
                && tree
                    .text(&target)
                    .is_some_and(|text| !headings(text).any(|slug| slug == heading))
            {
                complaints.push(format!("{path}: no heading answers the link `{link}`"));
            }
        }
    }
    complaints
}

/// The targets of `[text](target)` outside code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|line| {
        line.match_indices("](").filter_map(|(at, _)| {
            // Within a span of code the brackets are no link.
            let is_code =
                line[..at].matches('`').count() % 2 == 1 && !line[at..].starts_with("`](");
            let rest = &line[at + 2..];
            let end = rest.find([')', ' '])?;
            (!is_code).then_some(&rest[..end])
        })
    })
}

/// The lines that are not in a fenced block.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The anchors of a page: its headings in lower case, words joined by hyphens.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text)
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
}

/// `link` as seen from `page`, from the root; `None` where it climbs out of it.
fn resolve(page: &str, link: &str) -> Option<String> {
    if link.is_empty() {
        return Some(page.to_owned());
    }
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};

    fn complaints(text: &str) -> usize {
        check(&Tree::of(&[
            ("docs/loops.md", text),
            ("docs/spawning.md", "# Which spawn, when\n"),
            ("crates/bywash/src/lib.rs", ""),
        ]))
        .len()
    }

    #[test]
    fn links_to_files_folders_headings_and_pages_elsewhere_are_fine() {
        let text = "# Here\n[a](spawning.md) [b](../crates/bywash) [c](#here)\n\
            [d](spawning.md#which-spawn-when) [e](https://example.org/x)\n`a[i](j)`\n```\n[f](nowhere)\n```\n";
        assert_eq!(complaints(text), 0);
    }

    #[test]
    fn links_to_nothing_are_complaints() {
        for wrong in [
            "[a](gone.md)",
            "[a](#gone)",
            "[a](spawning.md#gone)",
            "[a](../../x)",
        ] {
            assert_eq!(complaints(wrong), 1, "{wrong}");
        }
    }
}
