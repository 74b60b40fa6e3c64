/// What timm calls networks that have another name here; their tensors are found by the names in the file.
extension Architecture {
    // swift-format-ignore
    package static let libraryNames = [
        "legacy_xception":       "xception",
        "mobilenetv1_100":       "mobilenet_v1",
        "mobilenetv2_100":       "mobilenet_v2",
        "mobilenetv3_large_100": "mobilenet_v3_large",
        "mobilenetv3_small_100": "mobilenet_v3_small",
        "efficientnetv2_s":      "efficientnet_v2_s",
        "efficientnetv2_m":      "efficientnet_v2_m",
        "efficientnetv2_l":      "efficientnet_v2_l",
        "regnetx_004_tv":        "regnet_x_400mf",
        "regnetx_008":           "regnet_x_800mf",
        "regnetx_016":           "regnet_x_1_6gf",
        "regnetx_032":           "regnet_x_3_2gf",
        "regnetx_080":           "regnet_x_8gf",
        "regnetx_160":           "regnet_x_16gf",
        "regnetx_320":           "regnet_x_32gf",
        "regnety_004":           "regnet_y_400mf",
        "regnety_008_tv":        "regnet_y_800mf",
        "regnety_016":           "regnet_y_1_6gf",
        "regnety_032":           "regnet_y_3_2gf",
        "regnety_080_tv":        "regnet_y_8gf",
        "regnety_160":           "regnet_y_16gf",
        "regnety_320":           "regnet_y_32gf",
        "regnety_1280":          "regnet_y_128gf",
        // Of the `tf_` ones the only whose padding is PyTorch's.
        "tf_inception_v3":       "inception_v3",
    ]
}
