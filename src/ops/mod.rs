//! What is done with an open vault: values and notices, no prompts and no output.

pub mod resolve;
