//! Messages about unlocking: methods, key files and passphrases.
