//! Parts of the stream that are masked.

/// A part of the stream from `start` up to `end`, and the value that is named in its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    pub start: u64,
    pub end: u64,
    pub value: u32,
}

/// Parts that do not overlap, in their order. Parts that do are one, named after the value that begins first, the
/// longest of several.
#[derive(Default)]
pub struct Regions(Vec<Region>);

impl Regions {
    pub fn add(&mut self, mut new: Region) {
        self.0.retain(|old| {
            let apart = old.end <= new.start || new.end <= old.start;
            if !apart {
                let first = (old.start, u64::MAX - old.end) <= (new.start, u64::MAX - new.end);
                new = Region {
                    start: old.start.min(new.start),
                    end: old.end.max(new.end),
                    value: if first { old.value } else { new.value },
                };
            }
            apart
        });
        let at = self.0.partition_point(|old| old.start < new.start);
        self.0.insert(at, new);
    }

    pub fn first(&self) -> Option<Region> {
        self.0.first().copied()
    }

    pub fn drop_first(&mut self) {
        if !self.0.is_empty() {
            self.0.remove(0);
        }
    }
}
