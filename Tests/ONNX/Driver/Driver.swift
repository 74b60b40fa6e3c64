import Engine
import Glibc
import ONNX

/// Runs ONNX files one after the other: a line for each on the standard input, a line for each on the standard output.
///
/// A line has, between tabs, the file, a safetensors file with its inputs, the one to write its outputs to, and the names
/// of the inputs that are constants, between commas. The answer is `ok`, or `unsupported` or `error` and why.
@main
struct Driver {
    static func main() {
        let pool = WorkerPool(threads: 2)
        while let line = readLine() {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            print(answer(fields, pool))
            fflush(nil) // whoever reads this waits for it
        }
    }

    private static func answer(_ fields: [String], _ pool: WorkerPool) -> String {
        guard fields.count == 4 else { return "error expected four fields" }
        do {
            let file = try Safetensors(path: fields[1])
            let constants = fields[3].split(separator: ",").map(String.init)
            var options = ImportedNetwork.Options()
            for name in constants { options.constants[name] = try file.tensor(name) }
            let network = try ImportedNetwork(path: fields[0], options: options)
            let item = try network.inputs.flatMap { try file.tensor($0.name).values }
            let session = Session(graph: network.graph, weights: network.weights(), pool: pool)
            try session.prepare(inputShape: network.graph.inputShape, batch: 2)
            let input =
                item.isEmpty ? [Float](repeating: 0, count: network.graph.inputShape.elementCount) : item
            guard input.count == network.graph.inputShape.elementCount else {
                return "error \(input.count) numbers for \(network.inputs)"
            }
            session.setInput(0, to: [Float](repeating: 0.5, count: input.count).span)
            session.setInput(1, to: input.span)
            _ = session.run()
            let results = network.outputs.map { port in
                (name: port.name, tensor: network.output(port, item: 1, of: session))
            }
            try Safetensors.write(results, to: fields[2])
            return "ok"
        } catch let error as ONNXError {
            if case .unsupported = error { return "unsupported \(error)" }
            return "error \(error)"
        } catch {
            return "error \(error)"
        }
    }
}
