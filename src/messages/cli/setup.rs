//! Messages about `onboard` and the client's setup.
