// The loops of Winograd's convolutions. Compiled once for each instruction set (winograd-loops.cc). Know neither TensorFlow nor
// threads.
//
// Every sum runs along the channels, or along the tiles, in their order, in parts that shapes alone decide, and every product that is
// added is one fused operation: the bits are the same for every width of vectors, and for every division of the work.
#ifndef LODESTONE_ENGINE_CPU_WINOGRAD_LOOPS_H_
#define LODESTONE_ENGINE_CPU_WINOGRAD_LOOPS_H_

#include <cstdint>

#include "elements.h"
#include "winograd.h"

namespace lodestone {

// What one call takes at most: as much as was fastest on Zen 4, of which a core has 1 MiB of cache for itself.
constexpr int64_t kTilesOfConvolve = 24, kInputsOfConvolve = 192, kOutputsOfConvolve = 96;
constexpr int64_t kTilesOfGradient = 48, kInputsOfGradient = 64, kOutputsOfGradient = 96;

// Floats between the matrices of two places. A tile's numbers lie one at each place: were these a power of 2 apart, a few lines of
// the cache would have to hold them all.
constexpr int64_t kApart = 16;

// Floats of `scratch`, which begins where a vector may, and of `transformed`.
constexpr int64_t kSumsOfConvolve = kPlaces * (kTilesOfConvolve * kOutputsOfConvolve + kApart);
constexpr int64_t kScratchOfConvolve = kSumsOfConvolve + kPlaces * (kTilesOfConvolve * kInputsOfConvolve + kApart);
constexpr int64_t kScratchOfGradient =
    kPlaces * (kTilesOfGradient * (kInputsOfGradient + kOutputsOfGradient) + kInputsOfGradient * kOutputsOfGradient +
               3 * kApart);
inline int64_t SizeOfTransformed(const Convolution& of) {
  return kPlaces * (of.inputs + 1) * of.outputs;
}

// How a filter lies in memory.
enum class Filter {
  kAsIs,    // [size, size, inputs, outputs]
  kTurned,  // [size, size, outputs, inputs], to be turned by 180°: the convolution is the gradient of another's input
};

// What the loops do with pixels of type T, for filters of one size.
template <typename T>
struct WinogradLoops {
  // `filter` into `transformed`, for a range of inputs.
  void (*transform)(const float* filter, Filter lies, const Convolution& of, Range inputs, float* transformed);
  // A range of tiles, at most kTilesOfConvolve, and of outputs. With `bias`: max(y + bias, 0).
  void (*convolve)(const T* x, const float* transformed, const float* bias, T* y, const Convolution& of, Range tiles,
                   Range outputs, float* scratch);
  // The gradient of the filter, [size, size, inputs, outputs], for a range of inputs and of outputs, at most kInputsOfGradient and
  // kOutputsOfGradient, from all tiles.
  void (*filter_gradient)(const T* x, const T* dy, float* gradient, const Convolution& of, Range inputs, Range outputs,
                          float* scratch);
};

// Of float and of Bf16, of filters of 3 × 3 and of 5 × 5.
namespace avx2 {
template <typename T, int kFilter>
const WinogradLoops<T>& LoopsOfWinograd();
}
namespace avx512 {
template <typename T, int kFilter>
const WinogradLoops<T>& LoopsOfWinograd();
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_WINOGRAD_LOOPS_H_
