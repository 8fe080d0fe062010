//! remuda releases an app onto a fresh DigitalOcean droplet every time.
//!
//! **Look** (read the account), **plan** (pure), **do** (journaled steps that can be undone),
//! **tell** (events). The account is the state; the journal is only memory of intentions.
//!
//! # The rooms, in floors
//! A room may use only rooms on lower floors; `tests/architecture.rs` reads this very table and
//! enforces it.
//!
//! ```text
//! floor 5  cli
//! floor 4  plan ui
//! floor 3  steps
//! floor 2  run herd stack boot
//! floor 1  spec cloud host probe
//! floor 0  retry clock secret size interrupt error
//! beside   sim
//! ```
//!
//! | room | what lives there |
//! |---|---|
//! | [`cli`] | what can be typed: one file per command, its arguments and the few calls a reader would expect |
//! | [`plan`] | spec + herd → a plan, a value that can be printed, priced and compared; pure, no async |
//! | [`ui`] | events → terminal, plain lines, JSON; errors with hints; tables: the only code that writes to the terminal |
//! | [`steps`] | everything remuda can do to the world, and undo: one file per step |
//! | [`run`] | carries a plan through: journal, engine, lock, interrupt, events; knows no step |
//! | [`herd`] | an environment as the account shows it: members, roles, generations; the only room that spells names and tags |
//! | [`stack`] | what runs on a droplet: start, stop, state |
//! | [`boot`] | cloud-init: templates → user-data, host keys known before first contact |
//! | [`spec`] | `droplets.yaml`: types, reading, findings with their place in the file, schema |
//! | [`cloud`] | the DigitalOcean API, as much of it as remuda uses |
//! | [`host`] | an SSH session: trust, run, stream in, stream out |
//! | [`probe`] | is it well? http, tls, tcp |
//! | [`sim`] | the simulator; shares no code and no types with [`cloud`], so that the two cannot agree on a mistake; only `cli` opens its door |
//!
//! # One release, traced through
//! [`cli`]'s `release` reads the spec ([`spec::load`]) and the herd ([`herd::Herd::read`]), and asks
//! [`steps::preflight`] for everything that is wrong before anything is made. It takes the
//! environment's lock ([`herd::Lock`], a cloud firewall's unique name), reads the herd once more and
//! has [`plan::release`] decide: a fresh droplet, going on with one that a dead run left, or
//! nothing. The plan is a list of [`steps::Step`]s, each with the steps that it stands on;
//! [`run::engine`] carries it through, journals before and after every deed, tells [`ui`] what
//! happens, and undoes what began when one fails: first the traffic, last the droplet.
//!
//! Nothing is ever resumed from the journal. What a dead run leaves in the account is what the next
//! one plans from (`docs/decisions/0006`).

pub mod boot;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod error;
pub mod herd;
pub mod host;
pub mod interrupt;
pub mod plan;
pub mod probe;
pub mod retry;
pub mod run;
pub mod secret;
pub mod sim;
pub mod size;
pub mod spec;
pub mod stack;
pub mod steps;
pub mod ui;
