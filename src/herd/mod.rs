//! An environment as the account shows it: members, roles, generations. The only room that spells names and tags.
