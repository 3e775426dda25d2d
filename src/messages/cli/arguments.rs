//! Messages about arguments and answers.
