internal import Models
internal import Platform
internal import Support

/// Examples whose classes are known: a folder with a folder of files for each class, or a CSV of examples and classes.
struct LabelledExamples {
    /// One example: a file of an image, or the text of an instance.
    struct Example: Sendable {
        let source: String
        let classIndex: Int
    }

    let examples: [Example]

    private static let maxBytes = 256 << 20

    /// Reads which examples there are.
    ///
    /// - Parameters:
    ///   - path: the folder or the CSV; a class is given by its label or its number.
    ///   - model: whose classes they are; files of images are looked for beside the CSV.
    /// - Throws: `CommandError` that says where a class is unknown or a line is none.
    init(_ path: String, of model: Model) throws {
        let file = try ReadableFile(path: path)
        let found =
            file.kind == .directory
            ? try Self.rows(inFolder: path) : try Self.rows(inTable: path, takesImages: model.takesImages)
        let classes = ClassNames(model)
        examples = try found.map { row in
            do {
                return Example(source: row.source, classIndex: try classes.index(of: row.label))
            } catch {
                throw CommandError("\(row.place): \(error)")
            }
        }
        guard examples.count > 1 else {
            throw CommandError("\(path): expected examples, found \(examples.count)")
        }
    }

    private typealias Row = (place: String, source: String, label: String)

    private static func rows(inFolder folder: String) throws -> [Row] {
        var rows: [Row] = []
        for label in try DirectoryListing.names(in: folder).sorted() {
            let place = "\(folder)/\(label)"
            guard !label.utf8.starts(with: ".".utf8), try ReadableFile(path: place).kind == .directory else {
                continue
            }
            for name in try DirectoryListing.names(in: place).sorted() where !name.utf8.starts(with: ".".utf8)
            {
                rows.append((place, "\(place)/\(name)", label))
            }
        }
        return rows
    }

    private static func rows(inTable path: String, takesImages: Bool) throws -> [Row] {
        let bytes = try FileContents.read(path, maxBytes: maxBytes)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandError("\(path): expected UTF-8 text, found other bytes")
        }
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? ""
        return try CommaSeparated.records(text).enumerated().map { index, fields in
            let place = "\(path) record \(index + 1)"
            guard fields.count == 2 else {
                throw CommandError(
                    "\(place): expected an example and its class, found \(fields.count) fields"
                )
            }
            let isPath = takesImages && !fields[0].utf8.starts(with: "/".utf8)
            return (place, isPath ? folder + fields[0] : fields[0], fields[1])
        }
    }
}

extension Model {
    /// Whether its examples are images.
    var takesImages: Bool {
        switch input {
        case .image, .regions: true
        case .sequence, .frames, .tensors: false
        }
    }
}

/// Text of records whose fields have commas between them.
enum CommaSeparated {
    /// The fields of each record; a field in quotes may have commas, line ends and doubled quotes in it.
    ///
    /// - Source: RFC 4180, §2.
    static func records(_ text: String) throws -> [[String]] {
        var records: [[String]] = []
        var (record, field, isQuoted) = ([String](), String.UnicodeScalarView(), false)
        var rest = text.unicodeScalars[...]
        if rest.first == "\u{FEFF}" { rest.removeFirst() }
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"" where isQuoted && rest.first == "\"":
                field.append(rest.removeFirst())
            case "\"" where isQuoted || field.isEmpty: isQuoted.toggle()
            case "," where !isQuoted:
                record.append(String(field))
                field.removeAll()
            case "\r" where !isQuoted && rest.first == "\n": continue
            case "\n" where !isQuoted:
                if !record.isEmpty || !field.isEmpty { records.append(record + [String(field)]) }
                (record, field) = ([], String.UnicodeScalarView())
            default: field.append(scalar)
            }
        }
        guard !isQuoted else { throw CommandError("record \(records.count + 1): a quote is not closed") }
        if !record.isEmpty || !field.isEmpty { records.append(record + [String(field)]) }
        return records
    }

    /// A line of fields, of which those are in quotes that need it.
    ///
    /// - Source: RFC 4180, §2; lines end as Unix ends them.
    static func record(_ fields: [String]) -> String {
        fields.map { field in
            let isPlain = field.utf8.allSatisfy { !"\",\r\n".utf8.contains($0) }
            return isPlain
                ? field
                : "\""
                    + field.split(separator: "\"", omittingEmptySubsequences: false)
                    .joined(separator: "\"\"") + "\""
        }.joined(separator: ",") + "\n"
    }
}
