//! Messages about the terminal.
