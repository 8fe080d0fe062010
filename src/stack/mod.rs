//! What runs on a droplet: start, stop, state.
