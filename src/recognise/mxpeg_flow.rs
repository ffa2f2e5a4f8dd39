//! MOBOTIX media whose HTTP header was not seen: the flow was there before us. No other carrier sends
//! tile masks over TCP, but a single picture may also be a file on its way, so it says less.
//!
//! Source: MOBOTIX developer documentation `mxf.html` and `how.html`, the MxPEG SDK.

use super::Finding;
use super::Follower;
use super::Following;
use super::Head;
use super::Located;
use super::Piece;
use super::Probe;
use super::Recogniser;
use super::Recognition;
use super::Sender;
use super::finding::DeviceKind;
use super::mxpeg::Mark;
use super::mxpeg::Scanner;
use super::told::Teller;
use super::told::Told;
use crate::flow::Side;
use crate::service::Certainty;
use crate::service::Content;
use crate::service::Service;
use crate::service::Transport;

/// The recogniser.
pub struct MobotixMedia;

/// Ports of file services, where pictures are recordings on their way and no stream: FTP, NetBIOS,
/// SMB, NFS.
const FILE_PORTS: &[u16] = &[20, 21, 139, 445, 2049];
/// Octets of each side that are searched before giving up on knowing more.
const SEARCHED_OCTETS: usize = 2 * 1024 * 1024;

impl Recogniser for MobotixMedia {
    fn service(&self) -> Service {
        Service::Http
    }

    fn speaks(&self, transport: Transport) -> bool {
        transport == Transport::Tcp
    }

    fn probe(&self, head: &Head<'_>) -> Probe {
        if head.from_start || head.is_at(FILE_PORTS) {
            return Probe::Refuse;
        }
        // What comes later in the head may say more, so its end is awaited.
        if !head.finished {
            return Probe::NeedMore;
        }
        let mut scanner = Scanner::default();
        let marks = scanner.feed(head.octets, 0);
        marks.iter().for_each(|(mark, _)| scanner.count(*mark));
        let decisive = |mark: &Mark| matches!(mark, Mark::Picture { .. } | Mark::Mask);
        let Some((_, at)) = marks.iter().find(|(mark, _)| decisive(mark)) else {
            return Probe::Refuse;
        };
        let content = scanner.content().map(|(content, _)| content);
        let (certainty, what) = match content {
            Some(_) => (Certainty::Consistent, "MxPEG segments in mid-stream"),
            None => (Certainty::Heuristic, "MOBOTIX picture in mid-stream"),
        };
        let streams = content == Some(Content::MxpegEventStream);
        let sender = if streams { Sender::Server } else { Sender::Either };
        let (service, offset) = (Service::Http, *at);
        Probe::Match(Recognition { service, certainty, content, sender, offset, length: 24, what })
    }

    fn follow(&self) -> Option<Box<dyn Follower>> {
        Some(Box::new(MediaFollower::default()))
    }
}

/// Searches both sides until the content is settled. Holds 46 octets.
#[derive(Default)]
struct MediaFollower {
    scanners: [Scanner; 2],
    searched: [usize; 2],
    told: Told,
}

impl Follower for MediaFollower {
    fn octets(&mut self, piece: &Piece<'_>, findings: &mut Vec<Located>) -> Following {
        let scanner = piece.side.of_mut(&mut self.scanners);
        let mut teller = Teller { told: &mut self.told, piece, findings };
        let searched = piece.side.of_mut(&mut self.searched);
        let room = piece.octets.len().min(SEARCHED_OCTETS.saturating_sub(*searched));
        *searched = searched.saturating_add(room);
        let marks = scanner.feed(piece.octets.get(..room).unwrap_or_default(), piece.offset);
        for (mark, at) in marks {
            scanner.count(mark);
            if matches!(mark, Mark::Picture { .. }) {
                teller.tell(Finding::DeviceKind(DeviceKind::MobotixCamera), at, 24, "MXF frame header");
            }
            if let Some((content, certainty)) = scanner.content() {
                teller.tell(Finding::Content(content, certainty), at, 24, "MOBOTIX segments");
            }
        }
        let certain = matches!(scanner.content(), Some((Content::MxpegEventStream, _)));
        if certain || *searched >= SEARCHED_OCTETS { Following::Done } else { Following::More }
    }

    fn gap(&mut self, side: Side) -> Following {
        side.of_mut(&mut self.scanners).gap();
        Following::More
    }
}
