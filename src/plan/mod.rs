//! Spec and herd become a plan, a value that can be printed, priced and compared. Pure, no async.
