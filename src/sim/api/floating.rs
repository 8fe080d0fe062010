//! `/v2/floating_ips`: the old name of reserved addresses, which clients still use.

use super::reserved;
use crate::sim::http::{Answer, Call};

pub(crate) async fn list(call: Call) -> Answer {
    reserved::list_as(&call, "floating_ips")
}

pub(crate) async fn create(call: Call) -> Answer {
    reserved::create_as(call, "floating_ip").await
}

pub(crate) async fn show(call: Call) -> Answer {
    reserved::show_as(&call, "floating_ip")
}

pub(crate) async fn act(call: Call) -> Answer {
    reserved::act_as(call, "floating_ip").await
}
