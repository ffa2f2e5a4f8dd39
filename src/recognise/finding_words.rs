//! Closed sets of words in findings: what a camera is told to do, requests of RTSP, encodings.

use std::fmt;

use crate::service::words;
use serde::Serialize;

words! {
    /// A command of MOBOTIX's event stream by method name, as public clients write them (kvaster/mobell,
    /// waggle-sensor/plugin-mobotix-sampler). `trigger` opens doors, `kurator` changes settings.
    CameraCommand {
        /// The kind of pictures.
        Mode = "mode",
        /// Live pictures on or off.
        Live = "live",
        /// The size of pictures.
        Size = "size",
        /// Pictures per second.
        Fps = "fps",
        /// Pictures on or off.
        VideoEnable = "video_enable",
        /// The kind of sound.
        AudioOutput = "audiooutput",
        /// Messages about alarms, doors, events.
        Subscription = "subscription",
        /// Who can be called.
        ListAddressees = "list_addressees",
        /// One picture to compare with.
        ReferenceImage = "reference_image",
        /// A live view in small.
        PreviewLive = "preview_live",
        /// What the camera can do.
        CameraFeatures = "camerafeatures",
        /// What is recorded.
        RecInfo = "recinfo",
        /// Settings, read or written.
        Kurator = "kurator",
        /// What is recorded between two times.
        RangeInfo = "rangeinfo",
        /// A device is added.
        AddDevice = "add_device",
        /// A device is registered.
        RegisterDevice = "register_device",
        /// The bell is answered.
        BellAck = "bell_ack",
        /// An action, such as opening a door.
        Trigger = "trigger",
        /// A talk or a playback is stopped.
        Stop = "stop",
        /// A bell is silenced.
        Suppress = "suppress",
        /// Are you there.
        Ping = "ping",
        /// I am.
        Pong = "pong",
        /// A name that no source documents.
        Other = "other",
    }
}

words! {
    /// A request of RTSP (RFC 2326 §10, RFC 7826 §13).
    RtspMethod {
        /// What the server can do.
        Options = "OPTIONS",
        /// What there is to see.
        Describe = "DESCRIBE",
        /// What the client will send.
        Announce = "ANNOUNCE",
        /// Where media will flow.
        Setup = "SETUP",
        /// Media starts.
        Play = "PLAY",
        /// The server says how playing goes (RTSP 2.0).
        PlayNotify = "PLAY_NOTIFY",
        /// Media stops for a while.
        Pause = "PAUSE",
        /// The client sends media.
        Record = "RECORD",
        /// The client shall go to another host.
        Redirect = "REDIRECT",
        /// The session ends.
        Teardown = "TEARDOWN",
        /// A parameter is read, or the session kept alive.
        GetParameter = "GET_PARAMETER",
        /// A parameter is written.
        SetParameter = "SET_PARAMETER",
    }
}

words! {
    /// An encoding that a session description names in `a=rtpmap`.
    Codec {
        /// H.264 (RFC 6184).
        H264 = "H264",
        /// H.265 (RFC 7798).
        H265 = "H265",
        /// Motion JPEG (RFC 2435).
        Jpeg = "JPEG",
        /// MPEG-4 part 2 (RFC 6416).
        Mpeg4 = "MP4V-ES",
        /// An MPEG transport stream (RFC 2250).
        TransportStream = "MP2T",
        /// MOBOTIX's MxPEG.
        Mxpeg = "X-MXPEG",
        /// G.711 µ-law.
        Pcmu = "PCMU",
        /// G.711 A-law.
        Pcma = "PCMA",
        /// G.726.
        G726 = "G726-32",
        /// AAC (RFC 3640).
        Aac = "MPEG4-GENERIC",
        /// AAC as LATM (RFC 6416).
        Latm = "MP4A-LATM",
        /// Opus (RFC 7587).
        Opus = "OPUS",
        /// Uncompressed sound of 16 bits.
        L16 = "L16",
        /// ONVIF's metadata (ONVIF streaming specification).
        OnvifMetadata = "VND.ONVIF.METADATA",
    }
}
