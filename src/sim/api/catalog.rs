//! `/v2/regions` and `/v2/sizes`.

use crate::sim::{
    catalog,
    http::{Answer, Call},
};

pub(crate) async fn regions(call: Call) -> Answer {
    call.page("regions", catalog::regions(), catalog::Region::show)
}

pub(crate) async fn sizes(call: Call) -> Answer {
    call.page("sizes", catalog::sizes(), catalog::Size::show)
}
