//! The grammar of fault rules, in words.

/// The grammar as `remuda sim fault --help` shows it.
pub const GRAMMAR: &str = "\
A rule is WHAT:ON[:OPTION]..., where ON is a request such as `POST /v2/droplets`; `*` stands for
any verb or one part of a path, `**` for any number of parts.

Answers that go wrong
  lost:ON           the effect happens, the connection closes without an answer
  drop:ON           no effect, the connection closes without an answer
  hold:ON           the effect happens, no answer until the faults are cleared
  hold-before:ON    no effect and no answer until the faults are cleared; then it goes on
  slow:ON:ms=N      waits N ms before anything happens
  STATUS:ON         answers with 400..599, no effect; options retry-after=S, message=TEXT, and
                    `effect`: the effect happens all the same
  422-pending:ON    422 \"Droplet already has a pending event.\"
  html:ON           an HTML page instead of an answer, with status=502 (or any other), no effect
                    unless `effect`
  truncated:ON      the effect happens, half of the answer arrives
  huge:ON           the effect happens, the answer is followed by mib=64 MiB of filling
  wrong-types:ON    the effect happens, numbers become texts and texts become numbers
  action-404[:ON]   404 for an action that exists (any action, when no request is given)
  limit-reached     422, the droplet would exceed the account's limit

A cloud that goes wrong
  errored:TYPE      an action of the type ends errored (create, assign_ip, snapshot, ... or *); a
                    droplet whose create errs vanishes
  no-ip:N           the next droplet is active without an address for N polls, or a time (2s)
  404-after-create:N  the next droplet is not found for N polls, or a time (2s)
  list-lag:MS       lists lack the next droplet for a time
  slow-boot:MS      the next droplet's host is made that much later
  latency:NAME=MS   sets a latency while the rule stands (create, assign, api, ...)

Options of all rules
  N                 strikes N times, 1 where nothing is said; `*` is always
  after=N           lets the first N matches pass
  type=TYPE         only requests whose JSON body has this `type`

Examples
  lost:POST /v2/droplets
  429:GET /v2/**:3:retry-after=2
  422-pending:POST /v2/reserved_ips/*/actions:2:type=assign
  errored:assign_ip:after=1
  no-ip:500ms";
