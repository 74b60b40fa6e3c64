import Engine
import Testing
import Zoo

/// Each architecture against the numbers that its paper or library prints.
struct PublishedTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        var options: [String: OptionValue] = [:]
        let parameters: Int
        let multiplyAdds: Int
        /// Channels × height × width behind some of the layers.
        let stages: [String: Shape]

        var testDescription: String { name }
    }

    // Parameters: torchvision's `num_params` for alexnet and the ResNets of ImageNet, whose multiply-adds, in units of
    // 10⁹, are its `_ops`: 0.714, 1.814, 3.664, 4.089, 7.801, 11.514. Of alexnet_2012: Caffe's 60 965 224 and 724M.
    // CIFAR: He et al. 2016, Table 6: 0.27M, 0.46M, 0.66M, 0.85M, 1.7M. lenet5_1998: the paper's 60 000 trainable
    // parameters and the 840 of the fixed bitmaps. The others: the libraries' and papers' numbers without auxiliary heads;
    // Those of torchvision and timm without a paper's exact figure: counted over the modules of the libraries' networks.
    // CIFAR: ResNeXt 34.4M (Xie et al., Table 7), DenseNet 1.0M and 0.8M (Huang et al., Table 2), NiN 0.97M.
    // swift-format-ignore
    static let rows: [Row] = [
        Row(name: "lenet5", parameters: 61_706, multiplyAdds: 416_520,
            stages: ["conv1": [6, 28, 28], "conv2": [16, 10, 10], "pool2": [16, 5, 5], "fc1": [120]]),
        Row(name: "lenet5_1998", parameters: 60_840, multiplyAdds: 328_096,
            stages: ["c1": [6, 28, 28], "s2": [6, 14, 14], "concat1": [16, 10, 10], "s4": [16, 5, 5], "c5": [120, 1, 1]]),
        Row(name: "alexnet_2012", parameters: 60_965_224, multiplyAdds: 724_406_816,
            stages: ["conv1": [96, 55, 55], "pool1": [96, 27, 27], "pool2": [256, 13, 13], "pool5": [256, 6, 6]]),
        Row(name: "caffenet", parameters: 60_965_224, multiplyAdds: 724_406_816,
            stages: ["conv1": [96, 55, 55], "pool1": [96, 27, 27], "pool2": [256, 13, 13], "pool5": [256, 6, 6]]),
        Row(name: "alexnet", parameters: 61_100_840, multiplyAdds: 714_188_480,
            stages: ["features.0": [64, 55, 55], "features.pool1": [64, 27, 27], "features.pool3": [256, 6, 6]]),
        Row(name: "vgg11", parameters: 132_863_336, multiplyAdds: 7_609_090_048, stages: vggStages),
        Row(name: "vgg13", parameters: 133_047_848, multiplyAdds: 11_308_466_176, stages: vggStages),
        Row(name: "vgg16", parameters: 138_357_544, multiplyAdds: 15_470_264_320, stages: vggStages),
        Row(name: "vgg19", parameters: 143_667_240, multiplyAdds: 19_632_062_464, stages: vggStages),
        Row(name: "vgg11_bn", parameters: 132_868_840, multiplyAdds: 7_609_090_048, stages: vggStages),
        Row(name: "vgg13_bn", parameters: 133_053_736, multiplyAdds: 11_308_466_176, stages: vggStages),
        Row(name: "vgg16_bn", parameters: 138_365_992, multiplyAdds: 15_470_264_320, stages: vggStages),
        Row(name: "vgg19_bn", parameters: 143_678_248, multiplyAdds: 19_632_062_464, stages: vggStages),
        Row(name: "nin", parameters: 7_595_176, multiplyAdds: 1_100_188_800,
            stages: ["conv1": [96, 54, 54], "pool1": [96, 27, 27], "pool2": [256, 13, 13], "pool3": [384, 6, 6]]),
        Row(name: "nin_cifar10", parameters: 966_986, multiplyAdds: 222_486_528,
            stages: ["pool1": [96, 16, 16], "pool2": [192, 8, 8], "cccp6": [10, 8, 8]]),
        Row(name: "googlenet", parameters: 6_624_904, multiplyAdds: 1_498_376_192,
            stages: ["maxpool1": [64, 56, 56], "inception3b.concat1": [480, 28, 28], "inception4e.concat1": [832, 14, 14],
                     "inception5b.concat1": [1024, 7, 7]]),
        Row(name: "googlenet_2014", parameters: 6_998_552, multiplyAdds: 1_582_671_872,
            stages: ["pool1": [64, 56, 56], "pool2": [192, 28, 28], "inception_3a.concat1": [256, 28, 28],
                     "inception_4a.concat1": [512, 14, 14], "inception_5b.concat1": [1024, 7, 7]]),
        Row(name: "bn_inception", parameters: 11_295_240, multiplyAdds: 2_032_600_064,
            stages: ["pool1_3x3_s2": [64, 56, 56], "concat3": [576, 14, 14], "concat8": [1056, 7, 7], "concat10": [1024, 7, 7]]),
        Row(name: "inception_v3", parameters: 23_834_568, multiplyAdds: 5_713_216_096, stages: inceptionV3Stages),
        Row(name: "inception_v2", parameters: 23_834_568, multiplyAdds: 5_713_216_096, stages: inceptionV3Stages),
        Row(name: "inception_v4", parameters: 42_679_816, multiplyAdds: 12_253_974_624,
            stages: ["features.3.concat1": [160, 73, 73], "features.5.concat1": [384, 35, 35], "features.10.concat1": [1024, 17, 17],
                     "features.18.concat1": [1536, 8, 8]]),
        Row(name: "inception_resnet_v2", parameters: 55_843_464, multiplyAdds: 13_155_794_016,
            stages: ["mixed_5b.concat1": [320, 35, 35], "mixed_6a.concat1": [1088, 17, 17], "mixed_7a.concat1": [2080, 8, 8],
                     "conv2d_7b.conv": [1536, 8, 8]]),
        Row(name: "inception_resnet_v1", parameters: 27_910_327, multiplyAdds: 1_422_081_376,
            stages: ["repeat_1.4.sum1": [256, 17, 17], "repeat_2.9.sum1": [896, 8, 8], "block8.sum1": [1792, 3, 3], "last_bn": [512]]),
        Row(name: "wide_resnet50_2", parameters: 68_883_240, multiplyAdds: 11_398_021_120, stages: wideStages),
        Row(name: "wide_resnet101_2", parameters: 126_886_696, multiplyAdds: 22_753_050_624, stages: wideStages),
        Row(name: "resnext50_32x4d", parameters: 25_028_904, multiplyAdds: 4_230_479_872, stages: wideStages),
        Row(name: "resnext101_32x8d", parameters: 88_791_336, multiplyAdds: 16_414_015_488,
            stages: ["layer1.0.conv2": [256, 56, 56], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "resnext101_64x4d", parameters: 83_455_272, multiplyAdds: 15_460_270_080,
            stages: ["layer1.0.conv2": [256, 56, 56], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "resnext29_8x64d", parameters: 34_426_698, multiplyAdds: 5_387_266_048,
            stages: ["layer1.0.conv2": [512, 32, 32], "layer1.0.sum1": [256, 32, 32], "layer3.2.sum1": [1024, 8, 8]]),
        Row(name: "densenet121", parameters: 7_978_856, multiplyAdds: 2_834_161_664,
            stages: ["features.transition1.norm": [256, 56, 56], "features.transition2.norm": [512, 28, 28],
                     "features.transition3.norm": [1024, 14, 14], "features.norm5": [1024, 7, 7]]),
        Row(name: "densenet161", parameters: 28_681_000, multiplyAdds: 7_727_907_072,
            stages: ["features.transition1.norm": [384, 56, 56], "features.transition2.norm": [768, 28, 28],
                     "features.transition3.norm": [2112, 14, 14], "features.norm5": [2208, 7, 7]]),
        Row(name: "densenet169", parameters: 14_149_480, multiplyAdds: 3_359_843_328,
            stages: ["features.transition1.norm": [256, 56, 56], "features.transition2.norm": [512, 28, 28],
                     "features.transition3.norm": [1280, 14, 14], "features.norm5": [1664, 7, 7]]),
        Row(name: "densenet201", parameters: 20_013_928, multiplyAdds: 4_291_365_888,
            stages: ["features.transition1.norm": [256, 56, 56], "features.transition2.norm": [512, 28, 28],
                     "features.transition3.norm": [1792, 14, 14], "features.norm5": [1920, 7, 7]]),
        Row(name: "densenet40_k12", parameters: 1_019_722, multiplyAdds: 264_812_928,
            stages: ["features.transition1.conv": [160, 32, 32], "features.transition2.conv": [304, 16, 16], "features.norm5": [448, 8, 8]]),
        Row(name: "densenet100_bc_k12", parameters: 769_162, multiplyAdds: 287_929_692,
            stages: ["features.transition1.conv": [108, 32, 32], "features.transition2.conv": [150, 16, 16], "features.norm5": [342, 8, 8]]),
        Row(name: "squeezenet1_0", parameters: 1_248_424, multiplyAdds: 818_924_576,
            stages: ["features.pool1": [96, 54, 54], "features.pool2": [256, 27, 27], "features.pool3": [512, 13, 13]]),
        Row(name: "squeezenet1_1", parameters: 1_235_496, multiplyAdds: 349_151_936,
            stages: ["features.pool1": [64, 55, 55], "features.pool2": [128, 27, 27], "features.pool3": [256, 13, 13]]),
        Row(name: "mobilenet_v1", parameters: 4_231_976, multiplyAdds: 568_740_352,
            stages: ["conv_stem": [32, 112, 112], "blocks.3.5.conv_pw": [512, 14, 14], "blocks.4.1.conv_pw": [1024, 7, 7]]),
        Row(name: "mobilenet_v2", parameters: 3_504_872, multiplyAdds: 300_774_272,
            stages: ["features.1.conv.1": [16, 112, 112], "features.14.conv.2": [160, 7, 7], "features.18.0": [1280, 7, 7]]),
        Row(name: "shufflenet_v2_x1_0", parameters: 2_278_604, multiplyAdds: 144_907_992,
            stages: ["maxpool": [24, 56, 56], "stage2.3.concat1": [116, 28, 28], "stage4.0.concat1": [464, 7, 7]]),
        Row(name: "shufflenet_v2_x0_5", parameters: 1_366_792, multiplyAdds: 40_476_448,
            stages: ["maxpool": [24, 56, 56], "stage2.3.concat1": [48, 28, 28], "stage4.0.concat1": [192, 7, 7]]),
        Row(name: "shufflenet_v2_x1_5", parameters: 3_503_624, multiplyAdds: 295_759_392,
            stages: ["maxpool": [24, 56, 56], "stage2.3.concat1": [176, 28, 28], "stage4.0.concat1": [704, 7, 7]]),
        Row(name: "shufflenet_v2_x2_0", parameters: 7_393_996, multiplyAdds: 583_253_464,
            stages: ["maxpool": [24, 56, 56], "stage2.3.concat1": [244, 28, 28], "stage4.0.concat1": [976, 7, 7]]),
        Row(name: "mnasnet0_5", parameters: 2_218_512, multiplyAdds: 104_455_968,
            stages: ["layers.0": [16, 112, 112], "layers.9.0.layers.6": [24, 28, 28], "layers.13.0.layers.6": [160, 7, 7]]),
        Row(name: "mnasnet0_75", parameters: 3_170_208, multiplyAdds: 215_493_104,
            stages: ["layers.0": [24, 112, 112], "layers.9.0.layers.6": [32, 28, 28], "layers.13.0.layers.6": [240, 7, 7]]),
        Row(name: "mnasnet1_0", parameters: 4_383_312, multiplyAdds: 314_415_872,
            stages: ["layers.0": [32, 112, 112], "layers.9.0.layers.6": [40, 28, 28], "layers.13.0.layers.6": [320, 7, 7]]),
        Row(name: "mnasnet1_3", parameters: 6_282_256, multiplyAdds: 526_362_432,
            stages: ["layers.0": [40, 112, 112], "layers.9.0.layers.6": [56, 28, 28], "layers.13.0.layers.6": [416, 7, 7]]),
        Row(name: "regnet_y_400mf", parameters: 4_344_144, multiplyAdds: 401_842_848,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [48, 56, 56], "trunk_output.block4.block4-0.sum1": [440, 7, 7]]),
        Row(name: "regnet_y_800mf", parameters: 6_432_512, multiplyAdds: 833_856_256,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [64, 56, 56], "trunk_output.block4.block4-0.sum1": [784, 7, 7]]),
        Row(name: "regnet_y_1_6gf", parameters: 11_202_430, multiplyAdds: 1_612_076_160,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [48, 56, 56], "trunk_output.block4.block4-0.sum1": [888, 7, 7]]),
        Row(name: "regnet_y_3_2gf", parameters: 19_436_338, multiplyAdds: 3_176_482_752,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [72, 56, 56], "trunk_output.block4.block4-0.sum1": [1512, 7, 7]]),
        Row(name: "regnet_y_8gf", parameters: 39_381_472, multiplyAdds: 8_473_070_592,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [224, 56, 56], "trunk_output.block4.block4-0.sum1": [2016, 7, 7]]),
        Row(name: "regnet_y_16gf", parameters: 83_590_140, multiplyAdds: 15_911_510_272,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [224, 56, 56], "trunk_output.block4.block4-0.sum1": [3024, 7, 7]]),
        Row(name: "regnet_y_32gf", parameters: 145_046_770, multiplyAdds: 32_279_552_832,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [232, 56, 56], "trunk_output.block4.block4-0.sum1": [3712, 7, 7]]),
        Row(name: "regnet_x_400mf", parameters: 5_495_976, multiplyAdds: 413_812_608,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [32, 56, 56], "trunk_output.block4.block4-0.sum1": [400, 7, 7]]),
        Row(name: "regnet_x_800mf", parameters: 7_259_656, multiplyAdds: 799_699_712,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [64, 56, 56], "trunk_output.block4.block4-0.sum1": [672, 7, 7]]),
        Row(name: "regnet_x_1_6gf", parameters: 9_190_136, multiplyAdds: 1_602_849_792,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [72, 56, 56], "trunk_output.block4.block4-0.sum1": [912, 7, 7]]),
        Row(name: "regnet_x_3_2gf", parameters: 15_296_552, multiplyAdds: 3_176_621_952,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [96, 56, 56], "trunk_output.block4.block4-0.sum1": [1008, 7, 7]]),
        Row(name: "regnet_x_8gf", parameters: 39_572_648, multiplyAdds: 7_995_132_416,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [80, 56, 56], "trunk_output.block4.block4-0.sum1": [1920, 7, 7]]),
        Row(name: "regnet_x_16gf", parameters: 54_278_536, multiplyAdds: 15_940_755_456,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [256, 56, 56], "trunk_output.block4.block4-0.sum1": [2048, 7, 7]]),
        Row(name: "regnet_x_32gf", parameters: 107_811_560, multiplyAdds: 31_735_929_792,
            stages: ["stem.0": [32, 112, 112], "trunk_output.block1.block1-0.sum1": [336, 56, 56], "trunk_output.block4.block4-0.sum1": [2520, 7, 7]]),
        Row(name: "efficientnet_b0", parameters: 5_288_548, multiplyAdds: 385_814_752,
            stages: ["features.0.0": [32, 112, 112], "features.3.0.block.3.0": [40, 28, 28], "features.8.0": [1280, 7, 7]]),
        Row(name: "efficientnet_b1", parameters: 7_794_184, multiplyAdds: 686_802_832,
            stages: ["features.0.0": [32, 120, 120], "features.3.0.block.3.0": [40, 30, 30], "features.8.0": [1280, 8, 8]]),
        Row(name: "efficientnet_b2", parameters: 9_109_994, multiplyAdds: 1_087_529_456,
            stages: ["features.0.0": [32, 144, 144], "features.3.0.block.3.0": [48, 36, 36], "features.8.0": [1408, 9, 9]]),
        Row(name: "efficientnet_b3", parameters: 12_233_232, multiplyAdds: 1_827_141_392,
            stages: ["features.0.0": [40, 150, 150], "features.3.0.block.3.0": [48, 38, 38], "features.8.0": [1536, 10, 10]]),
        Row(name: "efficientnet_b4", parameters: 19_341_616, multiplyAdds: 4_393_771_024,
            stages: ["features.0.0": [48, 190, 190], "features.3.0.block.3.0": [56, 48, 48], "features.8.0": [1792, 12, 12]]),
        Row(name: "efficientnet_b5", parameters: 30_389_784, multiplyAdds: 10_266_384_752,
            stages: ["features.0.0": [48, 228, 228], "features.3.0.block.3.0": [64, 57, 57], "features.8.0": [2048, 15, 15]]),
        Row(name: "efficientnet_b6", parameters: 43_040_704, multiplyAdds: 19_067_593_536,
            stages: ["features.0.0": [56, 264, 264], "features.3.0.block.3.0": [72, 66, 66], "features.8.0": [2304, 17, 17]]),
        Row(name: "efficientnet_b7", parameters: 66_347_960, multiplyAdds: 37_745_884_192,
            stages: ["features.0.0": [64, 300, 300], "features.3.0.block.3.0": [80, 75, 75], "features.8.0": [2560, 19, 19]]),
        Row(name: "efficientnet_v2_s", parameters: 21_458_488, multiplyAdds: 8_365_617_152,
            stages: ["features.1.0.block.0.0": [24, 192, 192], "features.4.0.block.3.0": [128, 24, 24], "features.7.0": [1280, 12, 12]]),
        Row(name: "efficientnet_v2_m", parameters: 54_139_356, multiplyAdds: 24_582_460_384,
            stages: ["features.1.0.block.0.0": [24, 240, 240], "features.4.0.block.3.0": [160, 30, 30], "features.8.0": [1280, 15, 15]]),
        Row(name: "efficientnet_v2_l", parameters: 118_515_272, multiplyAdds: 56_079_699_008,
            stages: ["features.1.0.block.0.0": [32, 240, 240], "features.4.0.block.3.0": [192, 30, 30], "features.8.0": [1280, 15, 15]]),
        Row(name: "mobilenet_v3_large", parameters: 5_483_032, multiplyAdds: 216_589_760,
            stages: ["features.0.0": [16, 112, 112], "features.4.block.3.0": [40, 28, 28], "features.16.0": [960, 7, 7], "classifier.0": [1280]]),
        Row(name: "mobilenet_v3_small", parameters: 2_542_856, multiplyAdds: 56_510_400,
            stages: ["features.0.0": [16, 112, 112], "features.1.block.2.0": [16, 56, 56], "features.12.0": [576, 7, 7], "classifier.0": [1024]]),
        Row(name: "resnet18d", parameters: 11_708_744, multiplyAdds: 2_053_713_920,
            stages: ["conv1.0": [32, 112, 112], "conv1.6": [64, 112, 112], "layer2.0.downsample.0": [64, 28, 28], "layer4.0.sum1": [512, 7, 7]]),
        Row(name: "resnet34d", parameters: 21_816_904, multiplyAdds: 3_903_401_984,
            stages: ["conv1.0": [32, 112, 112], "conv1.6": [64, 112, 112], "layer2.0.downsample.0": [64, 28, 28], "layer4.0.sum1": [512, 7, 7]]),
        Row(name: "resnet26d", parameters: 16_014_408, multiplyAdds: 2_581_897_216,
            stages: ["conv1.0": [32, 112, 112], "conv1.6": [64, 112, 112], "layer2.0.downsample.0": [256, 28, 28], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "resnet50d", parameters: 25_576_264, multiplyAdds: 4_328_824_832,
            stages: ["conv1.0": [32, 112, 112], "conv1.6": [64, 112, 112], "layer2.0.downsample.0": [256, 28, 28], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "resnet101d", parameters: 44_568_392, multiplyAdds: 8_041_046_016,
            stages: ["conv1.0": [32, 112, 112], "conv1.6": [64, 112, 112], "layer2.0.downsample.0": [256, 28, 28], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "resnet152d", parameters: 60_212_040, multiplyAdds: 11_753_267_200,
            stages: ["conv1.0": [32, 112, 112], "conv1.6": [64, 112, 112], "layer2.0.downsample.0": [256, 28, 28], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "resnet200d", parameters: 64_693_064, multiplyAdds: 15_247_122_432,
            stages: ["conv1.0": [32, 112, 112], "conv1.6": [64, 112, 112], "layer2.0.downsample.0": [256, 28, 28], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "seresnet18", parameters: 11_779_624, multiplyAdds: 1_814_161_408,
            stages: ["layer1.0.se.fc1": [8, 1, 1], "layer4.0.sum1": [512, 7, 7]]),
        Row(name: "seresnet34", parameters: 21_960_416, multiplyAdds: 3_663_920_128,
            stages: ["layer1.0.se.fc1": [8, 1, 1], "layer4.0.sum1": [512, 7, 7]]),
        Row(name: "seresnet50", parameters: 28_088_024, multiplyAdds: 4_091_699_200,
            stages: ["layer1.0.se.fc1": [16, 1, 1], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "seresnet101", parameters: 49_326_872, multiplyAdds: 7_806_148_608,
            stages: ["layer1.0.se.fc1": [16, 1, 1], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "seresnet152", parameters: 66_821_848, multiplyAdds: 11_520_204_800,
            stages: ["layer1.0.se.fc1": [16, 1, 1], "layer4.0.sum1": [2048, 7, 7]]),
        Row(name: "xception", parameters: 22_855_952, multiplyAdds: 8_357_403_496,
            stages: ["block1.sum1": [128, 74, 74], "block3.sum1": [728, 19, 19], "block12.sum1": [1024, 10, 10], "conv4.pointwise": [2048, 10, 10]]),
        Row(name: "resnet18", parameters: 11_689_512, multiplyAdds: 1_814_073_344, stages: basicStages),
        Row(name: "resnet34", parameters: 21_797_672, multiplyAdds: 3_663_761_408, stages: basicStages),
        Row(name: "resnet50", parameters: 25_557_032, multiplyAdds: 4_089_184_256, stages: bottleneckStages),
        Row(name: "resnet101", parameters: 44_549_160, multiplyAdds: 7_801_405_440, stages: bottleneckStages),
        Row(name: "resnet152", parameters: 60_192_808, multiplyAdds: 11_513_626_624, stages: bottleneckStages),
        Row(name: "resnet20", parameters: 269_722, multiplyAdds: 40_551_040, stages: cifarStages),
        Row(name: "resnet32", parameters: 464_154, multiplyAdds: 68_862_592, stages: cifarStages),
        Row(name: "resnet44", parameters: 658_586, multiplyAdds: 97_174_144, stages: cifarStages),
        Row(name: "resnet56", parameters: 853_018, multiplyAdds: 125_485_696, stages: cifarStages),
        Row(name: "resnet110", parameters: 1_727_962, multiplyAdds: 252_887_680, stages: cifarStages),
        Row(name: "resnet20", options: ["shortcut": .string("B")],
            parameters: 272_474, multiplyAdds: 40_813_184, stages: cifarStages),
        // 10 000·128 + 4·256·(128 + 256 + 2) + 2·257 for the LSTM, and so on: the embedding, the gates, the head.
        Row(name: "rnn", parameters: 1_379_330, multiplyAdds: 98_816, stages: ["embedding": [1, 128], "rnn": [1, 256]]),
        Row(name: "lstm", parameters: 1_675_778, multiplyAdds: 393_728, stages: ["embedding": [1, 128], "rnn": [1, 256]]),
        // Behind resnet18, whose own row is above.
        Row(name: "cnn_rnn", parameters: 788_994, multiplyAdds: 786_944, stages: ["rnn": [1, 256], "head": [2]]),
        // Behind resnet18, of whose features there are 512: 20 SVMs and 80 regressions.
        Row(name: "rcnn", parameters: 51_300, multiplyAdds: 51_200, stages: ["svm": [20], "box": [80]]),
        Row(name: "gru", parameters: 1_576_962, multiplyAdds: 295_424, stages: ["embedding": [1, 128], "rnn": [1, 256]]),
        // resnet18 without its last layer; then 512·128 + 128 and 4·256·(128 + 256 + 2), or 2·256·513 and 256·513.
        Row(name: "show_and_tell", parameters: 11_637_440, multiplyAdds: 1_813_561_344 + 458_752,
            stages: ["image": [128], "decoder.rnn": [1, 256]]),
        Row(name: "show_attend_tell", parameters: 11_570_496, multiplyAdds: 1_813_561_344 + 6_684_672,
            stages: ["attention.Ua": [256, 7, 7], "positions1": [49, 768], "init_h": [256]]),
        // The encoder.
        Row(name: "encoder_decoder", parameters: 1_576_448, multiplyAdds: 294_912, stages: ["encoder.embedding": [1, 128], "encoder.rnn": [1, 256]]),
    ]

    static let basicStages: [String: Shape] = [
        "conv1": [64, 112, 112], "pool1": [64, 56, 56], "layer1.0.sum1": [64, 56, 56],
        "layer2.0.sum1": [128, 28, 28], "layer3.0.sum1": [256, 14, 14], "layer4.0.sum1": [512, 7, 7],
    ]

    static let vggStages: [String: Shape] = [
        "features.0": [64, 224, 224], "features.pool1": [64, 112, 112], "features.pool2": [128, 56, 56],
        "features.pool3": [256, 28, 28], "features.pool4": [512, 14, 14], "features.pool5": [512, 7, 7],
    ]

    static let inceptionV3Stages: [String: Shape] = [
        "maxpool1": [64, 73, 73], "maxpool2": [192, 35, 35], "Mixed_5d.concat1": [288, 35, 35],
        "Mixed_6e.concat1": [768, 17, 17], "Mixed_7a.concat1": [1280, 8, 8], "pool3": [2048, 1, 1],
    ]

    static let wideStages: [String: Shape] = [
        "layer1.0.conv2": [128, 56, 56], "layer1.0.sum1": [256, 56, 56], "layer2.0.conv1": [256, 56, 56],
        "layer2.0.conv2": [256, 28, 28], "layer3.0.sum1": [1024, 14, 14], "layer4.0.sum1": [2048, 7, 7],
    ]

    static let bottleneckStages: [String: Shape] = [
        "conv1": [64, 112, 112], "pool1": [64, 56, 56], "layer1.0.sum1": [256, 56, 56],
        "layer2.0.conv1": [128, 56, 56], "layer2.0.conv2": [128, 28, 28], "layer2.0.sum1": [512, 28, 28],
        "layer3.0.sum1": [1024, 14, 14], "layer4.0.sum1": [2048, 7, 7],
    ]

    static let cifarStages: [String: Shape] = [
        "conv1": [16, 32, 32], "layer1.0.sum1": [16, 32, 32], "layer2.0.sum1": [32, 16, 16],
        "layer3.2.sum1": [64, 8, 8], "pool1": [64, 1, 1],
    ]

    @Test(arguments: rows)
    func `has the published size, cost and stages`(_ row: Row) throws {
        let graph = try Architecture.named(row.name).graph(ArchitectureConfiguration(options: row.options))
        let totals = LayerTable(graph).totals
        #expect(totals.parameters == row.parameters)
        #expect(totals.multiplyAdds == row.multiplyAdds)
        #expect(graph.multiplyAdds == row.multiplyAdds)
        for (layer, shape) in row.stages {
            let node = try #require(graph.nodes.first { $0.name == layer }, "no layer \(layer)")
            #expect(node.shape == shape, "\(layer)")
        }
    }

    @Test func `every architecture has a row, here or of its library, and a name of its own`() {
        let names = Architecture.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(Set(Self.rows.map(\.name) + LibraryTests.rows.map(\.name)) == Set(names))
    }

    @Test(arguments: Architecture.all.map(\.name))
    func `tensor names are unique and the outputs are logits and probabilities`(_ name: String) throws {
        let architecture = try Architecture.named(name)
        let graphs = [try architecture.graph(), try architecture.decoderGraph()].compactMap(\.self)
        for graph in graphs { // which may share some
            let names = graph.parameters.map(\.name)
            #expect(Set(names).count == names.count)
        }
        let graph = graphs[graphs.count - 1]
        guard architecture.input != .regions else {
            return #expect(graph.outputs.map(\.name) == ["offsets", "logits"])
        }
        let outputs = graph.outputs.filter { $0.name != "attention" }
        #expect(outputs.map(\.name) == ["logits", "probabilities"])
        #expect(outputs.allSatisfy { graph.shape(of: $0.value).elementCount == architecture.classes })
    }

    @Test func `tensor names and shapes are torchvision's`() throws {
        let graph = try Architecture.named("resnet50").graph()
        let shapes = Dictionary(uniqueKeysWithValues: graph.parameters.map { ($0.name, $0.shape) })
        #expect(shapes.count == 267) // len(resnet50().state_dict()) without 53 num_batches_tracked
        #expect(shapes["conv1.weight"] == [64, 3, 7, 7])
        #expect(shapes["bn1.running_var"] == [64])
        #expect(shapes["layer1.0.downsample.0.weight"] == [256, 64, 1, 1])
        #expect(shapes["layer1.0.downsample.1.running_mean"] == [256])
        #expect(shapes["layer4.2.conv2.weight"] == [512, 512, 3, 3])
        #expect(shapes["fc.weight"] == [1000, 2048])
        let alexnet = try Architecture.named("alexnet").graph()
        #expect(
            alexnet.parameters.map(\.name)
                == [
                    "features.0", "features.3", "features.6", "features.8", "features.10", "classifier.1",
                    "classifier.4", "classifier.6",
                ]
                .flatMap { ["\($0).weight", "\($0).bias"] }
        )
    }
}
