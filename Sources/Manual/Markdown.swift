internal import CMarkdown

/// A document in Markdown: CommonMark with GitHub's tables, as HTML with an anchor at each heading.
///
/// The parser is the reference implementation's (cmark-gfm). It is given the project's own documents and nothing from
/// outside. HTML within them is left out: what stands there are comments for tests.
package struct Markdown: Sendable, Equatable {
    /// A heading, with the name by which links reach it.
    package struct Heading: Sendable, Equatable {
        /// 1 for a title.
        package let level: Int
        package let text: String
        package let anchor: String
    }

    package let html: String
    package let headings: [Heading]
    /// Where its links and pictures lead, as they stand there.
    package let targets: [String]

    /// Renders a text.
    ///
    /// - Parameters:
    ///   - text: UTF-8.
    ///   - resolve: what a link or a picture leads to from the page; nil where that is nothing, and its text stands
    ///     alone.
    package init(_ text: [UInt8], resolve: (_ target: String) -> String?) {
        cmark_gfm_core_extensions_ensure_registered()
        guard let parser = unsafe cmark_parser_new(CMARK_OPT_DEFAULT) else {
            preconditionFailure("no parser")
        }
        defer { unsafe cmark_parser_free(parser) }
        if let table = unsafe cmark_find_syntax_extension("table") {
            _ = unsafe cmark_parser_attach_syntax_extension(parser, table)
        }
        unsafe text.withUnsafeBytes { bytes in
            unsafe cmark_parser_feed(parser, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
        }
        guard let root = unsafe cmark_parser_finish(parser) else { preconditionFailure("no document") }
        defer { unsafe cmark_node_free(root) }

        var slugs = Slugs()
        var (headings, targets): ([Heading], [String]) = ([], [])
        let nodes = unsafe Self.nodes(of: root)
        for index in unsafe nodes.indices {
            let node = unsafe nodes[index]
            switch unsafe cmark_node_get_type(node) {
            case CMARK_NODE_HTML_BLOCK, CMARK_NODE_HTML_INLINE: unsafe cmark_node_free(node)
            case CMARK_NODE_HEADING: headings.append(unsafe Self.anchor(node, &slugs))
            case CMARK_NODE_LINK, CMARK_NODE_IMAGE:
                let target = unsafe Self.url(node)
                targets.append(target)
                if let resolved = resolve(target) {
                    _ = unsafe cmark_node_set_url(node, resolved)
                } else {
                    unsafe Self.unwrap(node)
                }
            default: break
            }
        }
        self.headings = headings
        self.targets = targets
        html = unsafe Self.render(root, cmark_parser_get_syntax_extensions(parser))
    }

    /// All nodes, each before what it holds.
    private static func nodes(of root: OpaquePointer) -> [OpaquePointer] {
        guard let iterator = unsafe cmark_iter_new(root) else { return unsafe [] }
        defer { unsafe cmark_iter_free(iterator) }
        var nodes: [OpaquePointer] = unsafe []
        while true {
            switch unsafe cmark_iter_next(iterator) {
            case CMARK_EVENT_DONE: return unsafe nodes
            case CMARK_EVENT_ENTER:
                if let node = unsafe cmark_iter_get_node(iterator) { unsafe nodes.append(node) }
            default: break
            }
        }
    }

    /// Puts an anchor at the end of a heading.
    private static func anchor(_ heading: OpaquePointer, _ slugs: inout Slugs) -> Heading {
        var text = ""
        let inlines = unsafe nodes(of: heading)
        for index in unsafe inlines.indices {
            guard let literal = unsafe cmark_node_get_literal(inlines[index]) else { continue }
            text += unsafe String(cString: literal)
        }
        let name = slugs.next(for: text)
        if let anchor = unsafe cmark_node_new(CMARK_NODE_CUSTOM_INLINE) {
            let link = """
                <a class="anchor" id="\(name)" href="#\(name)" aria-label="Link to this section"></a>
                """
            _ = unsafe cmark_node_set_on_enter(anchor, link)
            _ = unsafe cmark_node_append_child(heading, anchor)
        }
        return Heading(level: Int(unsafe cmark_node_get_heading_level(heading)), text: text, anchor: name)
    }

    private static func url(_ link: OpaquePointer) -> String {
        guard let url = unsafe cmark_node_get_url(link) else { return "" }
        return unsafe String(cString: url)
    }

    /// Replaces a link by its text.
    private static func unwrap(_ link: OpaquePointer) {
        while let child = unsafe cmark_node_first_child(link) {
            _ = unsafe cmark_node_insert_before(link, child)
        }
        unsafe cmark_node_free(link)
    }

    private static func render(
        _ root: OpaquePointer,
        _ extensions: UnsafeMutablePointer<cmark_llist>?
    ) -> String {
        guard let html = unsafe cmark_render_html(root, CMARK_OPT_DEFAULT, extensions) else { return "" }
        let text = unsafe String(cString: html)
        unsafe cmark_get_default_mem_allocator().pointee.free(html)
        return text
    }
}

/// The names that GitHub gives to the headings of a document.
struct Slugs {
    private var counts: [String: Int] = [:]

    /// Letters and digits in lower case, hyphens for blanks; a number behind what was there before.
    mutating func next(for heading: String) -> String {
        var slug = ""
        for scalar in heading.lowercased().unicodeScalars {
            if scalar == " " {
                slug += "-"
            } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "-"
                || scalar == "_"
            {
                slug.unicodeScalars.append(scalar)
            }
        }
        let count = counts[slug, default: 0]
        counts[slug] = count + 1
        return count == 0 ? slug : "\(slug)-\(count)"
    }
}
