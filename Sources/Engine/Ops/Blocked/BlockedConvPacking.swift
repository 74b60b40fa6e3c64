internal import CKernels

extension BlockedConv {
    /// The filters in the order in which the kernels read them, the bias, and the lines of the input if there are any.
    func packed(_ weights: [Tensor]) -> [Tensor] {
        let zeros = [Double](repeating: 0, count: conv.outputChannels)
        let bias = conv.hasBias ? weights[1].values.map(Double.init) : zeros
        let shifted = outputLines.map { lines in
            zip(bias, zip(lines.scales, lines.shifts)).map { $0 * $1.0 + $1.1 }
        }
        return [packedFilters(weights[0]), ChannelLines.padded(shifted ?? bias)] + (inputLines?.packed ?? [])
    }

    /// Arrays as long as the packed ones and full of ones, to measure with.
    ///
    /// - Precondition: the convolution has one group and is not the first, and nothing is fused before it.
    var placeholders: [Tensor] {
        let (inputs, outputs) = (Layout.blocks(conv.inputChannels), Layout.blocks(conv.outputChannels))
        let taps = conv.window.kernelHeight * conv.window.kernelWidth
        let filters = algorithm.kernel.map {
            kernel_winograd_weights($0, conv.inputChannels, conv.outputChannels)
        }
        return [filters ?? inputs * 16 * taps * outputs * 16, outputs * 16].map { count in
            unsafe Tensor(shape: [count]) { unsafe $0.update(repeating: 1) }
        }
    }

    private func packedFilters(_ weight: Tensor) -> Tensor {
        let scales = outputLines?.scales ?? []
        if let winograd = algorithm.kernel {
            return WinogradConv.packed(weight, scales: scales, winograd, conv)
        }
        return unsafe scales.withUnsafeBufferPointer { scales in
            var filters = unsafe kernel_filters(
                weight: weight.address,
                scale: scales.isEmpty ? nil : scales.baseAddress,
                outputs: conv.outputChannels,
                inputs: conv.inputChannels,
                groups: conv.groups,
                height: conv.window.kernelHeight,
                width: conv.window.kernelWidth
            )
            return unsafe packed(&filters)
        }
    }

    private func packed(_ filters: inout kernel_filters) -> Tensor {
        if isFirst {
            let count = unsafe kernel_packed_planar_conv_count(&filters)
            return unsafe Tensor(count: count) { unsafe kernel_pack_planar_conv(&filters, $0) }
        }
        switch grouping {
        case .inLanes:
            let count = unsafe kernel_packed_lanes_count(&filters)
            return unsafe Tensor(count: count) { unsafe kernel_pack_lanes(&filters, $0) }
        case .merged(let groups):
            let count = unsafe kernel_packed_conv_count(&filters, groups)
            return unsafe Tensor(count: count) { unsafe kernel_pack_conv(&filters, groups, $0) }
        }
    }
}
