//! Waits until the app is well, asked at the droplet's own address with the site's Host and SNI.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use url::Url;

use super::{start::place, world::World};
use crate::{
    error::{Error, Kind, Result},
    host::Run,
    probe::{self, HttpCheck, Reason, Sample, Unwell},
    retry::Deadline,
    run::{Done, Progress},
    spec::{Check, Spec, Values, render_text},
    stack,
};

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(250);

pub(super) async fn run(world: &World, progress: &Progress) -> Result<Done> {
    let checks = &world.spec.spec.health;
    if checks.is_empty() {
        return Ok(Done::saying("no checks in the spec"));
    }
    let subject = world.subject()?;
    let address = IpAddr::V4(subject.ipv4.ok_or_else(|| {
        Error::new(Kind::Failed, "the droplet has no public address").at("droplet", subject.id)
    })?);
    let all = checks.iter().map(|check| one(check, address, world, progress));
    let reports = futures_util::future::try_join_all(all).await?;
    Ok(Done::saying(reports.join(", ")))
}

async fn one(check: &Check, address: IpAddr, world: &World, progress: &Progress) -> Result<String> {
    let values = world.values();
    let (what, report) = if check.http.is_some() {
        let http = http_check(check, &values, Some(address))?;
        let what = format!("{} at {address}", http.url);
        let ask = || probe::http(&http);
        (what.clone(), until_well(ask, check, &what, progress).await?)
    } else if let Some(port) = check.tcp {
        let door = SocketAddr::new(address, port);
        let what = format!("tcp {door}");
        let ask = || probe::tcp(door, check.timeout.0);
        (what.clone(), until_well(ask, check, &what, progress).await?)
    } else {
        let command = check.run.as_deref().unwrap_or("true");
        let script = stack::script(&place(world)?, command, &values)?;
        let host = world.host().await?;
        let what = format!("`{}`", command.lines().next().unwrap_or_default());
        let ask = || async {
            let run = Run::new(&script, check.timeout.0);
            let started = std::time::Instant::now();
            match host.run(run).await {
                Ok(output) if output.status == 0 => Ok(sample(started.elapsed())),
                Ok(output) => Err(Unwell::new(
                    Reason::Check,
                    format!("ended with status {}: {}", output.status, output.stderr.trim()),
                )),
                Err(error) => Err(Unwell::new(Reason::Broken, error.to_string())),
            }
        };
        (what.clone(), until_well(ask, check, &what, progress).await?)
    };
    Ok(format!("{what} is well after {} tries", report.tries))
}

fn sample(took: Duration) -> Sample {
    Sample { millis: took.as_secs_f64() * 1000.0, status: 0, release: None }
}

async fn until_well<R>(
    ask: impl Fn() -> R,
    check: &Check,
    what: &str,
    progress: &Progress,
) -> Result<probe::Report>
where
    R: Future<Output = std::result::Result<Sample, Unwell>>,
{
    let deadline = Deadline::after(check.within.0, format!("{what} to be well"));
    let say = |text: &str| progress.say(text);
    probe::until_well(ask, check.consecutive, PAUSE, &deadline, &say).await
}

/// Makes the question that a check asks over HTTP, connecting to `to` instead of what DNS says.
///
/// # Errors
/// When the check's URL or a template in it is wrong.
pub(super) fn http_check(check: &Check, values: &Values, to: Option<IpAddr>) -> Result<HttpCheck> {
    let text = render_text(check.http.as_deref().unwrap_or_default(), values)?;
    let url = Url::parse(&text)
        .map_err(|source| Error::new(Kind::Usage, format!("`{text}` is no URL")).because(source))?;
    let mut headers = Vec::new();
    for (name, value) in &check.header {
        headers.push((name.clone(), render_text(value, values)?));
    }
    let contains = check.contains.as_deref().map(|text| render_text(text, values)).transpose()?;
    Ok(HttpCheck {
        url,
        to,
        status: check.status,
        headers,
        contains,
        timeout: check.timeout.0,
        insecure: check.insecure,
    })
}

/// Returns the question that is asked through the public address: `cutover.probe`, or the first
/// HTTP check. `None` when the spec has neither.
///
/// Without `expect_release` the answer's headers and body may be any release's, as they must be
/// while traffic moves.
///
/// # Errors
/// When the URL or a template is wrong.
pub fn public_check(
    spec: &Spec,
    values: &Values,
    to: Option<IpAddr>,
    expect_release: bool,
) -> Result<Option<HttpCheck>> {
    let first = spec.health.iter().find(|check| check.http.is_some());
    let probe = spec.cutover.probe.as_ref();
    let base = match (first, probe) {
        (None, None) => return Ok(None),
        (Some(check), None) => check.clone(),
        (check, Some(url)) => Check {
            http: Some(url.clone()),
            tcp: None,
            run: None,
            ..check.cloned().unwrap_or_else(|| Check::http(url.clone()))
        },
    };
    let mut asked = http_check(&base, values, to)?;
    if !expect_release {
        asked.headers.clear();
        asked.contains = None;
    }
    Ok(Some(asked))
}
