import API
import Foundation
import Testing

extension EndToEndTests {
    @Suite struct LifecycleTests {
        @Test func `says READY=1 once it listens and STOPPING=1 when it ends`() throws {
            let notify = try NotifySocket()
            try Daemon.serving(notify: notify) { daemon in
                let before = try notify.receive(until: "READY=1")
                #expect(!before.contains("STOPPING=1"))
                #expect(try daemon.isListening())
                let client = try Client(port: daemon.port)
                #expect(try client.request("GET", "/readyz").status == 200)
                let listing: Listing = try client.request("GET", "/v1/models").decoded()
                #expect(!listing.models.isEmpty)
                #expect(listing.models.allSatisfy { $0.state == "ready" })
                daemon.terminate()
                let after = try notify.receive(until: "STOPPING=1")
                #expect(!after.contains("READY=1"))
            }
        }

        @Test func `starts and ends without a service manager`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                #expect(try client.request("GET", "/livez").status == 200)
            }
        }

        @Test func `finishes the request in flight when it is told to end`() throws {
            try Daemon.serving { daemon in
                let client = try Client(port: daemon.port)
                let image = try Repository.example("digit-7.png")
                let request = Client.encode("POST", "/v1/models/digits:classify", body: image)
                try client.send(Array(request[..<200]))
                // An answer on a later connection: by now the first bytes have been read.
                #expect(try Client(port: daemon.port).request("GET", "/livez").status == 200)
                daemon.terminate()
                // The signal takes its time; from when it was heard on, new connections are refused.
                while (try? Client(port: daemon.port)) != nil {}
                try client.send(Array(request[200...]))
                let answer = try client.receive()
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.fields["connection"]?.lowercased() == "close")
                #expect(try client.isAtEnd())
            }
        }
    }
}
