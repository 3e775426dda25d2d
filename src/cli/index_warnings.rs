//! Empty: its messages are in `messages::cli::reading`. Remove this file together with its line in `mod.rs`.
