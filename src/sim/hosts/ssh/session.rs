//! One SSH connection: who it is, and what its channels ask for.

use std::{collections::HashMap, net::SocketAddr, sync::Arc};

use russh::{
    Channel, ChannelId, Pty, Sig,
    server::{self, Auth, ChannelOpenHandle, Msg, PublicKeyOffer, VerifiedPublicKey},
};
use tokio::sync::watch;

use super::{
    super::{accounts::User, init::log, system::System},
    command::{self, Running, What},
    forward,
    spool::Spool,
    terminal::Size,
};

/// The variables that a client may set, as Debian's sshd has it.
const ACCEPTED: [&str; 4] = ["LANG", "LC_*", "COLORTERM", "NO_COLOR"];

/// What a channel has asked for before its program starts.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) environment: Vec<(String, String)>,
    pub(super) terminal: Option<(String, Size)>,
}

enum Room {
    /// A session channel without a program yet.
    Empty(Channel<Msg>, Wishes),
    /// A program runs on it.
    Busy(Running),
    /// It carries a TCP connection.
    Carries { inbound: Arc<Spool>, _life: watch::Sender<()> },
}

/// The state of one connection.
pub(super) struct Session {
    system: Arc<System>,
    peer: SocketAddr,
    local: Option<SocketAddr>,
    user: Option<User>,
    rooms: HashMap<ChannelId, Room>,
}

impl Session {
    /// Starts for a client that has connected.
    pub(super) fn new(system: Arc<System>, peer: SocketAddr, local: Option<SocketAddr>) -> Self {
        Self { system, peer, local, user: None, rooms: HashMap::new() }
    }

    fn start(
        &mut self,
        id: ChannelId,
        what: &What,
        session: &mut server::Session,
    ) -> Result<(), russh::Error> {
        let (Some(Room::Empty(channel, wishes)), Some(user)) =
            (self.rooms.remove(&id), self.user.clone())
        else {
            return session.channel_failure(id);
        };
        let caller = command::Caller {
            system: Arc::clone(&self.system),
            user,
            peer: self.peer,
            local: self.local,
        };
        match command::start(&caller, channel, session.handle(), what, &wishes) {
            Ok(running) => {
                self.rooms.insert(id, Room::Busy(running));
                session.channel_success(id)
            }
            Err(error) => {
                log(&format!("ssh cannot start a program: {error}"));
                session.channel_failure(id)?;
                session.close(id)
            }
        }
    }

    fn wishes(&mut self, id: ChannelId) -> Option<&mut Wishes> {
        match self.rooms.get_mut(&id) {
            Some(Room::Empty(_, wishes)) => Some(wishes),
            _ => None,
        }
    }

    fn inbound(&self, id: ChannelId) -> Option<&Arc<Spool>> {
        match self.rooms.get(&id)? {
            Room::Empty(..) => None,
            Room::Busy(running) => Some(&running.inbound),
            Room::Carries { inbound, .. } => Some(inbound),
        }
    }
}

/// Returns a public key as it stands in `authorized_keys`, without its kind and comment.
fn base64_of(key: &ssh_key::PublicKey) -> String {
    let line = key.to_openssh().unwrap_or_default();
    line.split_ascii_whitespace().nth(1).unwrap_or_default().to_owned()
}

impl server::Handler for Session {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        let known =
            User::find(user).is_some_and(|user| user.authorizes(&base64_of(offer.public_key)));
        Ok(if known { Auth::Accept } else { Auth::reject() })
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        key: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.user = User::find(user).filter(|user| user.authorizes(&base64_of(key.public_key)));
        Ok(if self.user.is_some() { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.rooms.insert(channel.id(), Room::Empty(channel, Wishes::default()));
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let id = channel.id();
        let inbound = Arc::new(Spool::default());
        let (life, alive) = watch::channel(());
        let target = (host.to_owned(), u16::try_from(port).unwrap_or(0));
        tokio::spawn(forward::carry(target, channel, reply, Arc::clone(&inbound), alive));
        self.rooms.insert(id, Room::Carries { inbound, _life: life });
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        match self.wishes(channel) {
            Some(wishes) => {
                wishes.terminal = Some((term.to_owned(), Size::new(columns, rows)));
                session.channel_success(channel)
            }
            None => session.channel_failure(channel),
        }
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        let accepted = ACCEPTED.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        });
        match self.wishes(channel).filter(|wishes| accepted && wishes.environment.len() < 64) {
            Some(wishes) if !value.contains('\0') => {
                wishes.environment.push((name.to_owned(), value.to_owned()));
                session.channel_success(channel)
            }
            _ => session.channel_failure(channel),
        }
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.start(channel, &What::Shell, session)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.start(channel, &What::Command(data.to_vec()), session)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        match command::subsystem(name) {
            Some(program) => {
                self.start(channel, &What::Command(program.as_bytes().to_vec()), session)
            }
            None => session.channel_failure(channel),
        }
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        if let Some(Room::Busy(running)) = self.rooms.get(&channel) {
            running.resize(Size::new(columns, rows));
        }
        Ok(())
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        if let Some(Room::Busy(running)) = self.rooms.get(&channel) {
            running.signal(&signal);
        }
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        if let Some(inbound) = self.inbound(channel)
            && let Err(error) = inbound.push(data)
        {
            log(&format!("ssh cannot hold what a client sends: {error}"));
            // The program must not take a part for the whole.
            if let Some(Room::Busy(running)) = self.rooms.remove(&channel) {
                running.signal(&Sig::KILL);
            }
        }
        Ok(())
    }

    async fn channel_eof(
        &mut self,
        channel: ChannelId,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        if let Some(inbound) = self.inbound(channel) {
            inbound.end();
        }
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut server::Session,
    ) -> Result<(), Self::Error> {
        self.rooms.remove(&channel);
        Ok(())
    }
}
