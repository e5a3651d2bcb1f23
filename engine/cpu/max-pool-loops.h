// The loops of max pooling, over the channels of a pixel. Compiled once for each instruction set (max-pool-loops.cc). Know neither
// TensorFlow nor threads nor where windows lie.
#ifndef LODESTONE_ENGINE_CPU_MAX_POOL_LOOPS_H_
#define LODESTONE_ENGINE_CPU_MAX_POOL_LOOPS_H_

#include <cstdint>

#include "elements.h"

namespace lodestone {

// What the loops do with pixels of type T, of `channels` numbers each.
template <typename T>
struct MaxPoolLoops {
  // The maximum of `count` pixels, at least one, and the mark of the first that has it. What is no number is the maximum.
  void (*max)(const T* const* pixels, const uint8_t* marks, int count, int64_t channels, T* y, uint8_t* places);
  // The sum, in their order, of those of `count` gradients whose place is their mark.
  void (*gather)(const T* const* dy, const uint8_t* const* places, const uint8_t* marks, int count, int64_t channels,
                 T* dx);
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
