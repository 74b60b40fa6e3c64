internal import CDocuments
internal import Platform

/// The manual: the repository's documents as pages that link each other, without anything from elsewhere.
///
/// Links are relative, as they are on GitHub, so that the pages work under any path that a proxy has put the daemon at. To add a
/// page: two lines in `Sources/CDocuments/documents.c`.
package struct Manual: Sendable {
    /// A page or a picture, as it is sent.
    package struct Entry: Sendable {
        package let type: String
        package let bytes: [UInt8]
        /// Tells one content from another.
        package let digest: [UInt8]

        init(type: String, _ bytes: [UInt8]) {
            (self.type, self.bytes, digest) = (type, bytes, SHA256.digest(bytes))
        }
    }

    /// A document before it is a page.
    struct Document {
        let section: String
        let name: String
        let path: String
        let bytes: [UInt8]
    }

    /// The manual that was compiled in; rendered when it is first asked for.
    package static let bundled = Manual(
        (0..<document_count()).map { index in
            let document = unsafe document_at(index)
            return unsafe Document(
                section: String(cString: document.section),
                name: String(cString: document.name),
                path: String(cString: document.path),
                bytes: Array(UnsafeBufferPointer(start: document.bytes, count: document.count))
            )
        }
    )

    /// The contents of all pages; its links are relative to the folder in which the pages are.
    package let contents: Entry
    /// By name: `weights`, `playground.png`.
    package let entries: [String: Entry]
    /// What stands between `<style>` and `</style>` on each page.
    package let style: [UInt8]
    /// Links to other documents that lead nowhere, as `from: to`; a test finds them.
    package let deadLinks: [String]

    init(_ documents: [Document]) {
        style = documents.first { $0.name == "manual.css" }?.bytes ?? []
        let names = Dictionary(documents.lazy.map { ($0.path, $0.name) }) { first, _ in first }
        let texts = documents.filter { !$0.section.isEmpty }
        let pages = texts.map { document in
            let markdown = Markdown(document.bytes) { Self.resolve($0, in: document.path, names) }
            return ManualPage(section: document.section, name: document.name, markdown: markdown)
        }
        let layout = ManualLayout(pages: pages, style: String(decoding: style, as: UTF8.self))
        var entries: [String: Entry] = [:]
        for document in documents where document.name.hasSuffix(".png") {
            entries[document.name] = Entry(type: "image/png", document.bytes)
        }
        for index in pages.indices {
            entries[pages[index].name] = Entry(type: Self.html, Array(layout.page(at: index).utf8))
        }
        self.entries = entries
        contents = Entry(type: Self.html, Array(layout.contents.utf8))
        deadLinks = Self.deadLinks(texts, pages, names)
    }

    private static let html = "text/html; charset=utf-8"

    /// What a link in a document leads to from its page: another page, or a place outside the repository.
    private static func resolve(_ target: String, in path: String, _ names: [String: String]) -> String? {
        if target.hasPrefix("#") || target.contains("://") { return target }
        let (file, fragment) = split(target)
        return names[normalized(file, from: path)].map { $0 + fragment }
    }

    private static func deadLinks(
        _ documents: [Document],
        _ pages: [ManualPage],
        _ names: [String: String]
    ) -> [String] {
        let anchors = Dictionary(
            zip(documents, pages).map { ($0.path, Set($1.markdown.headings.map(\.anchor))) }
        ) { first, _ in first }
        return zip(documents, pages).flatMap { document, page in
            page.markdown.targets.compactMap { target in
                if target.contains("://") { return nil }
                let (file, fragment) = split(target)
                let path = file.isEmpty ? document.path : normalized(file, from: document.path)
                guard path.hasSuffix(".md") else { return nil }
                guard let known = anchors[path] else { return "\(document.path): \(target)" }
                if fragment.isEmpty || known.contains(String(fragment.dropFirst())) { return nil }
                return "\(document.path): \(target)"
            }
        }
    }

    /// The file of a target, and its fragment with the `#`.
    private static func split(_ target: String) -> (file: String, fragment: String) {
        let file = target.prefix { $0 != "#" }
        return (String(file), String(target[file.endIndex...]))
    }

    /// A path of the repository, from one that is relative to a document's folder.
    private static func normalized(_ file: String, from document: String) -> String {
        var parts = document.split(separator: "/").dropLast()
        for part in file.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts.joined(separator: "/")
    }
}
