internal import Platform

/// The names of many files, one after another, of which few are held: arguments, the images below folders, lists.
///
/// `-` stands for a list that comes through standard input. Of a folder the files with the name of an image are taken, in
/// order, and those of the folders in it; what begins with a dot is left alone.
struct FileNames: ~Copyable {
    private static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "png", "gif", "webp", "bmp"]
    /// Links can lead around in circles.
    private static let maxDepth = 32

    private struct Place {
        let path: String
        let depth: Int
    }

    /// What is still to be looked at, the next one last.
    private var places: [Place]
    private var list: LineReader?

    /// - Parameters:
    ///   - arguments: files, folders, or `-`.
    ///   - listPath: a file with a name in each line, or `-`.
    /// - Throws: `SystemError` when the list cannot be opened.
    init(_ arguments: [String], listedIn listPath: String? = nil) throws {
        places = arguments.reversed().map { Place(path: $0, depth: 0) }
        list = try listPath.map { path throws in
            path == "-" ? LineReader() : try LineReader(path: path)
        }
    }

    /// The next file; nil after the last.
    ///
    /// - Throws: `SystemError` when a folder or the list cannot be read.
    mutating func next() throws -> String? {
        while let place = places.popLast() {
            if place.path == "-", place.depth == 0 {
                list = LineReader()
            } else if try isFile(place) {
                return place.path
            }
        }
        while let line = try list?.next() {
            if !line.isEmpty { return line }
        }
        return nil
    }

    /// Whether `next` has an answer without waiting for who writes the list.
    var isReady: Bool {
        if !places.isEmpty { return true }
        switch list {
        case .some(let list): return list.isReady
        case .none: return true
        }
    }

    /// Whether a place is a file; the contents of a folder are put in its stead.
    private mutating func isFile(_ place: Place) throws -> Bool {
        if Self.hasImageName(place.path) { return true }
        // What cannot be opened is a file that could not be classified.
        guard let kind = try? ReadableFile(path: place.path).kind, kind == .directory else { return true }
        guard place.depth < Self.maxDepth else { return false }
        let folder = place.path.hasSuffix("/") ? String(place.path.dropLast()) : place.path
        for name in try DirectoryListing.names(in: place.path).sorted(by: >) where !name.hasPrefix(".") {
            let path = "\(folder)/\(name)"
            // Only what may be a folder is opened.
            if Self.hasImageName(name) || (try? ReadableFile(path: path).kind) == .directory {
                places.append(Place(path: path, depth: place.depth + 1))
            }
        }
        return false
    }

    private static func hasImageName(_ name: String) -> Bool {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return extensions.contains(name[name.utf8.index(after: dot)...].lowercased())
    }
}
