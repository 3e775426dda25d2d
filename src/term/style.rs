//! Colour, if the output is a terminal that wants it.

use std::fmt;

use crate::env::Env;

/// When colour is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always, into a pipe too.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Returns its name on the command line and in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }

    /// Returns the one with a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Auto, Self::Always, Self::Never].into_iter().find(|color| color.as_str() == name)
    }

    /// Returns whether colour is used; `None` leaves it to each stream.
    #[must_use]
    pub const fn wanted(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Always => Some(true),
            Self::Never => Some(false),
        }
    }
}

/// The code of what deserves attention: yellow.
const WARN: &str = "33";
/// The code of what is wrong: red.
const BAD: &str = "31";

/// How much attention something deserves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// It deserves attention.
    Warn,
    /// It is wrong.
    Bad,
}

/// The styles of one output stream. They have no effect unless it is a terminal that wants colour.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    enabled: bool,
}

impl Style {
    /// Without effect.
    pub const PLAIN: Self = Self { enabled: false };
    /// With effect, whatever the output is.
    #[cfg(test)]
    pub const ALWAYS: Self = Self { enabled: true };

    /// Returns the styles of standard output.
    #[must_use]
    pub fn stdout(env: &Env) -> Self {
        Self { enabled: env.color.unwrap_or(env.stdout_tty && wanted(env)) }
    }

    /// Returns the styles of standard error.
    #[must_use]
    pub fn stderr(env: &Env) -> Self {
        Self { enabled: env.color.unwrap_or(env.stderr_tty && wanted(env)) }
    }

    /// Returns the code of a tone, if text is styled.
    pub(super) fn code(self, tone: Tone) -> Option<&'static str> {
        let code = match tone {
            Tone::Warn => WARN,
            Tone::Bad => BAD,
        };
        self.enabled.then_some(code)
    }

    /// Paints something that is as it should be.
    #[must_use]
    pub fn good<T: fmt::Display>(self, text: T) -> Painted<T> {
        self.paint("32", text)
    }

    /// Paints something that deserves attention.
    #[must_use]
    pub fn warn<T: fmt::Display>(self, text: T) -> Painted<T> {
        self.paint(WARN, text)
    }

    /// Paints something that is wrong.
    #[must_use]
    pub fn bad<T: fmt::Display>(self, text: T) -> Painted<T> {
        self.paint(BAD, text)
    }

    /// Paints something less important.
    #[must_use]
    pub fn dim<T: fmt::Display>(self, text: T) -> Painted<T> {
        self.paint("2", text)
    }

    /// Paints something important.
    #[must_use]
    pub fn bold<T: fmt::Display>(self, text: T) -> Painted<T> {
        self.paint("1", text)
    }

    /// Whether text is styled.
    #[must_use]
    pub fn is_enabled(self) -> bool {
        self.enabled
    }

    fn paint<T>(self, code: &'static str, text: T) -> Painted<T> {
        Painted { code: self.enabled.then_some(code), text }
    }
}

fn wanted(env: &Env) -> bool {
    env.var("NO_COLOR").is_none() && env.var("TERM").is_none_or(|term| term != "dumb")
}

/// Text in a style. It does not escape: text from a user or a file must go through [`safe`](super::escape::safe) first.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => self.text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Env {
        let mut env = Env::default();
        env.stdout_tty = true;
        env
    }

    #[test]
    fn colour_only_if_it_is_wanted() {
        assert_eq!(Style::stdout(&terminal()).bad("x").to_string(), "\x1b[31mx\x1b[0m");
        assert_eq!(
            Style::stdout(&terminal().with_var("NO_COLOR", "")).bold(1).to_string(),
            "\x1b[1m1\x1b[0m"
        );
        assert_eq!(Style::stderr(&terminal()).bad("x").to_string(), "x");
        assert_eq!(Style::stdout(&Env::default()).good("x").to_string(), "x");
        assert_eq!(Style::stdout(&terminal().with_var("NO_COLOR", "1")).warn("x").to_string(), "x");
        assert_eq!(Style::stdout(&terminal().with_var("TERM", "dumb")).dim("x").to_string(), "x");
    }
}
