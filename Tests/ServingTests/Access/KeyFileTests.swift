import API
import Platform
import Tensors
import Testing

struct KeyFileTests {
    private static let digest = AccessKey.Digest(of: Array("mk-secret".utf8))

    private func keys(_ text: String) throws -> [AccessKey.Definition] {
        try KeyFile.keys(in: text, path: "k")
    }

    @Test func `reads names, digests and what they open`() throws {
        let other = AccessKey.Digest(of: Array("other".utf8))
        let keys = try keys(
            """
            # two
            b: sha256:\(Self.digest.hex) scope=infer,admin models=resnet*,digits rate=2.5 burst=10  # ours
            a: 'sha256:\(Self.digest.hex)   sha256:\(other.hex)'
            """
        )
        #expect(keys.map(\.name) == ["a", "b"])
        #expect(keys[0].digests == [Self.digest, other])
        #expect(keys[0].rate == nil)
        #expect(keys[1].rate == TokenBucket.Rate(perSecond: 2.5, burst: 10))
    }

    @Test func `the digest is the SHA-256 of the key`() {
        let text = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
        #expect(AccessKey.Digest(of: Array("secret".utf8)).hex == text)
        #expect(AccessKey.Digest(hex: Substring(text)) == AccessKey.Digest(of: Array("secret".utf8)))
        #expect(AccessKey.Digest(hex: Substring(text)) != Self.digest)
        #expect(AccessKey.Digest(hex: "2bb8") == nil)
    }

    // swift-format-ignore
    static let faults: [(String, String)] = [
        ("",                                  "k: there are no keys; martlet key makes one, and its line"),
        ("a: mk-secret",                      "k: a: expected 'sha256:' and the digest of a key, 'scope=…', 'models=…', 'rate=…', 'burst=…'"),
        ("a: scope=infer",                    "k: a: expected 'sha256:' and the digest of a key"),
        ("a: sha256:mk-secret",               "k: a: expected 64 hexadecimal digits behind 'sha256:'"),
        ("a: sha256:\(digest.hex) scope=all", "k: a: scope: expected infer, admin"),
        ("a: sha256:\(digest.hex) scope=probe", "k: a: scope: expected infer, admin"),
        ("a: sha256:\(digest.hex) models=",   "k: a: models: expected names of models, in which * stands for any"),
        ("a: sha256:\(digest.hex) rate=0",    "k: a: rate: expected a number from 0.001 to 1000000"),
        ("a: sha256:\(digest.hex) burst=2",   "k: a: 'burst' needs a 'rate'"),
        ("a: sha256:\(digest.hex) rat=2",     "k: a: expected 'sha256:' and the digest of a key, 'scope=…', 'models=…', 'rate=…', 'burst=…'"),
        ("a: x: mk-secret",                   "k: not YAML: line 1 has a second ': '"),
    ]

    @Test(arguments: faults)
    func `says what is wrong, and never what was there`(text: String, message: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try keys(text) }
        #expect(error?.description == message)
        #expect(!(error?.description.contains("mk-secret") ?? true))
    }

    @Test func `mutated files are read or refused, and no message has a word of them`() {
        var random = SplitMix64(seed: 5)
        let seed = Array(
            "a: sha256:\(Self.digest.hex) models=x*,y rate=2 burst=3\nb: mk-Secret\n".utf8
        )
        for _ in 0..<10_000 {
            var text = seed
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                if Bool.random(using: &random) {
                    text[place] = UInt8.random(in: 0x20...0x7E, using: &random)
                } else {
                    text.remove(at: place)
                }
            }
            do {
                _ = try keys(String(decoding: text, as: UTF8.self))
            } catch {
                #expect(!"\(error)".contains("Secret"), "seed 5")
            }
        }
    }

    @Test func `writes the line that it reads`() throws {
        let options = [(name: "scope", value: "admin"), (name: "rate", value: "5")]
        let line = try KeyFile.line("ops", digest: Self.digest, options: options)
        #expect(line == "ops: sha256:\(Self.digest.hex) scope=admin rate=5")
        #expect(try keys(line).map(\.digests) == [[Self.digest]])
        for name in ["a b", "", "a:b", "#a", "a\nb"] {
            #expect(throws: ConfigurationError.self) {
                try KeyFile.line(name, digest: Self.digest, options: [])
            }
        }
        #expect(throws: ConfigurationError.self) {
            try KeyFile.line("a", digest: Self.digest, options: [(name: "models", value: "a b")])
        }
    }
}

struct TokenBucketTests {
    @Test func `gives what has come in since, and says how long until there is more`() {
        let start = ContinuousClock.now
        var bucket = TokenBucket(TokenBucket.Rate(perSecond: 2, burst: 3), now: start)
        for _ in 0..<3 { #expect(bucket.take(now: start) == nil) }
        #expect(bucket.take(now: start) == .milliseconds(500))
        #expect(bucket.take(now: start + .milliseconds(250)) == .milliseconds(250))
        #expect(bucket.take(now: start + .milliseconds(500)) == nil)
        #expect(!bucket.isFull(now: start + .seconds(1)))
        #expect(bucket.isFull(now: start + .seconds(3)))
        // A clock of another thread that is behind takes nothing away.
        #expect(bucket.take(now: start) == .milliseconds(500))
        for _ in 0..<3 { #expect(bucket.take(now: start + .seconds(60)) == nil) }
        #expect(bucket.take(now: start + .seconds(60)) != nil)
    }
}

struct HostListTests {
    // swift-format-ignore
    static let hosts: [(list: [String], host: String?, isIn: Bool)] = [
        ([],                    "localhost",            true),
        ([],                    "LocalHost:8080",       true),
        ([],                    "a.localhost:1",        true),
        ([],                    "localhost.",           true),
        ([],                    "127.0.0.1:8080",       true),
        ([],                    "192.168.7.3",          true),
        ([],                    "[::1]:8080",           true),
        ([],                    nil,                    true),
        ([],                    "evil.example",         false),
        ([],                    "localhost.evil.example:8080", false),
        ([],                    "martlet:8080",         true),
        ([],                    "evil.",                false),
        (["m.example"],         "martlet",              false),
        ([],                    "127.0.0.1.evil.example", false),
        (["m.example"],         "M.example:80",         true),
        (["m.example"],         "x.m.example",          false),
        (["*.m.example"],       "x.m.example",          true),
        (["*.m.example"],       "m.example",            false),
        (["m.example"],         "localhost:8080",       true),
        (["*"],                 "anything",             true),
    ]

    @Test(arguments: hosts)
    func `takes addresses, localhost and what is listed`(list: [String], host: String?, isIn: Bool) {
        #expect(HostList(list).contains(host) == isIn)
    }

    // swift-format-ignore
    @Test(arguments: [
        ("127.0.0.1", true), ("127.8.8.8", true), ("localhost", true), ("::1", true), ("[::1]", true),
        ("unix:/run/m.sock", true), ("/run/m.sock", true),
        ("0.0.0.0", false), ("::", false), ("10.0.0.1", false), ("", false), ("127.example", false), ("m.example", false),
    ])
    func `knows which addresses are this machine's own`(address: String, isLocal: Bool) {
        #expect(HostList.isLocal(address) == isLocal)
    }
}
