// The loops of max pooling, over the channels of pixels in a row. Compiled once for each instruction set
// (max-pool-loops.cc). Know neither TensorFlow nor threads nor where windows lie.
#ifndef LODESTONE_ENGINE_CPU_MAX_POOL_LOOPS_H_
#define LODESTONE_ENGINE_CPU_MAX_POOL_LOOPS_H_

#include <cstdint>

#include "elements.h"

namespace lodestone {

// What a result is made of: pixels of its window, or gradients of windows; `mark` is where in its window each is.
template <typename T>
struct Candidate {
  const T* numbers;
  const uint8_t* places;
  uint32_t mark;
};

// What the loops do with pixels of type T, of `channels` numbers each. They go `length` times to the next place, where the
// numbers of the candidates lie `apart` further.
template <typename T>
struct MaxPoolLoops {
  // The maximum of `count` pixels, at least one, and, unless `places` is null, the mark of the first that has it. What is no
  // number is the maximum.
  void (*max)(const Candidate<T>* candidates, int count, int64_t channels, int64_t length, int64_t apart, T* y, uint8_t* places);
  // The sum, in their order, of those of `count` gradients whose place is their mark. Results lie `apart` from one another.
  void (*gather)(const Candidate<T>* candidates, int count, int64_t channels, int64_t length, int64_t apart, T* dx);
};

// Of float and of Bf16.
namespace avx2 {
template <typename T>
const MaxPoolLoops<T>& LoopsOfMaxPool();
}
namespace avx512 {
template <typename T>
const MaxPoolLoops<T>& LoopsOfMaxPool();
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_MAX_POOL_LOOPS_H_
