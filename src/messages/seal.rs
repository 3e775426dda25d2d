//! Messages about encryption: keys, recipients and identities.
