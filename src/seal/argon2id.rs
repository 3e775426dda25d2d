//! Deriving a key from a passphrase: Argon2id (RFC 9106), version 0x13.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::{Zeroize, Zeroizing};

use super::random;
use crate::error::Result;
use crate::harden::may_fail;
use crate::messages;

/// The length of a salt, in bytes (RFC 9106, section 3.1, recommends 16).
pub const SALT: usize = 16;

/// The salt and the cost, as an unlock file states them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cost {
    /// The salt.
    pub salt: [u8; SALT],
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// How many passes over the memory.
    pub passes: u32,
    /// How many lanes.
    pub lanes: u32,
}

const MIB: u32 = 1024;
const GIB: u32 = 1024 * MIB;

impl Cost {
    /// Returns RFC 9106's second recommended choice (section 4: 64 MiB, t = 3, p = 4) with a fresh salt.
    ///
    /// # Errors
    /// `INTERNAL` if the system has no random bytes.
    pub fn recommended() -> Result<Self> {
        Ok(Self { salt: random()?, memory_kib: 64 * MIB, passes: 3, lanes: 4 })
    }

    /// Refuses a cost outside the accepted bounds: 19 MiB ≤ m ≤ 1 GiB, 2 ≤ t ≤ 16, 1 ≤ p ≤ 16,
    /// m·t ≤ 4 GiB. Allocates nothing.
    ///
    /// # Errors
    /// `KDF_BOUNDS`.
    pub fn check(&self) -> Result<()> {
        let within = (19 * MIB..=GIB).contains(&self.memory_kib)
            && (2..=16).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
            && u64::from(self.memory_kib) * u64::from(self.passes) <= 4 * u64::from(GIB);
        if within {
            return Ok(());
        }
        Err(messages::seal::kdf_out_of_bounds(self.memory_kib, self.passes, self.lanes))
    }

    /// Derives the key from a passphrase at this cost.
    ///
    /// # Errors
    /// `KDF_BOUNDS`; `NO_MEMORY`; `INTERNAL`.
    pub fn derive(&self, passphrase: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
        self.check()?;
        let internal = |_| messages::seal::argon2_refused();
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(internal)?;
        let mut memory: Vec<Block> = Vec::new();
        may_fail(|| memory.try_reserve_exact(params.block_count()))
            .map_err(|_| messages::seal::no_memory_for_passphrase(self.memory_kib / MIB))?;
        memory.resize(params.block_count(), Block::new());
        let mut key = Zeroizing::new([0; 32]);
        let derived = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase, &self.salt, key.as_mut_slice(), &mut memory);
        memory.zeroize();
        derived.map_err(internal)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn cost(memory_kib: u32, passes: u32, lanes: u32) -> Cost {
        Cost { salt: *b"0123456789abcdef", memory_kib, passes, lanes }
    }

    #[test]
    fn costs_outside_the_bounds_are_refused_at_once() {
        for (m, t, p) in [
            (8, 2, 1),
            (64 * GIB / 64 * 63, 2, 1),
            (u32::MAX, 3, 4),
            (19 * MIB - 1, 2, 1),
            (GIB + 1, 2, 1),
            (64 * MIB, 1, 1),
            (64 * MIB, 17, 1),
            (64 * MIB, 3, 0),
            (64 * MIB, 3, 17),
            (GIB, 5, 1),
        ] {
            assert_eq!(cost(m, t, p).derive(b"x").unwrap_err().code(), Code::KdfBounds, "{m} {t} {p}");
        }
        for (m, t, p) in [(19 * MIB, 2, 1), (GIB, 4, 16), (64 * MIB, 3, 4), (256 * MIB, 16, 1)] {
            assert!(cost(m, t, p).check().is_ok(), "{m} {t} {p}");
        }
    }

    #[test]
    fn the_vector_of_the_format_page_stays() {
        let key = cost(19 * MIB, 2, 1).derive(b"correct horse").unwrap();
        assert_eq!(crate::hex::hex(&*key), VECTOR);
    }

    const VECTOR: &str = "ae4d8c8b713876044c8347c76986a9b5655944aaacfffe9bea4dff9e7b6a1899";
}
