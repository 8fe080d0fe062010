//! The DNS server as a resolver meets it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RecordType},
};
use remuda::sim::net::{Dns, Record, Zone};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
};

fn zone() -> Zone {
    let record = |name: &str, kind: &str, data: String| Record {
        name: name.to_owned(),
        kind: kind.to_owned(),
        data,
        ttl: 30,
        priority: None,
        port: None,
        weight: None,
    };
    Arc::new(move |name| {
        (name == "example.com" || name.ends_with(".example.com")).then(|| {
            let mut records = vec![
                record("example.com", "NS", "ns1.digitalocean.com".into()),
                record("blog.example.com", "A", "127.0.0.7".into()),
                record("www.example.com", "CNAME", "blog.example.com".into()),
            ];
            for number in 0..60 {
                records.push(record("many.example.com", "TXT", format!("{number:0100}")));
            }
            records
        })
    })
}

fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).expect("name"), kind));
    message.to_vec().expect("message")
}

async fn udp(server: SocketAddr, question: &[u8]) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("bind");
    socket.send_to(question, server).await.expect("send");
    let mut answer = vec![0; 4096];
    let got = tokio::time::timeout(Duration::from_secs(10), socket.recv(&mut answer)).await;
    let length = got.expect("in time").expect("answer");
    Message::from_vec(&answer[..length]).expect("message")
}

async fn tcp(server: SocketAddr, question: &[u8]) -> Message {
    let mut stream = TcpStream::connect(server).await.expect("connect");
    let length = u16::try_from(question.len()).expect("short");
    stream.write_u16(length).await.expect("write");
    stream.write_all(question).await.expect("write");
    let length = stream.read_u16().await.expect("read");
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.expect("read");
    Message::from_vec(&answer).expect("message")
}

#[tokio::test]
async fn udp_and_tcp_give_the_same_authoritative_answers() {
    let dns = Dns::start("127.0.0.1:0".parse().expect("address"), zone()).await.expect("dns");
    let at = dns.address();
    assert_ne!(at.port(), 0);
    for name in ["www.example.com.", "WWW.Example.COM."] {
        let question = question(name, RecordType::A);
        for answer in [udp(at, &question).await, tcp(at, &question).await] {
            assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
            assert!(answer.metadata.authoritative);
            assert_eq!(answer.metadata.id, 7);
            let data: Vec<String> =
                answer.answers.iter().map(|r| format!("{} {}", r.ttl, r.data)).collect();
            assert_eq!(data, ["30 blog.example.com.", "30 127.0.0.7"]);
        }
    }
    let code = |name: &'static str, kind| async move {
        let answer = udp(at, &question(name, kind)).await;
        (answer.metadata.response_code, answer.answers.len(), answer.authorities.len())
    };
    assert_eq!(code("no.example.com.", RecordType::A).await, (ResponseCode::NXDomain, 0, 1));
    assert_eq!(code("blog.example.com.", RecordType::AAAA).await, (ResponseCode::NoError, 0, 1));
    assert_eq!(code("example.org.", RecordType::A).await, (ResponseCode::Refused, 0, 0));
    // What does not fit into a datagram is cut off and says so; over TCP it is whole.
    let many = question("many.example.com.", RecordType::TXT);
    assert!(udp(at, &many).await.metadata.truncation);
    let whole = tcp(at, &many).await;
    assert!(!whole.metadata.truncation);
    assert_eq!(whole.answers.len(), 60);
}

#[tokio::test]
async fn a_taken_address_and_one_that_is_not_loopback_are_refused() {
    let dns = Dns::start("127.0.0.1:0".parse().expect("address"), zone()).await.expect("dns");
    assert!(Dns::start(dns.address(), zone()).await.is_err());
    assert!(Dns::start("0.0.0.0:0".parse().expect("address"), zone()).await.is_err());
    let at = dns.address();
    drop(dns);
    // The port is free again when the server is dropped.
    let start = std::time::Instant::now();
    while Dns::start(at, zone()).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(10), "the port is free again");
        tokio::task::yield_now().await;
    }
}
