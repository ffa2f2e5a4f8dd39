//! Commands that a client writes into MOBOTIX's event stream, told by their documented names. Their
//! parameters are never kept.
//!
//! Between NUL octets stands one JSON object each; audio segments (`FF EB`) come between. Memory:
//! [`COMMAND_MOST`] octets.
//!
//! Source: kvaster/mobell `MxpegStreamer.java`, kvaster/mobell-proxy `packet_reader.go`,
//! waggle-sensor/plugin-mobotix-sampler `eventstreamclient`.

use std::borrow::Cow;

use serde::Deserialize;

use super::Finding;
use super::finding_words::CameraCommand;
use super::told::Teller;

/// Longest command read; a longer one is read over.
const COMMAND_MOST: usize = 4096;

/// What of a command is looked at.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
}

/// Reads the client's side of an event stream.
#[derive(Debug, Default)]
pub(super) struct CommandReader {
    stage: Stage,
    kept: Vec<u8>,
    at: u32,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Stage {
    /// A command or a segment is expected.
    #[default]
    Start,
    /// Up to the next NUL.
    Command,
    /// A segment's marker and length.
    Segment,
    /// This many octets of a segment.
    Skip(u16),
    /// What stands here is not understood: up to the next NUL.
    Lost,
}

impl CommandReader {
    /// Takes octets of the request's body, the first of which stands at `at`.
    pub(super) fn feed(&mut self, octets: &[u8], at: u32, teller: &mut Teller<'_>) {
        for (octet, at) in octets.iter().zip(at..) {
            self.take(*octet, at, teller);
        }
    }

    /// Octets are missing.
    pub(super) fn gap(&mut self) {
        *self = Self { stage: Stage::Lost, ..Self::default() };
    }

    fn take(&mut self, octet: u8, at: u32, teller: &mut Teller<'_>) {
        match (self.stage, octet) {
            (Stage::Start, 0 | b'\r' | b'\n' | b' ' | b'\t') => {}
            (Stage::Start, b'{' | 0xff) => {
                self.stage = if octet == b'{' { Stage::Command } else { Stage::Segment };
                (self.kept, self.at) = (vec![octet], at);
            }
            (Stage::Start, _) => self.stage = Stage::Lost,
            (Stage::Command, 0) => self.command(teller),
            (Stage::Command, _) if self.kept.len() >= COMMAND_MOST => self.gap(),
            (Stage::Command, _) => self.kept.push(octet),
            (Stage::Segment, _) => self.segment(octet),
            (Stage::Skip(0 | 1), _) | (Stage::Lost, 0) => self.stage = Stage::Start,
            (Stage::Skip(left), _) => self.stage = Stage::Skip(left.saturating_sub(1)),
            (Stage::Lost, _) => {}
        }
    }

    /// `FF EB`, then a length that counts itself.
    fn segment(&mut self, octet: u8) {
        self.kept.push(octet);
        match *self.kept.as_slice() {
            [_, marker, high, low] if marker >= 0xe0 => {
                let left = u16::from_be_bytes([high, low]).saturating_sub(2);
                self.stage = if left == 0 { Stage::Start } else { Stage::Skip(left) };
            }
            [_, _, _, _] => self.stage = Stage::Lost,
            _ => {}
        }
    }

    fn command(&mut self, teller: &mut Teller<'_>) {
        let kept = std::mem::take(&mut self.kept);
        self.stage = Stage::Start;
        // An answer of the client has no method.
        if let Ok(Call { method: Some(method) }) = serde_json::from_slice(&kept) {
            let command = CameraCommand::parse(&method).unwrap_or(CameraCommand::Other);
            teller.tell(Finding::Command(command), self.at, kept.len(), "command in an event stream");
        }
    }
}
