// The loop of exact distances: one row with some rows of a matrix. Compiled once for each instruction set
// (distance-loops.cc). Knows neither JavaScript nor where memory ends.
#ifndef LODESTONE_ENGINE_CPU_DISTANCE_LOOPS_H_
#define LODESTONE_ENGINE_CPU_DISTANCE_LOOPS_H_

#include <cstdint>

namespace lodestone {

// ‖x − row‖² of each of `count` rows of `size` numbers, to the bits of `squaredDistance` (learning/index/distance.ts).
namespace avx2 {
void SquaredDistances(const double* x, const float* matrix, int64_t size, const int32_t* rows, int64_t count, double* into);
}
namespace avx512 {
void SquaredDistances(const double* x, const float* matrix, int64_t size, const int32_t* rows, int64_t count, double* into);
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_DISTANCE_LOOPS_H_
