// The loops of a crop's bilinear samples. Compiled once for each instruction set (crop-loops.cc). Know neither TensorFlow nor
// threads.
#ifndef LODESTONE_ENGINE_CPU_CROP_LOOPS_H_
#define LODESTONE_ENGINE_CPU_CROP_LOOPS_H_

#include <cstdint>

#include "elements.h"

namespace lodestone {

// Where a pixel of the crop lies in a row of the image: between two pixels, `weight` of the way.
struct Between {
  int32_t before, after;
  float weight;
};

// What is read and written of a row may go this many numbers beyond its end.
constexpr int64_t kRowPadding = 4;

template <typename T>
struct CropLoops {
  // blend = top + (bottom − top) · weight, of `count` numbers.
  void (*blend)(const uint8_t* top, const uint8_t* bottom, float weight, int64_t count, float* blend);
  // The pixels of `channels` numbers that lie at `places` of a row, one after another. Both rows are padded.
  void (*sample)(const float* row, const Between* places, int64_t pixels, int64_t channels, float* samples);
  // out = samples · factor + shift, number by number.
  void (*normalise)(const float* samples, const float* factor, const float* shift, int64_t count, T* out);
};

// To float and to Bf16.
namespace avx2 {
template <typename T>
const CropLoops<T>& LoopsOfCrop();
}
namespace avx512 {
template <typename T>
const CropLoops<T>& LoopsOfCrop();
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_CROP_LOOPS_H_
