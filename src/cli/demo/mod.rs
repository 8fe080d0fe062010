//! `remuda demo`: a release, a cutover under load, an automatic return and a rollback, on this
//! machine, with no account. Every number that it prints is measured in that run.

mod load;
mod stage;

use std::time::{Duration, Instant};

use clap::Args;

use self::{
    load::{Load, Seen},
    stage::Stage,
};
use super::{
    args::Global,
    prune::{self, PruneArgs},
    release::{self, ReleaseArgs},
    rollback::{self, RollbackArgs},
};
use crate::{
    error::{Error, Kind, Result},
    size,
    ui::Ui,
};

/// How long the demo watches the public address after a cutover.
const WATCH: Duration = Duration::from_secs(3);

/// The arguments of `remuda demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Visitors' requests a second
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(super) rate: u32,
}

/// One thing that was done, and what visitors saw of it.
struct Act {
    name: &'static str,
    came: &'static str,
    took: Duration,
    calls: u64,
    seen: Option<Seen>,
}

/// Runs it.
pub(super) async fn run(args: DemoArgs, global: Global, ui: &Ui) -> Result<()> {
    let began = Instant::now();
    ui.chapter("a DigitalOcean of your own, on this machine");
    let stage = Stage::set(global, ui).await?;
    let told = tell(&args, ui, &stage).await;
    let cost = stage.cost().await;
    stage.strike().await;
    let acts = told?;
    ui.chapter("what happened");
    let rows: Vec<_> = acts.iter().map(row).collect();
    let headers = ["", "TOOK", "API CALLS", "REQUESTS", "FAILED", "SLOWEST", "CAME TO"];
    let table = ui.table(&headers, &rows);
    let ending = format!(
        "{} from start to end; {}",
        size::duration(began.elapsed()),
        cost.unwrap_or_else(|| "the cost is not known".into())
    );
    let json: Vec<_> = acts.iter().map(json).collect();
    ui.result(
        &format!("{table}\n\n{ending}"),
        &serde_json::json!({ "acts": json, "note": ending }),
    );
    Ok(())
}

/// Tells the story; returns its acts.
async fn tell(args: &DemoArgs, ui: &Ui, stage: &Stage<'_>) -> Result<Vec<Act>> {
    let mut acts = Vec::new();
    ui.chapter("v1: the first release, on a fresh droplet");
    acts.push(act("release v1", "live", stage, None, Kind::Failed, stage.release("v1")).await?);

    ui.note(&format!("from now on {} visitors a second ask {}", args.rate, stage.public()));
    let load = Load::start(&stage.check()?, args.rate)?;
    ui.chapter("v2: a second droplet, and the traffic moves to it while visitors ask");
    acts.push(
        act("release v2", "live", stage, Some(&load), Kind::Failed, stage.release("v2")).await?,
    );

    ui.chapter("v3: well at first, broken by real traffic; it must come back by itself");
    stage.break_app(args.rate)?;
    let returns = stage.release("v3");
    acts.push(
        act("release v3", "returned by itself", stage, Some(&load), Kind::Returned, returns)
            .await?,
    );
    stage.mend_app()?;

    ui.chapter("rollback: from v2 to v1, whose droplet is still there");
    acts.push(
        act("rollback", "v1 is live", stage, Some(&load), Kind::Failed, stage.rollback()).await?,
    );

    ui.chapter("prune: v3 has been looked at, its droplet goes");
    stage.keep_no_failed()?;
    acts.push(act("prune", "pruned", stage, Some(&load), Kind::Failed, stage.prune()).await?);
    load.stop().await;
    Ok(acts)
}

/// Does one thing and measures it. A failure of the kind `expected` is what should happen.
async fn act(
    name: &'static str,
    came: &'static str,
    stage: &Stage<'_>,
    load: Option<&Load>,
    expected: Kind,
    doing: impl Future<Output = Result<()>>,
) -> Result<Act> {
    let (started, calls) = (Instant::now(), stage.calls());
    if let Some(load) = load {
        load.mark(name);
    }
    match doing.await {
        Ok(()) if expected == Kind::Returned => {
            return Err(Error::new(
                Kind::Failed,
                format!("{name} should have come back by itself"),
            ));
        }
        Ok(()) => {}
        Err(error) if error.kind() == expected && expected == Kind::Returned => {
            stage.ui().say(&format!("exit status {}: {error}", expected.exit_code()));
        }
        Err(error) => return Err(error),
    }
    Ok(Act {
        name,
        came,
        took: started.elapsed(),
        calls: stage.calls() - calls,
        seen: load.map(|load| load.since(name)),
    })
}

fn row(act: &Act) -> Vec<String> {
    let seen = |text: &dyn Fn(&Seen) -> String| act.seen.as_ref().map_or("-".into(), text);
    vec![
        act.name.into(),
        size::duration(act.took),
        act.calls.to_string(),
        seen(&|seen| seen.sent.to_string()),
        seen(&|seen| seen.failed.to_string()),
        seen(&|seen| format!("{:.1} ms", seen.max_ms)),
        act.came.into(),
    ]
}

fn json(act: &Act) -> serde_json::Value {
    serde_json::json!({
        "act": act.name,
        "came_to": act.came,
        "seconds": act.took.as_secs_f64(),
        "api_calls": act.calls,
        "requests": act.seen.as_ref().map(|seen| seen.sent),
        "failed": act.seen.as_ref().map(|seen| seen.failed),
        "slowest_ms": act.seen.as_ref().map(|seen| seen.max_ms),
    })
}
