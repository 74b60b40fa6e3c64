// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "martlet",
    products: [.executable(name: "martlet", targets: ["martlet"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .target(name: "CLinux"),
        .target(
            name: "CCodecs",
            linkerSettings: [
                .linkedLibrary("png"), .linkedLibrary("jpeg"), .linkedLibrary("z"), .linkedLibrary("webp"),
            ]
        ),
        .target(name: "CKernels", linkerSettings: [.linkedLibrary("dl"), .linkedLibrary("pthread")]),
        .target(name: "CAssets", exclude: ["playground"]),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("dl"), .linkedLibrary("pthread")]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CMarkdown",
            providers: [.apt(["libcmark-gfm-dev", "libcmark-gfm-extensions-dev"])]
        ),
        .target(name: "CDocuments"),
        .target(
            name: "Manual",
            dependencies: ["CDocuments", "CMarkdown", "Platform"],
            swiftSettings: settings,
            // The archives, for the name of the shared library is another in each release of Debian.
            linkerSettings: [
                .linkedLibrary(":libcmark-gfm-extensions.a"), .linkedLibrary(":libcmark-gfm.a"),
            ]
        ),
        .target(name: "Platform", dependencies: ["CLinux", "CZlib"], swiftSettings: settings),
        .target(name: "JSON", dependencies: ["Platform"], swiftSettings: settings),
        .target(
            name: "Support",
            dependencies: ["JSON", "Platform", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings
        ),
        .target(name: "Tensors", dependencies: ["JSON", "Platform"], swiftSettings: settings),
        .target(name: "Graphs", dependencies: ["Platform", "Tensors"], swiftSettings: settings),
        .target(
            name: "Ops",
            dependencies: ["CKernels", "Graphs", "Platform", "Tensors"],
            swiftSettings: settings
        ),
        .target(
            name: "Engine",
            dependencies: ["CKernels", "Graphs", "Ops", "Platform", "Tensors"],
            swiftSettings: settings
        ),
        .target(
            name: "Zoo",
            dependencies: ["Engine", "Graphs", "Ops", "Platform", "Tensors"],
            swiftSettings: settings
        ),
        .target(
            name: "ONNX",
            dependencies: ["Engine", "Graphs", "Ops", "Platform", "Tensors"],
            swiftSettings: settings
        ),
        .target(name: "Imaging", dependencies: ["CCodecs", "CKernels"], swiftSettings: settings),
        .target(
            name: "HTTP",
            dependencies: ["Platform", .product(name: "HTTPTypes", package: "swift-http-types")],
            swiftSettings: settings
        ),
        .target(
            name: "Inference",
            dependencies: [
                "Engine", "Platform", "Support",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Models",
            dependencies: [
                "Engine", "Imaging", "Inference", "ONNX", "Platform", "Support", "Zoo",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Hub",
            dependencies: ["CCurl", "Models", "Platform", "Support", "Tensors", "Zoo"],
            swiftSettings: settings
        ),
        .target(
            name: "Tasks",
            dependencies: [
                "Engine", "Imaging", "Inference", "Models", "Platform", "Support",
                "Zoo",
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "API",
            dependencies: [
                "CAssets", "Engine", "HTTP", "Imaging", "Inference", "Manual", "Models", "Platform",
                "Support", "Tasks", "Zoo",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "martlet",
            dependencies: [
                "API", "Engine", "Hub", "Imaging", "Inference", "Models", "ONNX", "Platform",
                "Support", "Tasks", "Zoo",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"]),
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .testTarget(
            name: "EngineTests",
            dependencies: ["AllocationCounter", "CKernels", "Engine", "Platform"],
            resources: [.copy("Fixtures")]
        ),
        .testTarget(
            name: "ZooTests",
            dependencies: ["Zoo", "Engine"],
            resources: [.copy("Fixtures")]
        ),
        .testTarget(
            name: "ONNXTests",
            dependencies: ["Engine", "Inference", "Models", "ONNX", "Platform", "Support", "Zoo"],
            exclude: ["Fixtures"]
        ),
        .testTarget(name: "ImagingTests", dependencies: ["Imaging"], resources: [.copy("Fixtures")]),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Platform"]),
        .target(name: "FakeHub", dependencies: ["Platform", "Support"], path: "Tests/FakeHub"),
        .testTarget(name: "HubTests", dependencies: ["FakeHub", "Hub", "Platform", "Support"]),
        .testTarget(
            name: "ServingTests",
            dependencies: [
                "API", "HTTP", "Imaging", "Inference", "Engine", "Manual", "Models", "Zoo",
                "Platform", "Support",
                "Tasks",
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [.copy("Fixtures")]
        ),
        .testTarget(
            name: "MartletTests",
            dependencies: ["martlet", "Engine", "FakeHub", "Platform", "Support", "Zoo"]
        ),
    ],
    swiftLanguageModes: [.v6]
)

// What Tests/Benchmarks/json runs.
if Context.environment["MARTLET_BENCHMARK"] != nil {
    package.targets.append(
        .executableTarget(
            name: "JSONBenchmark",
            dependencies: ["JSON"],
            path: "Tests/Benchmarks/JSON",
            swiftSettings: settings
        )
    )
}

// What Tests/ONNX/run gives ONNX's own tests to.
if Context.environment["MARTLET_ONNX_TESTS"] != nil {
    package.targets.append(
        .executableTarget(
            name: "ONNXDriver",
            dependencies: ["Engine", "ONNX"],
            path: "Tests/ONNX/Driver",
            swiftSettings: settings
        )
    )
}

// The fuzz targets, which need `-sanitize=fuzzer` on the command line: Tests/Fuzz/run builds and runs them.
if Context.environment["MARTLET_FUZZ"] != nil {
    package.targets += [
        .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "API", "CFuzzer", "Engine", "HTTP", "Imaging", "Models", "ONNX", "Platform", "Support",
                "Tasks",
                "Zoo",
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "Tests/Fuzz/Targets",
            swiftSettings: settings
        ),
    ]
}
