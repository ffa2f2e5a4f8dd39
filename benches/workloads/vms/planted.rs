//! Twelve things that are wrong on the site, the same ones as in the demo capture of the fixtures. They are
//! thirteen violations: the factory password also goes over the wire in clear.

/// Keys of the step of each.
pub(super) const PLANTED: [&str; 12] = [
    // A camera calls somebody on the internet.
    "from = '10.20.0.17:61001'\nto = '203.0.113.9:443'\nsay = 'tls'\nversion = '1.2'\nsni = 'p2p.cloud.example'",
    // A client fetches video from a camera past the recorder.
    "from = '10.30.1.7:61002'\nto = '10.20.0.18:554'\nsay = 'rtsp'",
    // A port for processes of the management server is reached over the network.
    "from = '10.30.1.7:61003'\nto = '10.10.1.10:8080'\nsay = 'http'",
    // A camera mails its events to the recorder.
    "from = '10.20.0.18:61004'\nto = '10.10.2.1:25'\nsay = 'smtp'",
    // Video push to the mobile server, which the site did not switch on.
    "from = '10.10.2.1:61005'\nto = '10.40.0.2:40001'\nsay = 'http'",
    // A camera opens RTSP at the recorder: the other way round.
    "from = '10.20.0.17:61006'\nto = '10.10.2.1:554'\nsay = 'rtsp'",
    // SSH where ImageServer is expected.
    "from = '10.30.1.7:61007'\nto = '10.10.2.1:7563'\nsay = 'ssh'",
    // A computer that nobody named asks the management server.
    "from = '10.30.0.88:61008'\nto = '10.10.1.10:80'\nsay = 'http'",
    // A client reaches the port that is for recording servers.
    "from = '10.30.1.7:61009'\nto = '10.10.1.10:9000'\nsay = 'http'",
    // The recorder takes a camera's TLS 1.0.
    "from = '10.10.2.1:61010'\nto = '10.20.0.18:443'\nsay = 'tls'\nversion = '1.0'",
    // RTSP with a password in clear.
    "from = '10.10.2.1:61011'\nto = '10.20.0.19:554'\nsay = 'rtsp'\nauth = 'basic'",
    // MxMC opens a MOBOTIX camera with the maker's password, and over plain HTTP.
    "from = '10.30.3.1:61012'\nto = '10.20.1.6:80'\nsay = 'event-stream'\nauth = 'factory'",
];
