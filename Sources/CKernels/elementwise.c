// Functions of single numbers, for arrays.
#include "general.h"

#include <math.h>
#include <string.h>

/// Rounds to a half-precision number, ties to even.
static float to_half(float x) { return (float)(_Float16)x; }

/// Rounds to a bfloat16 number, ties to even.
static float to_bfloat(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return x;
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

/// Numbers of eight bits and fewer: bits of the fraction, the least exponent, the largest number, and whether there is an
/// infinity or something that is no number beyond it.
static const struct {
    int fraction, exponent;
    float largest;
    bool has_infinity, has_nan;
} small_floats[] = {
    {3, -6, 448, false, true},    {3, -7, 240, false, true},  {2, -14, 57344, true, true},
    {2, -15, 57344, false, true}, {1, 0, 6, false, false},
};

/// Rounds to a number of a kind of `small_floats`, ties to even; larger ones become the largest where that is wanted.
/// Behind these kinds come powers of two, rounded up, down, and to the nearer one.
static float to_small(float x, int kind, bool saturates) {
    const int kinds = sizeof small_floats / sizeof *small_floats;
    if (x != x) return kind >= kinds || small_floats[kind].has_nan ? x : 0;
    if (kind >= kinds) {
        if (isinf(x)) return NAN;
        int exponent;
        const float fraction = frexpf(fabsf(x), &exponent); // in 0.5 … 1
        const bool rounds = kind == kinds ? fraction > 0.5f : kind == kinds + 1 ? false : fraction >= 0.75f;
        exponent += rounds ? 0 : -1;
        if (x == 0 || exponent < -127) exponent = -127;
        if (exponent > 127) return saturates ? ldexpf(1, 127) : NAN;
        return ldexpf(1, exponent);
    }
    const float largest = small_floats[kind].largest;
    if (isinf(x)) return saturates || !small_floats[kind].has_nan ? copysignf(largest, x)
                         : small_floats[kind].has_infinity        ? x
                                                                  : NAN;
    int exponent = x == 0 ? 0 : ilogbf(x);
    if (exponent < small_floats[kind].exponent) exponent = small_floats[kind].exponent;
    const int step = exponent - small_floats[kind].fraction;
    const float rounded = ldexpf(rintf(ldexpf(x, -step)), step);
    if (fabsf(rounded) <= largest) return rounded;
    if (saturates || !small_floats[kind].has_nan) return copysignf(largest, x);
    return small_floats[kind].has_infinity ? copysignf(INFINITY, x) : NAN;
}

static float softplus(float x) { return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x)); }
static float sigmoid(float x) { return 1 / (1 + expf(-x)); }
static float clamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }
/// Python's remainder: the sign of the divisor.
static float modulo(float a, float b) {
    float r = fmodf(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static float larger(float a, float b) { return a != a || a > b ? a : b; }
static float smaller(float a, float b) { return a != a || a < b ? a : b; }

#define EACH(name, expression)                                                                                         \
    case kernel_function_##name:                                                                                       \
        for (size_t i = 0; i < count; i++) {                                                                           \
            const float x = a[i * a_step];                                                                             \
            y[i] = (expression);                                                                                       \
        }                                                                                                              \
        break;
#define PAIR(name, expression)                                                                                         \
    case kernel_function_##name:                                                                                       \
        for (size_t i = 0; i < count; i++) {                                                                           \
            const float x = a[i * a_step], z = b[i * b_step];                                                          \
            y[i] = (expression);                                                                                       \
        }                                                                                                              \
        break;
#define TRIPLE(name, expression)                                                                                       \
    case kernel_function_##name:                                                                                       \
        for (size_t i = 0; i < count; i++) {                                                                           \
            const float x = a[i * a_step], z = b[i * b_step], w = c[i * c_step];                                       \
            y[i] = (expression);                                                                                       \
        }                                                                                                              \
        break;

void kernel_elementwise(kernel_function function, const float *a, size_t a_step, const float *b, size_t b_step,
                        const float *c, size_t c_step, float alpha, float beta, float *y, size_t count) {
    switch (function) {
        EACH(abs, fabsf(x))
        EACH(acos, acosf(x))
        EACH(acosh, acoshf(x))
        EACH(asin, asinf(x))
        EACH(asinh, asinhf(x))
        EACH(atan, atanf(x))
        EACH(atanh, atanhf(x))
        EACH(ceil, ceilf(x))
        EACH(celu, larger(x, 0) + smaller(0, alpha * (expf(x / alpha) - 1)))
        EACH(cos, cosf(x))
        EACH(cosh, coshf(x))
        EACH(elu, x < 0 ? alpha * (expf(x) - 1) : x)
        EACH(erf, erff(x))
        EACH(exp, expf(x))
        EACH(floor, floorf(x))
        EACH(gelu, 0.5f * x * (1 + erff(x * 0.70710678118654752f)))
        EACH(gelu_tanh, 0.5f * x * (1 + tanhf(0.79788456080286536f * (x + 0.044715f * x * x * x))))
        EACH(hard_sigmoid, clamp(alpha * x + beta, 0, 1))
        EACH(hard_swish, x * clamp(x / 6 + 0.5f, 0, 1))
        EACH(identity, x)
        EACH(is_inf, isinf(x) && (x > 0 ? beta != 0 : alpha != 0))
        EACH(is_nan, x != x)
        EACH(leaky_relu, x < 0 ? alpha * x : x)
        EACH(log, logf(x))
        EACH(mish, x * tanhf(softplus(x)))
        EACH(negate, -x)
        EACH(not, x == 0)
        EACH(reciprocal, 1 / x)
        EACH(relu, x < 0 ? 0 : x)
        EACH(round, rintf(x))
        EACH(selu, x > 0 ? beta * x : beta * (alpha * expf(x) - alpha))
        EACH(shrink, x < -alpha ? x + beta : x > alpha ? x - beta : 0)
        EACH(sigmoid, sigmoid(x))
        EACH(sign, (float)((x > 0) - (x < 0)))
        EACH(silu, x * sigmoid(x))
        EACH(sin, sinf(x))
        EACH(sinh, sinhf(x))
        EACH(softplus, softplus(x))
        EACH(softsign, x / (1 + fabsf(x)))
        EACH(sqrt, sqrtf(x))
        EACH(swish, x * sigmoid(alpha * x))
        EACH(tan, tanf(x))
        EACH(tanh, tanhf(x))
        EACH(thresholded_relu, x > alpha ? x : 0)
        EACH(to_bool, x != 0)
        EACH(to_half, to_half(x))
        EACH(to_bfloat, to_bfloat(x))
        EACH(to_small, to_small(x, (int)alpha, beta != 0))
        EACH(truncate, truncf(x))
        PAIR(add, x + z)
        PAIR(and, x != 0 && z != 0)
        PAIR(divide, x / z)
        PAIR(divide_integers, z == 0 ? 0 : truncf((float)((double)x / (double)z)))
        PAIR(equal, x == z)
        PAIR(greater, x > z)
        PAIR(greater_or_equal, x >= z)
        PAIR(less, x < z)
        PAIR(less_or_equal, x <= z)
        PAIR(max, larger(x, z))
        PAIR(mean, (x + z) / 2)
        PAIR(min, smaller(x, z))
        PAIR(modulo, modulo(x, z))
        PAIR(fmod, fmodf(x, z))
        PAIR(multiply, x * z)
        PAIR(or, x != 0 || z != 0)
        PAIR(power, powf(x, z))
        PAIR(prelu, x < 0 ? z * x : x)
        PAIR(subtract, x - z)
        PAIR(xor, (x != 0) != (z != 0))
        TRIPLE(clip, smaller(larger(x, z), w))
        TRIPLE(where, x != 0 ? z : w)
        TRIPLE(quantize, clamp(rintf(x / z) + w, alpha, beta))
    }
}
