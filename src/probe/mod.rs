//! Is it well? HTTP, TLS and TCP, once, until well, or watched over time.
