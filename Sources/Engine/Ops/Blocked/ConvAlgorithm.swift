internal import CKernels

/// How a convolution is computed.
///
/// A layer has one algorithm for every batch size and image size, because its numbers must not depend on them.
enum ConvAlgorithm: Hashable, Sendable {
    case direct
    /// Winograd's minimal filtering; the raw value of the kernels' enumeration.
    case winograd(UInt32)

    var kernel: kernel_winograd_algorithm? {
        guard case .winograd(let raw) = self else { return nil }
        return kernel_winograd_algorithm(raw)
    }

    /// As in a table: `direct`, `F(4×4, 3×3)`.
    var name: String {
        guard let kernel else { return "direct" }
        let form = kernel_winograd_form_of(kernel)
        return "F(\(form.tile_height)×\(form.tile_width), \(form.taps_height)×\(form.taps_width))"
    }

    /// The algorithm with a name; nil when there is none.
    init?(named name: String) {
        let all = [Self.direct] + Self.winograds
        guard let algorithm = all.first(where: { $0.name == name }) else { return nil }
        self = algorithm
    }

    /// The error that is allowed against direct convolution, relative to the largest number.
    var bound: Float {
        switch kernel {
        case kernel_winograd_6x6_3x3, kernel_winograd_4x4_5x5: 2e-5
        case kernel_winograd_1x4_1x7, kernel_winograd_4x1_7x1: 1e-5
        default: 3e-6
        }
    }

    /// All of Winograd's.
    static let winograds = (0..<kernel_winograd_algorithms.rawValue).map { ConvAlgorithm.winograd($0) }
}
