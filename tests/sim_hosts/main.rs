//! Namespace droplets as their users see them: boot, SSH, traffic, power, and no harm done.

mod boot;
mod death;
mod dns;
mod harm;
mod network;
mod power;
mod ssh;
mod unprivileged;
mod yard;
