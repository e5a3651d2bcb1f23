// Compiled once for each instruction set, with -DLODESTONE_ISA=avx2 or avx512 and its flags.
#include "crop-loops.h"

#include <type_traits>

#include "vectors.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

// Calls body(first, lanes) for `count` numbers, a vector at a time.
template <typename Body>
inline void EachVector(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, std::integral_constant<int, kLanes>());
  if (i < count) body(i, static_cast<int>(count - i));
}

void Blend(const uint8_t* top, const uint8_t* bottom, float weight, int64_t count, float* blend) {
  EachVector(count, [=](int64_t i, auto lanes) {
    const Vector upper = Load(top + i, lanes), lower = Load(bottom + i, lanes);
    Store(blend + i, (lower - upper) * weight + upper, lanes);
  });
}

// Four numbers at a time, of which the next pixel overwrites those beyond the channels.
void Sample(const float* row, const Between* places, int64_t pixels, int64_t channels, float* samples) {
  typedef float Four __attribute__((vector_size(kRowPadding * sizeof(float))));
  for (int64_t pixel = 0; pixel < pixels; pixel++, samples += channels) {
    const auto [before, after, weight] = places[pixel];
    for (int64_t channel = 0; channel < channels; channel += kRowPadding) {
      Four left, right;
      std::memcpy(&left, row + before * channels + channel, sizeof left);
      std::memcpy(&right, row + after * channels + channel, sizeof right);
      const Four sample = (right - left) * weight + left;
      std::memcpy(samples + channel, &sample, sizeof sample);
    }
  }
}

template <typename T>
void Normalise(const float* samples, const float* factor, const float* shift, int64_t count, T* out) {
  EachVector(count, [=](int64_t i, auto lanes) {
    Store(out + i, Load(samples + i, lanes) * Load(factor + i, lanes) + Load(shift + i, lanes), lanes);
  });
}

}  // namespace

const CropLoops<float> kFloatCropLoops = {Blend, Sample, Normalise<float>};
const CropLoops<Bf16> kBf16CropLoops = {Blend, Sample, Normalise<Bf16>};

}  // namespace LODESTONE_ISA
}  // namespace lodestone
