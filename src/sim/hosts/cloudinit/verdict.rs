//! The `cloud-init` command of a droplet: `status`, with cloud-init's words and exit codes.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use serde_json::{Map, Value, json};

use super::journal::STATUS;
use crate::{
    clock,
    retry::{Deadline, sleep},
};

/// How long `--wait` waits at most; cloud-init itself would wait for ever.
const PATIENCE: Duration = Duration::from_hours(1);

/// What the status file says, in cloud-init's words.
#[derive(Debug, Clone, PartialEq)]
struct Verdict {
    status: &'static str,
    extended: &'static str,
    code: u8,
    errors: Vec<Value>,
    recoverable: Map<String, Value>,
}

/// Answers `cloud-init ARGUMENTS`.
pub(in super::super) fn command(args: &[OsString]) -> ExitCode {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut out = io::stdout().lock();
    match args.first().map(String::as_str) {
        Some("status") => status(args.get(1..).unwrap_or_default(), &mut out),
        Some("--version" | "-v") => {
            let _ = writeln!(out, "/usr/bin/cloud-init 25.1 (simulated by remuda)");
            ExitCode::SUCCESS
        }
        _ => {
            let _ = writeln!(
                io::stderr().lock(),
                "the simulated cloud-init knows only: status [--wait] [--long] [--format tabular|json|yaml]"
            );
            ExitCode::from(2)
        }
    }
}

fn status(args: &[String], out: &mut impl io::Write) -> ExitCode {
    let has = |long: &str, short: &str| args.iter().any(|arg| arg == long || arg == short);
    let json = args.windows(2).any(|pair| {
        matches!(pair, [flag, value] if flag == "--format" && (value == "json" || value == "yaml"))
    }) || args.iter().any(|arg| arg == "--format=json" || arg == "--format=yaml");
    if has("--wait", "-w") && !wait() {
        let _ = writeln!(io::stderr().lock(), "cloud-init still runs after an hour");
        return ExitCode::FAILURE;
    }
    let Some(v1) = read() else {
        let _ = writeln!(out, "status: not started");
        return ExitCode::SUCCESS;
    };
    let verdict = judge(&v1);
    let written = if json {
        // JSON is YAML.
        writeln!(out, "{:#}", document(&v1, &verdict))
    } else if has("--long", "-l") {
        let detail = v1.get("datasource").and_then(Value::as_str).unwrap_or_default();
        writeln!(
            out,
            "status: {}\nextended_status: {}\nboot_status_code: enabled-by-generator\ndetail: {detail}\nerrors: {}\nrecoverable_errors: {}",
            verdict.status,
            verdict.extended,
            Value::Array(verdict.errors.clone()),
            Value::Object(verdict.recoverable.clone()),
        )
    } else {
        writeln!(out, "status: {}", verdict.status)
    };
    if written.is_err() { ExitCode::FAILURE } else { ExitCode::from(verdict.code) }
}

/// Waits until the boot is done; false when it never is.
fn wait() -> bool {
    let running = || read().is_none_or(|v1| v1.get("stage").is_some_and(|stage| !stage.is_null()));
    if !running() {
        return true;
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else {
        return false;
    };
    runtime.block_on(async {
        let deadline = Deadline::after(PATIENCE, "cloud-init");
        while running() {
            if deadline.passed() {
                return false;
            }
            sleep(Duration::from_millis(20)).await;
        }
        true
    })
}

fn read() -> Option<Map<String, Value>> {
    let text = fs::read(STATUS).ok()?;
    match serde_json::from_slice::<Value>(&text).ok()?.get("v1")? {
        Value::Object(v1) => Some(v1.clone()),
        _ => None,
    }
}

fn judge(v1: &Map<String, Value>) -> Verdict {
    let mut errors = Vec::new();
    let mut recoverable = Map::new();
    for part in v1.values() {
        if let Some(Value::Array(more)) = part.get("errors") {
            errors.extend(more.iter().cloned());
        }
        if let Some(Value::Object(more)) = part.get("recoverable_errors") {
            recoverable.extend(more.iter().map(|(level, lines)| (level.clone(), lines.clone())));
        }
    }
    let running = v1.get("stage").is_some_and(|stage| !stage.is_null());
    let (status, extended, code) = match (running, errors.is_empty(), recoverable.is_empty()) {
        (true, true, true) => ("running", "running", 0),
        (true, true, false) => ("running", "degraded running", 2),
        (true, false, _) => ("error", "error - running", 1),
        (false, true, true) => ("done", "done", 0),
        (false, true, false) => ("done", "degraded done", 2),
        (false, false, _) => ("error", "error - done", 1),
    };
    Verdict { status, extended, code, errors, recoverable }
}

fn document(v1: &Map<String, Value>, verdict: &Verdict) -> Value {
    let detail = v1.get("datasource").cloned().unwrap_or_default();
    let part = |name: &str| v1.get(name).cloned().unwrap_or_default();
    json!({
        "boot_status_code": "enabled-by-generator",
        "datasource": "configdrive",
        "detail": detail,
        "errors": verdict.errors,
        "extended_status": verdict.extended,
        "init": part("init"),
        "init-local": part("init-local"),
        "last_update": clock::now().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string(),
        "modules-config": part("modules-config"),
        "modules-final": part("modules-final"),
        "recoverable_errors": verdict.recoverable,
        "stage": part("stage"),
        "status": verdict.status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v1(stage: &Value, errors: &Value, recoverable: &Value) -> Map<String, Value> {
        let value = json!({
            "stage": stage, "datasource": "x",
            "modules-final": { "errors": errors, "recoverable_errors": recoverable },
        });
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn the_exit_codes_are_those_of_cloud_init() {
        let code = |stage: Value, errors: Value, recoverable: Value| {
            let verdict = judge(&v1(&stage, &errors, &recoverable));
            (verdict.status, verdict.extended, verdict.code)
        };
        assert_eq!(code(Value::Null, json!([]), json!({})), ("done", "done", 0));
        assert_eq!(
            code(Value::Null, json!([]), json!({ "WARNING": ["x"] })),
            ("done", "degraded done", 2)
        );
        assert_eq!(code(Value::Null, json!(["x"]), json!({})), ("error", "error - done", 1));
        assert_eq!(code(json!("init"), json!([]), json!({})), ("running", "running", 0));
    }
}
