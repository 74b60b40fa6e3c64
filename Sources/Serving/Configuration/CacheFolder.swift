/// Where a program keeps what it can make again.
enum CacheFolder {
    /// The folder of this program, which need not exist; nil when the environment names none.
    ///
    /// - Source: systemd.exec(5), `CacheDirectory=`, which may list several; the XDG Base Directory Specification,
    ///   which says to ignore paths that are not absolute.
    static func path(environment: [String: String]) -> String? {
        if let folder = environment["CACHE_DIRECTORY"]?.split(separator: ":").first { return String(folder) }
        if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") { return "\(caches)/martlet" }
        guard let home = environment["HOME"], home.hasPrefix("/"), home != "/" else { return nil }
        return "\(home)/.cache/martlet"
    }
}
