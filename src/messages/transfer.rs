//! Messages about imports and exports.
