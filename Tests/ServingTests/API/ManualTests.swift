import Foundation
import HTTP
import HTTPTypes
import Manual
import Support
import Testing

/// The manual as the daemon shows it.
struct ManualTests {
    @Test func `the contents lead to every page and every section`() throws {
        let contents = try read("/docs")
        #expect(contents.status == 200)
        let pages = Manual.bundled.entries.filter { $0.value.type.hasPrefix("text/html") }.keys
        #expect(pages.count >= 12)
        for page in pages {
            #expect(contents.text.contains("<a href=\"docs/\(page)\">"), "\(page)")
        }
        #expect(contents.text.contains("<a href=\"docs/http#clients-of-other-servers\">"))
    }

    @Test func `no link within the manual is dead`() {
        #expect(Manual.bundled.deadLinks == [])
    }

    @Test func `pages link each other, and nothing beside them, from wherever a proxy has put them`() throws {
        for (name, entry) in Manual.bundled.entries where entry.type.hasPrefix("text/html") {
            let html = String(decoding: entry.bytes, as: UTF8.self)
            for link in targets(of: html) where !link.contains("://") && !link.hasPrefix("#") {
                let page = String(link.prefix { $0 != "#" })
                let isKnown = ["../", "../docs"].contains(page) || Manual.bundled.entries[page] != nil
                #expect(isKnown, "\(name) leads to \(link)")
            }
            // Nothing is loaded from elsewhere: the only places outside are links that a reader follows.
            #expect(!html.contains("src=\"http") && !html.contains("<script") && !html.contains("<link"))
        }
    }

    @Test func `a page has its headings as anchors, its tables and its code, and no comments`() throws {
        let page = try read("/docs/weights")
        #expect(page.status == 200)
        #expect(page.fields[.contentType] == "text/html; charset=utf-8")
        for part in ["id=\"serve-your-own-weights\"", "<table>", "<code class=\"language-json\">"] {
            #expect(page.text.contains(part), "\(part)")
        }
        #expect(!page.text.contains("<!-- ") && !page.text.contains("raw HTML"))
        #expect(page.text.contains("aria-current=\"page\""))
        #expect(try read("/docs/weights.md").text == page.text)
    }

    @Test func `a wrong name is told the nearest`() throws {
        let answer = try read("/docs/weigths")
        #expect(answer.status == 404)
        #expect(answer.text.contains("the manual has no page 'weigths'; did you mean 'weights'?"))
        #expect(answer.text.contains("page_not_found"))
    }

    @Test func `a page that the client has is not sent again`() throws {
        let page = try read("/docs/http")
        let tag = try #require(page.fields[.eTag])
        for known in [tag, "\"other\", \(tag)", "*", String(tag.dropFirst(2))] {
            let again = try read("/docs/http", [.ifNoneMatch: known])
            #expect(again.status == 304 && again.text.isEmpty, "\(known)")
            #expect(again.fields[.eTag] == tag)
        }
        #expect(try read("/docs/http", [.ifNoneMatch: "\"other\""]).status == 200)
    }

    @Test func `a page may run nothing, and have the one style`() throws {
        let policy = try #require(try read("/docs/start").fields[.contentSecurityPolicy])
        #expect(policy.contains("default-src 'none'") && policy.contains("style-src 'sha256-"))
        #expect(!policy.contains("unsafe"))
    }

    @Test(
        arguments: [
            ("What it is – and isn't", "what-it-is--and-isnt"), ("`:classify`", "classify"),
            ("Größe 2, x_y", "größe-2-x_y"), ("`/v2/models/{m}/infer`", "v2modelsminfer"),
        ]
    )
    func `headings are named as on GitHub`(_ heading: String, _ anchor: String) throws {
        let markdown = Markdown(Array("# \(heading)\n\n# \(heading)\n".utf8)) { $0 }
        #expect(markdown.headings.map(\.anchor) == [anchor, "\(anchor)-1"])
    }

    @Test func `a link to what is no page is its text`() {
        let text = Array("[a *file*](../Sources/x.swift), [page](b.md#c), ![picture](p.png)".utf8)
        let markdown = Markdown(text) { $0.hasSuffix(".swift") ? nil : "there" }
        #expect(
            markdown.html
                == "<p>a <em>file</em>, <a href=\"there\">page</a>, <img src=\"there\" alt=\"picture\" /></p>\n"
        )
        #expect(markdown.targets == ["../Sources/x.swift", "b.md#c", "p.png"])
    }

    private struct Answer {
        let status: Int
        let fields: HTTPFields
        let text: String
    }

    private func read(_ path: String, _ fields: HTTPFields = [:]) throws -> Answer {
        let api = try BundledAPI([])
        let request = Request(method: .get, path: path, query: Query([]), fields: fields)
        let response = api.service.respond(to: request)
        return Answer(
            status: response.status.code,
            fields: response.fields,
            text: String(decoding: response.body, as: UTF8.self)
        )
    }

    private func targets(of html: String) -> [String] {
        html.matches(of: #/(?:href|src)="([^"]*)"/#).map { String($0.1) }
    }
}
