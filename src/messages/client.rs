//! Messages about OpenClaw's files.
