//! A command's arguments: switches, options with a value, and at most one bare word.

use crate::failure::Failure;

/// What was given, checked against what the command knows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    switches: Vec<String>,
    options: Vec<(String, String)>,
    word: Option<String>,
}

/// What a command knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) switches: &'static [&'static str],
    pub(crate) options: &'static [&'static str],
    /// What the bare word stands for, if one is taken.
    pub(crate) word: Option<&'static str>,
}

impl Arguments {
    pub(crate) fn parse(
        command: &str,
        given: &[String],
        accepted: Accepted,
    ) -> Result<Self, Failure> {
        let mut parsed = Self::default();
        let mut given = given.iter();
        while let Some(argument) = given.next() {
            if accepted.switches.contains(&argument.as_str()) {
                parsed.switches.push(argument.clone());
            } else if accepted.options.contains(&argument.as_str()) {
                let value = given.next().ok_or_else(|| {
                    Failure::usage(format!("`{command} {argument}` wants a value after it"))
                })?;
                parsed.options.push((argument.clone(), value.clone()));
            } else if !argument.starts_with('-') && accepted.word.is_some() && parsed.word.is_none()
            {
                parsed.word = Some(argument.clone());
            } else {
                return Err(Failure::usage(format!(
                    "`{command}` does not take `{argument}`; it takes {}",
                    accepted.in_words()
                )));
            }
        }
        Ok(parsed)
    }

    pub(crate) fn has(&self, switch: &str) -> bool {
        self.switches.iter().any(|given| given == switch)
    }

    /// The value of `option`; the last one counts.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        let mut found = self.options.iter().rev();
        found
            .find(|(name, _)| name == option)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn word(&self) -> Option<&str> {
        self.word.as_deref()
    }
}

impl Accepted {
    fn in_words(self) -> String {
        let options = self.options.iter().map(|option| format!("{option} VALUE"));
        let switches = self.switches.iter().map(|&switch| switch.to_owned());
        let words: Vec<_> = switches
            .chain(options)
            .chain(self.word.map(str::to_owned))
            .collect();
        if words.is_empty() {
            "no argument".to_owned()
        } else {
            words.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Accepted, Arguments};
    use crate::failure::Failure;

    const ACCEPTED: Accepted = Accepted {
        switches: &["--all"],
        options: &["--shard"],
        word: Some("NAME"),
    };

    fn parse(given: &[&str]) -> Result<Arguments, Failure> {
        let given: Vec<_> = given.iter().map(|&text| text.to_owned()).collect();
        Arguments::parse("mutants", &given, ACCEPTED)
    }

    #[test]
    fn switches_options_and_the_word_are_told_apart() {
        let parsed = parse(&["--shard", "1/4", "pop", "--all"]).unwrap();
        assert_eq!(parsed.value("--shard"), Some("1/4"));
        assert_eq!(parsed.word(), Some("pop"));
        assert!(parsed.has("--all") && !parsed.has("--none"));
    }

    #[test]
    fn an_unknown_switch_a_second_word_and_a_missing_value_are_refused() {
        for wrong in [&["--al"][..], &["pop", "push"], &["--shard"]] {
            assert!(
                matches!(parse(wrong), Err(Failure::Usage(_))),
                "{wrong:?} was taken"
            );
        }
    }
}
