import Engine
import Inference
import Models
import Platform
import Support
import Testing

struct ServingMetricsTests {
    @Test func `a strict parser reads everything that is rendered`() throws {
        let metrics = ServingMetrics(version: "1.2 \"x\\y\"\n")
        metrics.requests.add(1, "/v1/models/{model}:classify", "POST", "200")
        metrics.requests.add(2, "/v1/models/{model}:classify", "POST", "422")
        metrics.requestDuration.observe(.milliseconds(3), "/v1/models/{model}:classify")
        metrics.decodeDuration.observe(.seconds(99), "m", "1")
        metrics.collect { text in text.single("martlet_extra", .gauge, help: "A \\ line\nbreak.", .infinity) }
        let parsed = try MetricParser(metrics.render())
        #expect(parsed.value("martlet_build_info", ["version": "1.2 \"x\\y\"\n"]) == 1)
        let labels = ["route": "/v1/models/{model}:classify", "method": "POST"]
        #expect(parsed.value("martlet_http_requests_total", labels.merging(["status": "422"]) { $1 }) == 2)
        let route = ["route": "/v1/models/{model}:classify"]
        let duration = "martlet_http_request_duration_seconds"
        #expect(parsed.value(duration + "_bucket", route.merging(["le": "0.0025"]) { $1 }) == 0)
        #expect(parsed.value(duration + "_bucket", route.merging(["le": "0.005"]) { $1 }) == 1)
        #expect(parsed.value(duration + "_sum", route) == 0.003)
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
        #expect(try #require(parsed.value("process_open_fds")) >= 3)
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
        #expect(parsed.value("martlet_queue_duration_seconds_count", model) == 1)
        #expect(parsed.value("martlet_inference_duration_seconds_count", model) == 1)
        #expect(parsed.value("martlet_models", ["state": "ready"]) == 0)
    }
}
