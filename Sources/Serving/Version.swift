/// The program's version, shown by `martlet --version` and in the metrics.
package enum Version {
    package static let current = "0.1.0"
}
