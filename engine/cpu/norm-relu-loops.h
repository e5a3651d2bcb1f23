// The loops of batch norm with rectifier, over columns of a matrix whose rows are pixels. Compiled once for each instruction
// set (norm-relu-loops.cc). Know neither TensorFlow nor threads.
//
// Every sum runs along the rows in their order, one accumulator a channel, and every product that is added is one fused
// operation: the bits are the same for every width of vectors.
#ifndef LODESTONE_ENGINE_CPU_NORM_RELU_LOOPS_H_
#define LODESTONE_ENGINE_CPU_NORM_RELU_LOOPS_H_

#include <cstdint>

#include "elements.h"

namespace lodestone {

// `width` columns of a row-major matrix, from `data` on; rows are `stride` elements apart.
template <typename T>
struct Columns {
  T* data;
  int64_t stride;
};

// What the loops do with pixels of type T.
template <typename T>
struct NormReluLoops {
  // Sums of x − shift and of their squares, over `rows` rows.
  void (*sums)(Columns<const T> x, int64_t rows, int64_t width, const float* shift, float* sum, float* squares);
  // y = max((x − mean) · gain + offset, 0).
  void (*apply)(Columns<const T> x, Columns<T> y, int64_t rows, int64_t width, const float* mean, const float* gain,
                const float* offset);
  // With g = dy where (x − mean) · gain + offset > 0, else 0: sums of g and of g · (x − mean).
  void (*gradient_sums)(Columns<const T> x, Columns<const T> dy, int64_t rows, int64_t width, const float* mean,
                        const float* gain, const float* offset, float* sum, float* products);
  // dx = gain · g − (x − mean) · slope − level.
  void (*gradient_apply)(Columns<const T> x, Columns<const T> dy, Columns<T> dx, int64_t rows, int64_t width,
                         const float* mean, const float* gain, const float* offset, const float* slope,
                         const float* level);
};

// Of float and of Bf16.
namespace avx2 {
template <typename T>
const NormReluLoops<T>& LoopsOfNormRelu();
}
namespace avx512 {
template <typename T>
const NormReluLoops<T>& LoopsOfNormRelu();
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_NORM_RELU_LOOPS_H_
