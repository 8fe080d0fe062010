//! What can be typed: one file per command, its arguments and the few calls a reader would expect.

mod abort;
mod app;
mod args;
mod completion;
mod conduct;
mod config;
mod demo;
mod destroy;
mod doctor;
mod exec;
mod gc;
mod help;
mod history;
mod init;
mod logs;
mod man;
mod plan;
mod prune;
mod release;
mod resume;
mod rollback;
mod session;
mod sim;
mod ssh;
mod status;
mod timeline;
mod token;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _, error::ErrorKind};

use crate::{
    error::{Error, Kind, Result},
    ui::Ui,
};
use args::{Cli, Command};
use session::Session;

/// Reads the arguments, runs the command and returns its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let ui = Ui::new(cli.global.mode());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli, &ui)),
        Err(source) => {
            Err(Error::new(Kind::Failed, "cannot start the async runtime").because(source))
        }
    };
    if let Err(error) = &result {
        ui.error(error);
    }
    // what could not be written is told only where nothing worse is
    match result.and_then(|code| ui.finish().map(|()| code)) {
        Ok(code) => code,
        Err(error) => ExitCode::from(error.kind().exit_code()),
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut matches = help::arranged(Cli::command()).try_get_matches_from(arguments)?;
    Cli::from_arg_matches_mut(&mut matches)
}

/// Help and versions are no errors; everything else that clap says is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    // a closed pipe behind `remuda --help | head` is nobody's problem
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(Kind::Usage.exit_code()),
    }
}

/// Runs the command; those with an exit status of their own return it at once.
async fn dispatch(cli: Cli, ui: &Ui) -> Result<ExitCode> {
    let global = cli.global;
    let done = match cli.command {
        Command::Release(args) => release::run(args, &Session::open(global, ui)?).await,
        Command::Plan(args) => plan::run(args, &Session::open(global, ui)?).await,
        Command::Rollback(args) => rollback::run(args, &Session::open(global, ui)?).await,
        Command::Resume => resume::run(&Session::open(global, ui)?).await,
        Command::Abort => abort::run(&Session::open(global, ui)?).await,
        Command::Status => status::run(&Session::open(global, ui)?).await,
        Command::History(args) => history::run(&args, &global, ui),
        Command::Logs(args) => logs::run(args, global, ui).await,
        Command::Exec(args) => return exec::run(args, &Session::open(global, ui)?).await,
        Command::Ssh(args) => return ssh::run(args, &Session::open(global, ui)?).await,
        Command::Doctor => return Ok(doctor::run(&global, ui).await),
        Command::Prune(args) => prune::run(args, &Session::open(global, ui)?).await,
        Command::Destroy(args) => destroy::run(args, &Session::open(global, ui)?).await,
        Command::Gc(args) => gc::run(args, &Session::open(global, ui)?).await,
        Command::Init(args) => init::run(&args, &global, ui),
        Command::Config(args) => config::run(&args, &global, ui),
        Command::Completion(args) => {
            completion::run(&args, ui);
            Ok(())
        }
        Command::Man(args) => man::run(&args, ui),
        Command::Demo(args) => Box::pin(demo::run(args, global, ui)).await,
        Command::Sim(args) => sim::run(args).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Gives the lock back whatever the work came to; the work's own failure is what is told.
async fn unlock<T>(lock: crate::herd::Lock, result: Result<T>) -> Result<T> {
    let released = lock.release().await;
    let value = result?;
    released?;
    Ok(value)
}
