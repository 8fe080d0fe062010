//! An SSH session: trust, run, stream in, stream out.
