package import Support

/// The names of classes in a file of their own: one a line, or the JSON of other libraries where its name ends in `.json`.
package enum LabelFile {
    /// Where a configuration has its labels: transformers, timm of today and of earlier.
    private static let keys = ["id2label", "label_names", "labels"]

    /// Reads a file's text.
    ///
    /// - Parameters:
    ///   - bytes: the text.
    ///   - file: its name, for messages, and for what it is.
    ///   - classes: how many there are, where that is known.
    /// - Returns: the names by the numbers of their classes.
    /// - Throws: `FormatError` that begins with the file's name.
    package static func labels(parsing bytes: [UInt8], file: String, classes: Int?) throws(FormatError)
        -> [String]
    {
        guard file.utf8.reversed().starts(with: ".json".utf8.reversed()) else {
            return try TextLines.split(bytes, file: file)
        }
        do {
            var reader = JSONReader(try Manifest.document(parsing: bytes))
            if case .object(let object) = reader.value {
                let fields = JSONFields(path: "", object: object)
                reader = keys.lazy.compactMap(fields.optional).first ?? reader
            }
            return try names(reader, classes: classes)
        } catch {
            throw FormatError(file, error.description)
        }
    }

    /// The names in an array, or under the numbers of their classes; a class without a name is called by its number.
    ///
    /// - Throws: `FormatError` for a name that is none, and for more or fewer than there are classes.
    static func names(_ reader: JSONReader, classes: Int?) throws(FormatError) -> [String] {
        switch reader.value {
        case .array(let elements):
            if let classes, classes != elements.count {
                throw reader.fault(
                    "expected \(classes) labels for \(classes) classes, found \(elements.count)"
                )
            }
            var names: [String] = []
            for element in try reader.array() { names.append(try name(element)) }
            return names
        case .object(let object): return try names(reader, object, count: classes ?? object.members.count)
        default: throw reader.fault("expected an array or an object, found \(reader.value.kind)")
        }
    }

    private static func names(
        _ reader: JSONReader,
        _ object: JSONObject,
        count: Int
    ) throws(FormatError) -> [String] {
        var names: [String?] = Array(repeating: nil, count: count)
        let fields = JSONFields(path: reader.path, object: object)
        for member in object.members {
            let place = JSONReader(member.value, path: fields.place(member.key))
            guard let index = Int(member.key), names.indices.contains(index) else {
                throw place.fault("expected the number of a class, 0 to \(count - 1)")
            }
            guard names[index] == nil else { throw place.fault("class \(index) has two names") }
            names[index] = try name(place)
        }
        return names.enumerated().map { $1 ?? "\($0)" }
    }

    /// A name by itself or, as Keras has it, behind the identifier of its synset: `["n01440764", "tench"]`.
    private static func name(_ reader: JSONReader) throws(FormatError) -> String {
        guard case .array(let parts) = reader.value, parts.count == 2, case .string(let name) = parts[1]
        else { return try reader.string() }
        return name
    }
}
