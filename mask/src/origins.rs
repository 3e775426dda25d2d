//! Where each byte of a form that was read began in the stream.

/// Places in the stream. Most follow one another, and take no memory of their own.
#[derive(Clone, Default, Debug)]
pub struct Origins {
    /// The first place, if there is one.
    first: u64,
    /// How many places follow one another from there on.
    run: usize,
    /// The others.
    rest: Vec<u64>,
}

impl Origins {
    pub fn len(&self) -> usize {
        self.run + self.rest.len()
    }

    pub fn first(&self) -> Option<u64> {
        (self.run > 0).then_some(self.first)
    }

    pub fn get(&self, index: usize) -> Option<u64> {
        match index.checked_sub(self.run) {
            Some(index) => self.rest.get(index).copied(),
            None => Some(self.first + index as u64),
        }
    }

    pub fn push(&mut self, origin: u64) {
        if self.run == 0 {
            (self.first, self.run) = (origin, 1);
        } else if self.rest.is_empty() && origin == self.first + self.run as u64 {
            self.run += 1;
        } else {
            self.rest.push(origin);
        }
    }

    /// Drops all but the last ones.
    pub fn keep_last(&mut self, count: usize) {
        let gone = self.len().saturating_sub(count);
        if gone < self.run {
            self.first += gone as u64;
            self.run -= gone;
            return;
        }
        let rest = std::mem::take(&mut self.rest);
        let kept = rest.get(gone - self.run..).unwrap_or_default();
        self.run = 0;
        for origin in kept {
            self.push(*origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_that_were_pushed() {
        let places = [3, 4, 5, 9, 10, 20, 21];
        for kept in 0..=places.len() {
            let mut origins = Origins::default();
            for place in places {
                origins.push(place);
            }
            origins.keep_last(kept);
            let last = &places[places.len() - kept..];
            assert_eq!((0..origins.len()).filter_map(|at| origins.get(at)).collect::<Vec<_>>(), last);
            assert_eq!((origins.len(), origins.first()), (kept, last.first().copied()));
            origins.push(22);
            assert_eq!(origins.get(kept), Some(22));
        }
    }
}
