//! Messages about files, directories, permissions and limits.
