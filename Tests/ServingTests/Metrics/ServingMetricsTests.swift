import Engine
import Inference
import Models
import Platform
import Support
import Testing

struct ServingMetricsTests {
    @Test func `a strict parser reads everything that is rendered`() throws {
        let metrics = ServingMetrics(version: "1.2 \"x\\y\"\n", isa: "avx2")
        for (status, milliseconds) in [(200, 3), (422, 1), (422, 2)] {
            metrics.countAnswer(
                route: "/v1/models/{model}:classify",
                method: "POST",
                status: status,
                took: .milliseconds(milliseconds)
            )
        }
        var times = RequestRecord().values
        times.decode = .seconds(99)
        metrics.model("m", version: "1").observe(times, status: 503, total: .zero)
        metrics.collect { text in text.single("martlet_extra", .gauge, help: "A \\ line\nbreak.", .infinity) }
        let parsed = try MetricParser(metrics.render())
        #expect(parsed.value("martlet_build_info", ["version": "1.2 \"x\\y\"\n", "isa": "avx2"]) == 1)
        let labels = ["route": "/v1/models/{model}:classify", "method": "POST"]
        #expect(parsed.value("martlet_http_requests_total", labels.merging(["status": "422"]) { $1 }) == 2)
        let route = ["route": "/v1/models/{model}:classify"]
        let duration = "martlet_http_request_duration_seconds"
        #expect(parsed.value(duration + "_bucket", route.merging(["le": "0.0005"]) { $1 }) == 0)
        #expect(parsed.value(duration + "_bucket", route.merging(["le": "0.001"]) { $1 }) == 1)
        #expect(parsed.value(duration + "_bucket", route.merging(["le": "0.0025"]) { $1 }) == 2)
        #expect(parsed.value(duration + "_bucket", route.merging(["le": "0.005"]) { $1 }) == 3)
        #expect(parsed.value(duration + "_sum", route) == 0.006)
        let decode = ["model": "m", "version": "1"]
        #expect(
            parsed.value("martlet_decode_duration_seconds_bucket", decode.merging(["le": "30"]) { $1 }) == 0
        )
        #expect(
            parsed.value("martlet_decode_duration_seconds_bucket", decode.merging(["le": "+Inf"]) { $1 }) == 1
        )
        #expect(parsed.value("martlet_extra") == .infinity)
    }

    @Test func `the process is described in base units`() throws {
        let parsed = try MetricParser(ServingMetrics(version: "1").render())
        #expect(try #require(parsed.value("process_resident_memory_bytes")) > 1_000_000)
        let descriptors = try #require(parsed.value("process_open_fds"))
        #expect(descriptors >= 3)
        #expect(try #require(parsed.value("process_max_fds")) >= descriptors)
        #expect(try #require(parsed.value("process_threads")) >= 1)
        #expect(try #require(parsed.value("process_cpu_seconds_total")) >= 0)
        #expect(try #require(parsed.value("process_start_time_seconds")) > 1_700_000_000)
    }

    @Test func `inference, models and queues are counted`() throws {
        let metrics = ServingMetrics(version: "1")
        let scheduler = try Scheduler(
            .init(policy: BatchPolicy(maxBatchSize: 2)),
            threads: 1,
            metrics: metrics
        )
        metrics.collect(registry: Registry(folder: "unread"), scheduler: scheduler)
        let items = (0..<5).map { TestModels.sequence($0) }
        _ = try scheduler.infer(TestModels.gru(), items: items)
        scheduler.stop()
        let parsed = try MetricParser(metrics.render())
        let model = ["model": "tiny", "version": "1"]
        #expect(parsed.value("martlet_items_total", model) == 5)
        #expect(parsed.value("martlet_batches_total", model.merging(["reason": "full"]) { $1 }) == 2)
        #expect(parsed.value("martlet_batches_total", model.merging(["reason": "idle"]) { $1 }) == 1)
        #expect(parsed.value("martlet_batch_size_sum", model) == 5)
        #expect(parsed.value("martlet_batch_size_count", model) == 3)
        #expect(parsed.value("martlet_queue_items", model) == 0)
        #expect(parsed.value("martlet_queue_fullness_ratio", model) == 0)
        #expect(parsed.value("martlet_predicted_wait_seconds", model) == 0)
        #expect(parsed.value("martlet_models", ["state": "ready"]) == 0)
    }

    @Test func `the times of a request are counted once, and what it did not come to is not`() throws {
        let metrics = ServingMetrics(version: "1")
        var times = RequestRecord().values
        times.preprocess = .microseconds(300)
        times.queue = .zero
        times.inference = .milliseconds(2)
        times.batchSize = 4
        metrics.model("m", version: "1").observe(times, status: 200, total: .milliseconds(3))
        metrics.model("m", version: "1").observe(RequestRecord().values, status: 503, total: .zero)
        let parsed = try MetricParser(metrics.render())
        let model = ["model": "m", "version": "1"]
        #expect(parsed.value("martlet_decode_duration_seconds_count", model) == nil)
        for (name, sum) in [("preprocess", 0.0003), ("queue", 0), ("inference", 0.002), ("request", 0.003)] {
            #expect(parsed.value("martlet_\(name)_duration_seconds_count", model) == 1)
            #expect(parsed.value("martlet_\(name)_duration_seconds_sum", model) == sum)
        }
    }

    @Test func `the series of a model go with it, and begin again when it comes back`() throws {
        let metrics = ServingMetrics(version: "1")
        for version in ["1", "2"] {
            let series = metrics.model("m", version: version)
            series.items.add(5)
            series.observeBatch(of: 5, took: .zero)
            metrics.generations.series("m", version, "stop").add()
            series.observe(RequestRecord().values, status: 200, total: .seconds(1))
        }
        metrics.keepModels { model, version in model == "m" && version == "2" }
        let parsed = try MetricParser(metrics.render())
        for name in [
            "martlet_items_total", "martlet_batch_size_count", "martlet_request_duration_seconds_count",
        ] {
            #expect(parsed.value(name, ["model": "m", "version": "1"]) == nil)
            #expect(parsed.value(name, ["model": "m", "version": "2"]) != nil)
        }
        let stopped = ["model": "m", "version": "1", "reason": "stop"]
        #expect(parsed.value("martlet_generations_total", stopped) == nil)
        metrics.model("m", version: "1").items.add(3)
        let again = try MetricParser(metrics.render())
        #expect(again.value("martlet_items_total", ["model": "m", "version": "1"]) == 3)
    }

    @Test func `threads that count at the same time lose nothing`() throws {
        let metrics = ServingMetrics(version: "1")
        let threads = ThreadGroup()
        for _ in 0..<4 {
            try threads.start(name: "counting") {
                for size in 1...1000 {
                    metrics.model("m", version: "1").observeBatch(of: size % 2 + 1, took: .zero)
                    metrics.countAnswer(route: "r", method: "GET", status: 200, took: .milliseconds(1))
                }
            }
        }
        threads.join()
        let parsed = try MetricParser(metrics.render())
        #expect(parsed.value("martlet_batch_size_sum", ["model": "m", "version": "1"]) == 6000)
        #expect(
            parsed.value(
                "martlet_http_requests_total",
                ["route": "r", "method": "GET", "status": "200"]
            ) == 4000
        )
    }
}
