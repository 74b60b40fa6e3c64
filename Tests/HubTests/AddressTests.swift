import Foundation
import Hub
import Testing

@Suite struct AddressTests {
    @Test(arguments: [
        ("https://huggingface.co/timm/x", "https", "huggingface.co", 443),
        ("HTTP://LocalHost:8080", "http", "localhost", 8080),
        ("https://[::1]:7/x?y#z", "https", "[::1]", 7),
        ("http://127.0.0.1", "http", "127.0.0.1", 80),
    ])
    func `knows the host that an address leads to`(
        _ text: String,
        _ scheme: String,
        _ host: String,
        _ port: Int
    ) throws {
        let address = try #require(WebAddress(text))
        #expect(address.scheme == scheme && address.host == host && address.port == port)
    }

    @Test(arguments: [
        "ftp://x/y", "https://", "https://user@host/x", "https://a:b@host/", "https://good.org\\@evil.org/",
        "https://a b/",
        "https://host:0/", "https://host:70000/", "https://host:x/", "https://%65vil/", "https://[::1/",
        "file:///etc/passwd",
        "https://ho\u{301}st/", "https://host\r\nX: y/",
    ])
    func `takes for no address what two readers may understand in two ways`(_ text: String) {
        #expect(WebAddress(text) == nil)
    }

    @Test(arguments: [
        ("timm/resnet50.a1_in1k", "timm/resnet50.a1_in1k", "main"),
        ("timm/resnet50.a1_in1k@refs/pr/1", "timm/resnet50.a1_in1k", "refs/pr/1"),
        ("gpt2", "gpt2", "main"),
        ("https://huggingface.co/timm/resnet50.a1_in1k", "timm/resnet50.a1_in1k", "main"),
        ("https://huggingface.co/timm/resnet50.a1_in1k/tree/v2", "timm/resnet50.a1_in1k", "v2"),
    ])
    func `reads a repository`(_ text: String, _ id: String, _ revision: String) throws {
        let endpoint = try #require(WebAddress("https://huggingface.co"))
        #expect(try PullSource(text, endpoint: endpoint) == .repository(id, revision: revision))
    }

    @Test(arguments: ["", "a/b/c", "../x", "a/..", "a b/c", "x@", "x@../y", "a/b?c", "a/b@x y"])
    func `refuses what is no repository`(_ text: String) throws {
        let endpoint = try #require(WebAddress("https://huggingface.co"))
        #expect(throws: PullError.self) { try PullSource(text, endpoint: endpoint) }
    }

    @Test func `finds the token where other tools have kept it`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "hub-tests-\(UUID().uuidString)")
        let kept = folder.appending(path: ".cache/huggingface/token")
        try FileManager.default.createDirectory(
            at: kept.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        defer { try? FileManager.default.removeItem(at: folder) } // a leftover harms nobody
        try Data("hf_kept\n".utf8).write(to: kept)
        let home = ["HOME": folder.path]
        #expect(try HubSettings(environment: home).token == "hf_kept")
        #expect(
            try HubSettings(environment: home.merging(["HF_TOKEN": "hf_given"]) { $1 }).token == "hf_given"
        )
        #expect(try HubSettings(environment: home.merging(["HF_HOME": "/nowhere"]) { $1 }).token == nil)
        #expect(
            try HubSettings(environment: home.merging(["HF_TOKEN_PATH": kept.path, "HF_HOME": "/"]) { $1 })
                .token == "hf_kept"
        )
        #expect(
            try HubSettings(environment: home.merging(["HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]) { $1 }).token
                == nil
        )
        #expect(throws: PullError.self) { try HubSettings(environment: ["HF_TOKEN": "a\u{1}b"]) }
        #expect(throws: PullError.self) { try HubSettings(environment: ["HF_ENDPOINT": "huggingface.co"]) }
    }

    @Test(arguments: [
        ("apache-2.0", false), ("MIT", false), ("cc-by-4.0", false), ("cc-by-nc-4.0", true),
        ("openrail", true), ("other", true),
        (nil, true), ("unknown", true),
    ])
    func `warns of a licence that may not allow every use`(_ name: String?, _ warns: Bool) {
        #expect((Licence(name: name).warning(page: "p") != nil) == warns)
    }

    @Test func `pauses longer and longer, and as a server says`() {
        let policy = RetryPolicy()
        #expect(policy.pause(after: 1, wish: nil, chance: 1) == .seconds(1))
        #expect(policy.pause(after: 4, wish: nil, chance: 0) == .seconds(4))
        #expect(policy.pause(after: 5, wish: nil, chance: 0) == nil)
        #expect(policy.pause(after: 1, wish: .seconds(90), chance: 0) == .seconds(90))
        #expect(policy.pause(after: 1, wish: .seconds(3000), chance: 0) == nil)
    }
}
