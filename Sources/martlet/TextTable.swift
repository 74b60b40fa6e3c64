/// A table for people: columns as wide as their widest cell, two spaces apart.
struct TextTable {
    let columns: [String]
    let rows: [[String]]

    var text: String {
        let lines = [columns] + rows
        let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            let cells = zip(line, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            let padded = cells.joined(separator: "  ")
            return String(padded.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}
