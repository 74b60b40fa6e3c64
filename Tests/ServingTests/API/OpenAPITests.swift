import Support
import Testing

/// What `/openapi.json` says of the routes.
struct OpenAPITests {
    private let document: JSONValue

    init() throws {
        let answer = try BundledAPI([]).get("/openapi.json")
        #expect(answer.status == 200)
        document = answer.json
    }

    @Test func `every route is there and says what it is for`() throws {
        #expect(document["openapi"] == .string("3.1.0"))
        let paths = try #require(document["paths"]).members
        #expect(paths.contains { $0.key == "/v1/models/{model}:classify" })
        #expect(paths.contains { $0.key == "/openapi.json" })
        for path in paths {
            for operation in path.value.members {
                let summary = operation.value["summary"]?.textValue ?? ""
                let isDescribed = !summary.isEmpty && !summary.contains("/")
                #expect(isDescribed, "\(operation.key) \(path.key) has no RouteDescription")
                let statuses = operation.value["responses"]?.members.map(\.key) ?? []
                #expect(statuses.contains { $0.hasPrefix("2") || $0 == "501" }, "\(path.key) has no answer")
                #expect(statuses.contains("default"))
            }
        }
    }

    @Test func `operations have names of their own`() throws {
        let operations = try #require(document["paths"]).members.flatMap(\.value.members)
        let names = operations.compactMap { $0.value["operationId"]?.textValue }
        #expect(names.count == operations.count)
        #expect(Set(names).count == names.count)
    }

    @Test func `the holes of a path are its parameters`() throws {
        for path in try #require(document["paths"]).members {
            let holes = path.key.split(separator: "{").dropFirst().map {
                String($0.prefix { $0 != "}" })
            }
            for operation in path.value.members {
                guard case .array(let parameters)? = operation.value["parameters"] else {
                    #expect(holes.isEmpty)
                    continue
                }
                let inPath = parameters.filter { $0["in"] == .string("path") }
                #expect(inPath.compactMap { $0["name"]?.textValue } == holes)
            }
        }
    }

    @Test func `every reference leads somewhere`() throws {
        let schemas = Set(try #require(document["components"]?["schemas"]).members.map(\.key))
        var references: [String] = []
        collect(document, into: &references)
        #expect(!references.isEmpty)
        for reference in references {
            let name = reference.dropFirst("#/components/schemas/".count)
            #expect(schemas.contains(String(name)), "\(reference)")
        }
    }

    private func collect(_ value: JSONValue, into references: inout [String]) {
        switch value {
        case .object(let object):
            for member in object.members {
                if member.key == "$ref", case .string(let reference) = member.value {
                    references.append(reference)
                }
                collect(member.value, into: &references)
            }
        case .array(let elements): for element in elements { collect(element, into: &references) }
        default: break
        }
    }
}

extension JSONValue {
    fileprivate var members: [JSONObject.Member] {
        guard case .object(let object) = self else { return [] }
        return object.members
    }
}
