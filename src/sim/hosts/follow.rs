//! What goes on beside a droplet while it is on: waiting for its end, and following its ports.
//!
//! Both hold the droplet weakly: hosts that are dropped end their droplets.

use std::{path::PathBuf, pin::Pin, sync::Weak, time::Duration};

use tokio::{process::Child, sync::watch};

use super::{
    bridge::{Answer, Ask, read_line},
    droplet::Droplet,
    system::REBOOT,
};
use crate::retry::sleep;

/// Waits for a droplet's end, and boots it again where that was its wish.
///
/// Boxed: starting a droplet follows it.
pub(super) fn follow(
    droplet: Weak<Droplet>,
    mut child: Child,
    ended: watch::Sender<bool>,
    program: PathBuf,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        let status = child.wait().await;
        ended.send_replace(true);
        let Some(droplet) = droplet.upgrade() else { return };
        droplet.learn(&[]);
        let reboots = status.is_ok_and(|status| status.code() == Some(i32::from(REBOOT)));
        // Where it was stopped meanwhile, it stays so.
        if reboots && droplet.is_wanted().await {
            let _ = droplet.start(&program).await;
        }
    })
}

/// Keeps what is known of a droplet's ports up to date while it is on.
pub(super) async fn listen(droplet: Weak<Droplet>) {
    let Some(Ok((mut stream, mut answer))) = async {
        let droplet = droplet.upgrade()?;
        Some(droplet.ask(&Ask::Watch).await)
    }
    .await
    else {
        return;
    };
    loop {
        let (Some(droplet), Answer::Ports(ports)) = (droplet.upgrade(), answer) else { return };
        droplet.learn(&ports);
        drop(droplet);
        let Ok(line) = read_line(&mut stream).await else { return };
        let Ok(next) = serde_json::from_slice(&line) else { return };
        answer = next;
        // A droplet that opens and closes ports all the time must not keep the simulator busy.
        sleep(Duration::from_millis(5)).await;
    }
}
