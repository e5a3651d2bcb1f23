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
  const Vector weights = Vector{} + weight;
  EachVector(count, [=](int64_t i, auto lanes) {
    const Vector upper = Load(top + i, lanes), lower = Load(bottom + i, lanes);
    Store(blend + i, Fused(lower - upper, weights, upper), lanes);
  });
}

// Four numbers at a time, of which the next pixel overwrites those beyond the channels.
void Sample(const float* row, const Between* places, int64_t pixels, int64_t channels, float* samples) {
  for (int64_t pixel = 0; pixel < pixels; pixel++, samples += channels) {
    const auto [before, after, weight] = places[pixel];
    for (int64_t channel = 0; channel < channels; channel += kRowPadding) {
      const __m128 left = _mm_loadu_ps(row + before * channels + channel);
      const __m128 right = _mm_loadu_ps(row + after * channels + channel);
      _mm_storeu_ps(samples + channel, _mm_fmadd_ps(_mm_sub_ps(right, left), _mm_set1_ps(weight), left));
    }
  }
}

template <typename T>
void Normalise(const float* samples, const float* factor, const float* shift, int64_t count, T* out) {
  EachVector(count, [=](int64_t i, auto lanes) {
    Store(out + i, Fused(Load(samples + i, lanes), Load(factor + i, lanes), Load(shift + i, lanes)), lanes);
  });
}

}  // namespace

template <typename T>
const CropLoops<T>& LoopsOfCrop() {
  static constexpr CropLoops<T> loops = {Blend, Sample, Normalise<T>};
  return loops;
}
template const CropLoops<float>& LoopsOfCrop();
template const CropLoops<Bf16>& LoopsOfCrop();

}  // namespace LODESTONE_ISA
}  // namespace lodestone
