//! Everything that can be known to be wrong before anything is created; all problems at once.

use jiff::Timestamp;

use crate::{
    boot,
    cloud::{Account, Client, Image, Size},
    error::{Error, Kind, Result},
    herd::{Herd, Version},
    host,
    spec::{Droplet, Loaded},
};

/// How far this machine's clock may be off before certificates and leases suffer, in seconds.
const CLOCK: i64 = 60;
/// Requests that must be left in the hour, so that a release can pay for its own rollback.
const FLOOR: u64 = 100;

/// What the account offers for a spec.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// The size, with its price.
    pub size: Size,
    /// The SSH keys, as fingerprints.
    pub ssh_keys: Vec<String>,
}

/// A problem, and what to do about it.
struct Problem {
    what: String,
    hint: Option<String>,
    kind: Kind,
}

impl Problem {
    fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None, kind }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Checks the account, the spec and this machine for a release of `version`.
///
/// # Errors
/// One error that holds all problems.
pub async fn preflight(
    cloud: &Client,
    spec: &Loaded,
    herd: &Herd,
    version: &Version,
    authorized_keys: &[String],
) -> Result<(Catalogue, Vec<String>)> {
    let wanted = &spec.spec.droplet;
    let (account, sizes, image, keys) = tokio::try_join!(
        cloud.account(),
        cloud.sizes(),
        cloud.image(&wanted.image),
        ssh_keys(cloud, &wanted.ssh_keys),
    )?;
    let size = sizes.iter().find(|size| size.slug == wanted.size);
    let mut problems = in_account(&account, herd, version);
    problems.extend(in_catalogue(wanted, &sizes, size, image.as_ref()));
    let mut fingerprints = Vec::new();
    for (name, found) in keys {
        match found {
            Some(fingerprint) => fingerprints.push(fingerprint),
            None => problems.push(
                Problem::new(Kind::NotFound, format!("the account has no SSH key `{name}`"))
                    .hint("add it with `doctl compute ssh-key import NAME --public-key-file FILE`"),
            ),
        }
    }
    let (in_traffic, mut warnings) = in_traffic(wanted, herd);
    problems.extend(in_traffic);
    problems.extend(on_this_machine(spec, version, authorized_keys).await);
    if let Some(off) = clock_error(cloud.server_time(), crate::clock::now()) {
        warnings.push(format!("this machine's clock is {off} s off DigitalOcean's"));
    }
    if let Some(rate) = cloud.rate().filter(|rate| rate.remaining < FLOOR) {
        let what = format!(
            "{} requests are left in this hour: too few to pay for a release and its way back",
            rate.remaining
        );
        problems.push(
            Problem::new(Kind::Refused, what).hint("wait, or stop what else uses this token"),
        );
    }
    match (problems.is_empty(), size) {
        (true, Some(size)) => {
            Ok((Catalogue { size: size.clone(), ssh_keys: fingerprints }, warnings))
        }
        _ => Err(all(problems, herd)),
    }
}

/// What the account itself forbids.
fn in_account(account: &Account, herd: &Herd, version: &Version) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(status) = account.status.as_deref().filter(|status| *status != "active") {
        let mut problem = Problem::new(Kind::Refused, format!("the account is {status}"));
        problem.hint.clone_from(&account.status_message);
        problems.push(problem);
    }
    let limit = account.droplet_limit;
    let is_full = limit.saturating_sub(herd.droplets_in_account as u64) == 0;
    if is_full && herd.candidates(version).next().is_none() {
        let what = format!("the account's limit of {limit} droplets leaves no room for one more");
        problems.push(Problem::new(Kind::Refused, what).hint(
            "destroy droplets that nobody needs (`remuda prune`), or ask DigitalOcean to raise the limit",
        ));
    }
    problems
}

/// What DigitalOcean does not offer.
fn in_catalogue(
    wanted: &Droplet,
    sizes: &[Size],
    size: Option<&Size>,
    image: Option<&Image>,
) -> Vec<Problem> {
    let region = &wanted.region;
    let mut problems = Vec::new();
    match size {
        None => problems.push(
            Problem::new(Kind::Usage, format!("there is no size {}", wanted.size))
                .hint(nearest(&wanted.size, sizes)),
        ),
        Some(size) if !size.available || !size.regions.contains(region) => problems.push(
            Problem::new(Kind::Usage, format!("size {} is not to be had in {region}", size.slug))
                .hint(format!("it is in {}", size.regions.join(", "))),
        ),
        Some(_) => {}
    }
    let what = match image {
        None => format!("there is no image {}", wanted.image),
        Some(image) if !image.regions.is_empty() && !image.regions.contains(region) => {
            format!("image {} is not in {region}", wanted.image)
        }
        Some(_) => return problems,
    };
    problems.push(Problem::new(Kind::Usage, what));
    problems
}

/// What stands in the way of moving traffic, and what is only worth a warning.
fn in_traffic(wanted: &Droplet, herd: &Herd) -> (Vec<Problem>, Vec<String>) {
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    if let Some(address) = &herd.address
        && let Some(region) = address.region.as_ref().filter(|region| **region != wanted.region)
    {
        let what = format!(
            "the reserved IP {} is in {region}, the droplet in {}",
            address.ip, wanted.region
        );
        problems.push(
            Problem::new(Kind::Usage, what)
                .hint("a reserved IP reaches droplets of its own region only"),
        );
    }
    if let Some(id) = herd.stranger() {
        let what =
            format!("the reserved IP is held by droplet {id}, which is not of {}", herd.scope);
        problems.push(Problem::new(Kind::Failed, what).hint(format!(
            "give that droplet the tag `{}` to adopt it, or unassign the address",
            herd.scope.tag()
        )));
    }
    for name in &herd.names {
        let fqdn = name.name.fqdn();
        let many = name.records.iter().filter(|record| record.kind == "A").count();
        if many > 1 {
            let what = format!("{fqdn} has {many} A records; remuda moves one");
            problems.push(Problem::new(Kind::Usage, what));
        }
        if !wanted.ipv6 && name.records.iter().any(|record| record.kind == "AAAA") {
            warnings.push(format!(
                "{fqdn} has an AAAA record, and droplet.ipv6 is off: it will be removed at the cutover"
            ));
        }
    }
    (problems, warnings)
}

/// Says everything that is wrong in one error, whose kind is the first problem's.
fn all(problems: Vec<Problem>, herd: &Herd) -> Error {
    let kind = problems.first().map_or(Kind::Failed, |problem| problem.kind);
    let what = match problems.as_slice() {
        [one] => one.what.clone(),
        many => format!("{} problems, found before anything was created", many.len()),
    };
    let mut error = Error::new(kind, what).traffic(herd.traffic());
    if problems.len() > 1 {
        let lines: Vec<String> =
            problems.iter().map(|problem| format!("- {}", problem.what)).collect();
        error = error.report(lines.join("\n"));
    }
    for hint in problems.into_iter().filter_map(|problem| problem.hint) {
        error = error.hint(hint);
    }
    error
}

/// Looks the spec's keys up: a fingerprint alone, names in one list.
async fn ssh_keys(cloud: &Client, wanted: &[String]) -> Result<Vec<(String, Option<String>)>> {
    let is_fingerprint = |text: &str| text.len() == 47 && text.matches(':').count() == 15;
    let mut found = Vec::new();
    let by_name = wanted.iter().any(|key| !is_fingerprint(key));
    let listed = if by_name { cloud.ssh_keys().await? } else { Vec::new() };
    for key in wanted {
        let fingerprint = if is_fingerprint(key) {
            cloud.ssh_key(key).await?.and_then(|key| key.fingerprint)
        } else {
            listed
                .iter()
                .find(|known| known.name.as_ref() == Some(key))
                .and_then(|known| known.fingerprint.clone())
        };
        found.push((key.clone(), fingerprint));
    }
    Ok(found)
}

/// Checks what this machine must bring along.
async fn on_this_machine(
    spec: &Loaded,
    version: &Version,
    authorized_keys: &[String],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !host::is_installed().await {
        problems.push(
            Problem::new(Kind::Failed, "there is no `ssh` on this machine")
                .hint("install an OpenSSH client, such as Debian's openssh-client"),
        );
    }
    if let Some(identity) = &spec.spec.ssh.identity {
        let path = spec.path(identity);
        if !path.is_file() {
            let what = format!("the private key {} is not there", path.display());
            problems.push(
                Problem::new(Kind::Usage, what)
                    .hint("make one with `ssh-keygen -t ed25519`, or correct ssh.identity"),
            );
        }
    }
    for name in &spec.spec.stack.files {
        if !spec.dir.join(name).exists() {
            let what = format!("stack.files: {name} is not there");
            problems.push(Problem::new(Kind::Usage, what));
        }
    }
    let rendered = boot::HostKey::generate().and_then(|key| {
        let birth = boot::Birth {
            version: version.as_str(),
            name: "preflight",
            host_key: &key,
            authorized_keys,
        };
        boot::render(spec, &birth)
    });
    if let Err(error) = rendered {
        problems.push(Problem::new(error.kind(), error.to_string()));
    }
    problems
}

fn clock_error(server: Option<Timestamp>, here: Timestamp) -> Option<i64> {
    let off = here.as_second() - server?.as_second();
    (off.abs() > CLOCK).then_some(off)
}

fn nearest(wanted: &str, sizes: &[Size]) -> String {
    let best = sizes
        .iter()
        .max_by(|a, b| {
            strsim::jaro_winkler(wanted, &a.slug).total_cmp(&strsim::jaro_winkler(wanted, &b.slug))
        })
        .map_or("s-1vcpu-1gb", |size| size.slug.as_str());
    format!("did you mean {best}?")
}
