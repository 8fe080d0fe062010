//! How the API speaks: what a call carries, what is answered, and what stands before every answer.

mod body;
mod call;
mod connection;
mod front;
mod limiter;
mod reply;
mod spoil;

pub(crate) use body::Body;
pub(crate) use call::Call;
pub(crate) use connection::{Cut, Door};
pub(crate) use front::front;
pub(crate) use limiter::Limiter;
pub use limiter::Limits;
pub(crate) use reply::{Answer, Refusal, Reply, iso};
