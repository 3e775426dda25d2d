//! Searches files for secrets, byte by byte, in each form in which the client stores them.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::holdings::Secret;
use crate::error::{Error, Result};
use crate::messages::migrate as messages;
use crate::secret::ExposeSecret;

/// The shortest secret that is searched for, in bytes. A shorter one could be part of any text.
const SHORTEST: usize = 8;
/// How much of a file is read at once, in bytes.
const CHUNK: usize = 1024 * 1024;
/// How deep directories are searched.
const DEPTH: usize = 24;

/// The forms of the secrets that are searched for.
pub struct Needles<'s> {
    secrets: Vec<&'s Secret>,
    forms: Vec<(Zeroizing<Vec<u8>>, usize)>,
    /// The forms by their last eight bytes: secrets of a provider begin alike.
    by_end: HashMap<[u8; SHORTEST], Vec<usize>>,
    /// The last bytes of all forms.
    ends: [bool; 256],
    longest: usize,
}

/// A file in which a secret was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// The file.
    pub path: PathBuf,
    /// The profiles whose secrets are in it, as `agent/profile`.
    pub profiles: BTreeSet<String>,
}

/// What a search came to.
#[derive(Debug, Default)]
pub struct Searched {
    /// The files in which a secret was found.
    pub hits: Vec<Hit>,
    /// How many files were read.
    pub files: usize,
    /// What could not be read.
    pub unread: Vec<Error>,
}

impl<'s> Needles<'s> {
    /// Returns the forms of secrets: as they are, as in JSON, and in UTF-16, in which SQLite can store text.
    pub fn of(secrets: impl Iterator<Item = &'s Secret>) -> Self {
        let mut needles = Self {
            secrets: secrets.filter(|one| one.secret.expose_secret().len() >= SHORTEST).collect(),
            forms: Vec::new(),
            by_end: HashMap::new(),
            ends: [false; 256],
            longest: 0,
        };
        for at in 0..needles.secrets.len() {
            let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
            if let Some(one) = needles.secrets.get(at) {
                let text = one.secret.expose_secret();
                forms.push(Zeroizing::new(text.as_bytes().to_vec()));
                if let Ok(json) = serde_json::to_string(text).map(Zeroizing::new) {
                    let inside = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
                    if inside != text {
                        forms.push(Zeroizing::new(inside.as_bytes().to_vec()));
                    }
                }
                let wide = |bytes: fn(u16) -> [u8; 2]| {
                    Zeroizing::new(text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>())
                };
                forms.push(wide(u16::to_le_bytes));
                forms.push(wide(u16::to_be_bytes));
            }
            for form in forms {
                needles.add(form, at);
            }
        }
        needles
    }

    fn add(&mut self, form: Zeroizing<Vec<u8>>, secret: usize) {
        let (Some(end), Some(last)) = (form.last_chunk::<SHORTEST>().copied(), form.last()) else { return };
        if let Some(marked) = self.ends.get_mut(usize::from(*last)) {
            *marked = true;
        }
        self.longest = self.longest.max(form.len());
        self.by_end.entry(end).or_default().push(self.forms.len());
        self.forms.push((form, secret));
    }

    /// Returns the secrets that end in `bytes` after its first `from` bytes.
    fn find(&self, bytes: &[u8], from: usize, found: &mut BTreeSet<usize>) {
        for (at, window) in bytes.windows(SHORTEST).enumerate().skip(from.saturating_sub(SHORTEST)) {
            let Some(last) = window.last() else { continue };
            if !self.ends.get(usize::from(*last)).is_some_and(|marked| *marked) {
                continue;
            }
            for form in self.by_end.get(window).into_iter().flatten() {
                if let Some((form, secret)) = self.forms.get(*form)
                    && bytes.get(..at + SHORTEST).is_some_and(|until| until.ends_with(form))
                {
                    found.insert(*secret);
                }
            }
        }
    }

    /// Searches one file.
    ///
    /// # Errors
    /// `IO`.
    pub fn search_file(&self, path: &Path) -> Result<Option<Hit>> {
        let failed = |error: std::io::Error| messages::not_searched(path, error.kind());
        let mut file = File::open(path).map_err(failed)?;
        let overlap = self.longest.saturating_sub(1);
        let mut bytes = Zeroizing::new(vec![0_u8; overlap + CHUNK]);
        let (mut kept, mut found) = (0, BTreeSet::new());
        loop {
            let free = bytes.get_mut(kept..kept + CHUNK).unwrap_or_default();
            let count = match file.read(free) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            let end = kept + count;
            self.find(bytes.get(..end).unwrap_or_default(), kept, &mut found);
            let keep = overlap.min(end);
            bytes.copy_within(end - keep..end, 0);
            kept = keep;
        }
        let profiles: BTreeSet<String> = found
            .into_iter()
            .filter_map(|at| self.secrets.get(at))
            .map(|one| format!("{}/{}", one.agent, one.id))
            .collect();
        Ok((!profiles.is_empty()).then(|| Hit { path: path.to_owned(), profiles }))
    }

    /// Searches directories, and single files. Links in the directories are not followed.
    #[must_use]
    pub fn search(&self, places: &[PathBuf]) -> Searched {
        let mut searched = Searched::default();
        let mut seen = BTreeSet::new();
        for place in places {
            if let Ok(metadata) = place.metadata() {
                self.search_in(place, &metadata, DEPTH, &mut seen, &mut searched);
            }
        }
        searched.hits.sort_by(|one, other| one.path.cmp(&other.path));
        searched
    }

    fn search_in(
        &self,
        path: &Path,
        metadata: &Metadata,
        depth: usize,
        seen: &mut BTreeSet<PathBuf>,
        searched: &mut Searched,
    ) {
        if metadata.is_dir() {
            if depth == 0 {
                searched.unread.push(messages::too_deep(path));
                return;
            }
            match std::fs::read_dir(path) {
                Ok(entries) => {
                    for entry in entries.flatten() {
                        if let Ok(metadata) = entry.metadata() {
                            self.search_in(&entry.path(), &metadata, depth - 1, seen, searched);
                        }
                    }
                }
                Err(error) => searched.unread.push(messages::not_searched(path, error.kind())),
            }
        } else if metadata.is_file() && seen.insert(path.to_owned()) {
            searched.files += 1;
            match self.search_file(path) {
                Ok(hit) => searched.hits.extend(hit),
                Err(error) => searched.unread.push(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SecretString;

    fn secret(id: &str, text: &str) -> Secret {
        Secret { agent: "main".parse().unwrap(), id: id.parse().unwrap(), secret: SecretString::from(text) }
    }

    #[test]
    fn every_form_is_found_wherever_a_piece_of_the_file_ends() {
        let secrets = [secret("groq:one", "made-up-\"quoted\"-1"), secret("groq:two", "made-up-plain-2")];
        let needles = Needles::of(secrets.iter());
        let dir = tempfile::tempdir().unwrap();
        let wide: Vec<u8> = "made-up-plain-2".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let forms: [(&[u8], &str); 4] = [
            (b"made-up-\"quoted\"-1", "main/groq:one"),
            (b"made-up-\\\"quoted\\\"-1", "main/groq:one"),
            (b"made-up-plain-2", "main/groq:two"),
            (&wide, "main/groq:two"),
        ];
        for (form, profile) in forms {
            for before in [0, 1, 7, CHUNK - form.len(), CHUNK - 3, CHUNK - 1, CHUNK, CHUNK + 5] {
                let path = dir.path().join("file");
                std::fs::write(&path, [&vec![b'x'; before], form, b"rest"].concat()).unwrap();
                let hit = needles.search_file(&path).unwrap().unwrap_or_else(|| panic!("{profile} {before}"));
                assert_eq!(hit.profiles, [profile.to_owned()].into(), "{before}");
            }
        }
        std::fs::write(dir.path().join("file"), "made-up-plain-1 made-up-plai").unwrap();
        let searched = needles.search(&[dir.path().to_owned(), dir.path().join("file")]);
        assert_eq!((searched.hits.len(), searched.files), (0, 1));
    }

    #[test]
    fn a_link_is_followed_only_if_it_is_named() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(elsewhere.path().join("file"), "made-up-plain-2").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), dir.path().join("link")).unwrap();
        let secrets = [secret("groq:two", "made-up-plain-2")];
        let needles = Needles::of(secrets.iter());
        assert!(needles.search(&[dir.path().to_owned()]).hits.is_empty());
        for named in ["link", "link/file"] {
            assert_eq!(needles.search(&[dir.path().join(named)]).hits.len(), 1, "{named}");
        }
    }
}
