/// A rendered document with its place in the manual.
struct ManualPage: Sendable {
    let section: String
    let name: String
    let markdown: Markdown

    /// Its first heading.
    var title: String { markdown.headings.first?.text ?? name }
    /// The headings that a table of contents lists.
    var sections: [Markdown.Heading] { markdown.headings.filter { $0.level == 2 } }
}

/// What stands around the text of each page: navigation, style, the way on.
struct ManualLayout {
    let pages: [ManualPage]
    let style: String

    /// A page with the navigation, its own sections open in it.
    func page(at index: Int) -> String {
        let page = pages[index]
        let previous = index > 0 ? link(pages[index - 1], "← \(pages[index - 1].title)") : ""
        let next = index + 1 < pages.count ? link(pages[index + 1], "\(pages[index + 1].title) →") : ""
        return document(
            title: page.title,
            root: "../",
            navigation: list(folder: "") { $0.name == page.name },
            body: page.markdown.html + "<footer><span>\(previous)</span><span>\(next)</span></footer>\n"
        )
    }

    /// Every page with every section, seen from beside the folder of pages.
    var contents: String {
        let pages = list(folder: "docs/") { _ in true }
        return document(
            title: "The manual",
            root: "./",
            navigation: nil,
            body: "<h1>The manual</h1>\n<nav aria-label=\"Contents\">\n\(pages)</nav>\n"
        )
    }

    private func document(
        title: String,
        root: String,
        navigation: String?,
        body: String
    ) -> String {
        let side = navigation.map { "<nav aria-label=\"Manual\">\n\($0)</nav>\n" } ?? ""
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(Self.escaped(title)) – Martlet</title>
            <style>\(style)</style>
            </head>
            <body>
            <a class="skip" href="#main">To the text</a>
            <header><strong><a href="\(root)">Martlet</a></strong><a href="\(root)docs">Manual</a>\
            <a href="\(root)">Playground</a></header>
            <div class="columns\(navigation == nil ? " single" : "")">
            \(side)<main id="main">
            \(body)</main>
            </div>
            </body>
            </html>

            """
    }

    /// The pages by sections of the manual; `opens` says of which the headings are listed, the one page of a navigation being
    /// the current one.
    private func list(folder: String, opens: (ManualPage) -> Bool) -> String {
        let isNavigation = folder.isEmpty
        var html = ""
        var section = ""
        for page in pages {
            if page.section != section {
                html += section.isEmpty ? "" : "</ul>\n"
                section = page.section
                html += "<h2>\(Self.escaped(section))</h2>\n<ul>\n"
            }
            let isOpen = opens(page)
            let mark = isOpen && isNavigation ? " aria-current=\"page\"" : ""
            html += "<li><a href=\"\(folder)\(page.name)\"\(mark)>\(Self.escaped(page.title))</a>"
            if isOpen, !page.sections.isEmpty {
                let items = page.sections.map { heading in
                    let href = "\(folder)\(page.name)#\(heading.anchor)"
                    return "<li><a href=\"\(href)\">\(Self.escaped(heading.text))</a></li>\n"
                }
                html += "\n<ul>\n\(items.joined())</ul>\n"
            }
            html += "</li>\n"
        }
        return html + (section.isEmpty ? "" : "</ul>\n")
    }

    private func link(_ page: ManualPage, _ text: String) -> String {
        "<a href=\"\(page.name)\">\(Self.escaped(text))</a>"
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
