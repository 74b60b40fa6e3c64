import Testing

/// Tests that start the real daemon and talk to it over sockets, one daemon at a time.
///
/// Each suite is an extension in a file of its own.
@Suite(.serialized)
struct EndToEndTests {}
