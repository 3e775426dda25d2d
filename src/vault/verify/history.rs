//! Verifies the earlier versions of profiles.

use super::Verified;
use crate::error::Result;
use crate::messages::vault as messages;
use crate::vault::history::{dir_if_any, dir_names, file_name_of, generation_of};
use crate::vault::id::quoted;
use crate::vault::ledger::Book;
use crate::vault::reader::Reader;

/// Reports versions that cannot be decrypted, and versions of profiles that never existed.
pub(super) fn verify(reader: &Reader<'_>, book: &Book, verified: &mut Verified) -> Result<()> {
    let agent = reader.agent();
    for name in dir_names(agent.dir())? {
        let profile = book.id_of_file(&file_name_of(&name))?;
        let entry = match &profile {
            Some(profile) => book.entry(profile)?,
            None => None,
        };
        let (Some(profile), Some(entry)) = (profile, entry) else {
            verified.note("strange", agent, None, messages::findings::no_history(&quoted(&name)));
            continue;
        };
        let Some(dir) = dir_if_any(agent.dir(), &name)? else { continue };
        for name in dir.names()?.iter().filter(|name| generation_of(name).is_none()) {
            verified.note(
                "strange",
                agent,
                Some(profile.as_str()),
                messages::strays::foreign_file("history", &quoted(name), None),
            );
        }
        for (generation, opened) in reader.all_versions(&profile)? {
            let what = match opened {
                Err(error) => messages::findings::damaged_version(&profile, generation, error.what()),
                Ok(_) if generation < entry.history_from && !reader.may_be_behind() => {
                    messages::findings::forgotten_and_back(&profile, generation)
                }
                Ok(_) => continue,
            };
            verified.add("history", agent, Some(profile.as_str()), what);
            let option = agent.name().option();
            verified.remedy(messages::findings::forget_version(&option, &profile.word(), generation));
        }
    }
    Ok(())
}
