//! An authoritative DNS server for the records of the simulator's account.

use std::{io, net::SocketAddr, pin::Pin, time::Duration};

use hickory_proto::{
    op::{Edns, MessageType, Metadata, OpCode, ResponseCode},
    rr::{DNSClass, Record as Wire},
};
use hickory_server::{
    net::runtime::Time,
    server::{Request, RequestHandler, ResponseHandler, ResponseInfo, Server},
    zone_handler::MessageResponseBuilder,
};
use tokio::{
    net::{TcpListener, UdpSocket},
    task::AbortHandle,
};

use super::records::{Found, Zone, look_up};
use crate::error::{Error, Kind, Result};

/// How long a TCP client may be silent.
const SILENCE: Duration = Duration::from_secs(10);
/// The largest UDP answer, as is usual since DNS flag day 2020.
const PAYLOAD: u16 = 1232;

/// An authoritative DNS server on loopback, over UDP and TCP; it ends when this is dropped.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddr,
    server: AbortHandle,
}

impl Dns {
    /// Serves `zone` on `listen` (port 0 picks one, the same for UDP and TCP).
    ///
    /// `zone` is asked with the name in question and returns the records of the domain that
    /// encloses it.
    ///
    /// # Errors
    /// When `listen` is no loopback address, or is taken.
    pub async fn start(listen: SocketAddr, zone: Zone) -> Result<Self> {
        if !listen.ip().is_loopback() {
            return Err(Error::new(Kind::Usage, "the simulator's DNS serves loopback only")
                .at("address", listen));
        }
        let (udp, tcp, address) = bind(listen).await.map_err(|error| {
            Error::new(Kind::Failed, "cannot serve DNS").at("address", listen).because(error)
        })?;
        let mut server = Server::new(Answers { zone });
        server.register_socket(udp);
        server.register_listener(tcp, SILENCE, 64);
        let server = tokio::spawn(async move {
            let _ = server.block_until_done().await;
        });
        Ok(Self { address, server: server.abort_handle() })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Binds both transports to one port.
async fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener, SocketAddr)> {
    let mut tries = 0;
    loop {
        let tcp = TcpListener::bind(listen).await?;
        let address = tcp.local_addr()?;
        match UdpSocket::bind(address).await {
            Ok(udp) => return Ok((udp, tcp, address)),
            // Another program has this number for UDP; another number may be free for both.
            Err(_) if listen.port() == 0 && tries < 50 => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

struct Answers {
    zone: Zone,
}

/// What goes into an answer.
struct Reply {
    code: ResponseCode,
    answers: Vec<Wire>,
    authority: Option<Box<Wire>>,
}

impl Answers {
    fn reply(&self, request: &Request) -> Reply {
        let refuse = |code| Reply { code, answers: Vec::new(), authority: None };
        if request.metadata.message_type != MessageType::Query {
            return refuse(ResponseCode::FormErr);
        }
        if request.metadata.op_code != OpCode::Query {
            return refuse(ResponseCode::NotImp);
        }
        let Ok(info) = request.request_info() else { return refuse(ResponseCode::FormErr) };
        if !matches!(info.query.query_class(), DNSClass::IN | DNSClass::ANY) {
            return refuse(ResponseCode::Refused);
        }
        let name = info.query.name().to_string();
        match look_up(&self.zone, &name, info.query.query_type()) {
            Found::Foreign => refuse(ResponseCode::Refused),
            Found::Known { answers, authority, exists } => {
                let code = if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
                Reply { code, answers, authority }
            }
        }
    }

    async fn answer(&self, request: &Request, mut to: impl ResponseHandler) -> ResponseInfo {
        let reply = self.reply(request);
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.response_code = reply.code;
        metadata.authoritative =
            matches!(reply.code, ResponseCode::NoError | ResponseCode::NXDomain);
        let edns = request.edns.as_ref().map(|asked| {
            let mut edns = Edns::new();
            edns.set_max_payload(asked.max_payload().clamp(512, PAYLOAD)).set_version(0);
            edns
        });
        let mut builder = MessageResponseBuilder::from_message_request(request);
        if let Some(edns) = &edns {
            builder.edns(edns);
        }
        let none: &[Wire] = &[];
        let message =
            builder.build(metadata, &reply.answers, none, reply.authority.as_deref(), none);
        match to.send_response(message).await {
            Ok(info) => info,
            Err(_) => failed(request),
        }
    }
}

/// What the server is told when an answer could not be sent.
fn failed(request: &Request) -> ResponseInfo {
    use hickory_proto::op::{Header, HeaderCounts};
    let mut metadata = Metadata::response_from_request(&request.metadata);
    metadata.response_code = ResponseCode::ServFail;
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}

impl RequestHandler for Answers {
    // Written out as `async_trait` would write it.
    fn handle_request<'a, 'b, 'c, R, T>(
        &'a self,
        request: &'b Request,
        response_handle: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'c>>
    where
        R: ResponseHandler + 'c,
        T: Time + 'c,
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(self.answer(request, response_handle))
    }
}
