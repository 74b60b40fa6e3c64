internal import Platform

/// The process metrics that every Prometheus client library has, under their usual names.
package enum ProcessMetrics {
    /// Writes the families of this process.
    package static func render(into text: inout MetricText) {
        guard let status = ProcessStatus.current() else { return }
        text.single(
            "process_resident_memory_bytes",
            .gauge,
            help: "Resident memory in bytes.",
            Double(status.residentBytes)
        )
        text.single(
            "process_cpu_seconds_total",
            .counter,
            help: "User and system processor time in seconds.",
            status.processorSeconds
        )
        text.single(
            "process_start_time_seconds",
            .gauge,
            help: "When the process started, in seconds since 1970.",
            status.startSeconds
        )
        text.single(
            "process_open_fds",
            .gauge,
            help: "Open file descriptors.",
            Double(status.openDescriptors)
        )
        if let limit = status.maxDescriptors {
            text.single("process_max_fds", .gauge, help: "File descriptors that may be open.", Double(limit))
        }
        text.single("process_threads", .gauge, help: "Threads of the process.", Double(status.threads))
    }
}
