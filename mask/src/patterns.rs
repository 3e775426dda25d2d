//! The forms of all secrets, in an automaton (Aho and Corasick) that finds them in one pass.

use std::sync::Arc;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, MatchKind};
use zeroize::Zeroizing;

use crate::beginnings::Beginnings;
use crate::forms::{self, Form};

/// The length from which on a value is masked, in bytes. Shorter ones occur in ordinary text.
pub const MIN_BYTES: usize = 8;
/// The most values.
pub const VALUES_MAX: usize = 256;
/// The most bytes of all values together. The automaton takes up to 300 times as many.
pub const TOTAL_MAX: usize = 64 * 1024;

/// A value to mask.
pub struct Value {
    /// What is named in its place: printable text.
    pub name: String,
    /// The secret.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// There are too many values, or they are too long: see [`VALUES_MAX`] and [`TOTAL_MAX`].
#[derive(Debug, thiserror::Error)]
#[error("more than {VALUES_MAX} values, or more than {TOTAL_MAX} bytes")]
pub struct TooMuch;

/// The forms of all values. Clones share them.
#[derive(Clone)]
pub struct Patterns(Arc<Shared>);

struct Shared {
    automaton: NFA,
    start: StateID,
    names: Vec<String>,
    /// The value of each pattern.
    values: Vec<u32>,
    /// What is known of each state, by its number.
    states: Vec<State>,
    beginnings: Beginnings,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// How many bytes of a form were read.
    depth: u32,
    /// The length of the shortest form that it may become.
    shortest: u32,
}

impl std::fmt::Debug for Patterns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Patterns({} values)", self.0.names.len())
    }
}

impl Patterns {
    /// Returns the forms of values. Those shorter than [`MIN_BYTES`] are left out.
    ///
    /// # Errors
    /// If there are too many, or they are too long.
    pub fn new(values: impl IntoIterator<Item = Value>) -> Result<Self, TooMuch> {
        let mut names = Vec::new();
        let mut forms: Vec<Form> = Vec::new();
        let mut of = Vec::new();
        let mut total = 0usize;
        for value in values {
            total = total.saturating_add(value.bytes.len());
            if names.len() >= VALUES_MAX || total > TOTAL_MAX {
                return Err(TooMuch);
            }
            if value.bytes.len() < MIN_BYTES {
                continue;
            }
            let number = u32::try_from(names.len()).map_err(|_| TooMuch)?;
            names.push(value.name);
            forms.extend(forms::of(&value.bytes));
            of.resize(forms.len(), number);
        }
        let automaton = NFA::builder().match_kind(MatchKind::Standard).prefilter(false).build(&forms);
        let automaton = automaton.map_err(|_| TooMuch)?;
        let start = automaton.start_state(Anchored::No).map_err(|_| TooMuch)?;
        let mut shared = Shared {
            automaton,
            start,
            names,
            values: of,
            states: Vec::new(),
            beginnings: Beginnings::of(&forms),
        };
        for form in &forms {
            shared.learn(form);
        }
        Ok(Self(Arc::new(shared)))
    }

    /// Returns whether there is nothing to mask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.names.is_empty()
    }

    /// Returns the state in which nothing was read.
    pub(crate) fn start(&self) -> StateID {
        self.0.start
    }

    /// Returns the state after one more byte.
    pub(crate) fn next(&self, state: StateID, byte: u8) -> StateID {
        self.0.automaton.next_state(Anchored::No, state, byte)
    }

    /// Returns how many bytes of a form were read in a state.
    pub(crate) fn depth(&self, state: StateID) -> usize {
        self.0.states.get(state.as_usize()).map_or(0, |state| state.depth as usize)
    }

    /// Returns the length of the shortest form that may be completed from a state.
    pub(crate) fn shortest(&self, state: StateID) -> usize {
        self.0.states.get(state.as_usize()).map_or(0, |state| state.shortest as usize)
    }

    /// Returns the length and the value of each form that ends in a state.
    pub(crate) fn ending(&self, state: StateID) -> impl Iterator<Item = (usize, u32)> {
        let automaton = &self.0.automaton;
        let count = if automaton.is_match(state) { automaton.match_len(state) } else { 0 };
        (0..count).map(move |index| {
            let pattern = automaton.match_pattern(state, index);
            let value = self.0.values.get(pattern.as_usize()).copied().unwrap_or_default();
            (automaton.pattern_len(pattern), value)
        })
    }

    /// Returns the name of a value.
    pub(crate) fn name(&self, value: u32) -> &str {
        self.0.names.get(value as usize).map_or("", String::as_str)
    }

    /// Returns how many bytes at the beginning of a text are certainly not part of a secret.
    pub(crate) fn plain(&self, text: &[u8]) -> usize {
        self.0.beginnings.plain(text)
    }
}

impl Shared {
    /// Notes the states that a form goes through, and how it begins.
    fn learn(&mut self, form: &[u8]) {
        let mut state = self.start;
        let length = u32::try_from(form.len()).unwrap_or(u32::MAX);
        for (depth, byte) in (1..).zip(form) {
            state = self.automaton.next_state(Anchored::No, state, *byte);
            let index = state.as_usize();
            if self.states.len() <= index {
                self.states.resize(index + 1, State::default());
            }
            if let Some(known) = self.states.get_mut(index) {
                let shortest = if known.depth == 0 { length } else { known.shortest.min(length) };
                *known = State { depth, shortest };
            }
        }
    }
}
