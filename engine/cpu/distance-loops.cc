// Compiled once for each instruction set, with -DLODESTONE_ISA=avx2 or avx512 and its flags.
#include "distance-loops.h"

#include <immintrin.h>

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

// Four sums side by side, as squaredDistance has them: the first goes on from stride to stride, the others begin anew.
typedef double Sums __attribute__((vector_size(4 * sizeof(double))));

constexpr int kStride = 16;
// Rows side by side: the sums of one alone would wait for each other.
constexpr int kRows = 8;

inline Sums Load(const float* from) { return (Sums)_mm256_cvtps_pd(_mm_loadu_ps(from)); }
inline Sums Load(const double* from) { return (Sums)_mm256_loadu_pd(from); }

void OfSome(const double* x, const float* const* rows, int64_t size, double* sums) {
  const int64_t whole = size - size % 4;
  for (int row = 0; row < kRows; row++) {
    sums[row] = 0;
    for (int64_t e = whole; e < size; e++) sums[row] += (x[e] - rows[row][e]) * (x[e] - rows[row][e]);
  }
  for (int64_t begin = 0; begin < whole; begin += kStride) {
    const int64_t end = begin + kStride < whole ? begin + kStride : whole;
    Sums parts[kRows];
    for (int row = 0; row < kRows; row++) parts[row] = Sums{sums[row], 0, 0, 0};
    for (int64_t e = begin; e < end; e += 4) {
      const Sums numbers = Load(x + e);
      for (int row = 0; row < kRows; row++) {
        const Sums apart = numbers - Load(rows[row] + e);
        parts[row] += apart * apart;
      }
    }
    for (int row = 0; row < kRows; row++) {
      const Sums of = parts[row];
      sums[row] = of[0] + (of[1] + of[2] + of[3]);
    }
  }
}

}  // namespace

void SquaredDistances(const double* x, const float* matrix, int64_t size, const int32_t* rows, int64_t count, double* into) {
  for (int64_t from = 0; from < count; from += kRows) {
    const int64_t some = count - from < kRows ? count - from : kRows;
    const float* side[kRows];
    double sums[kRows];
    for (int row = 0; row < kRows; row++) side[row] = matrix + rows[from + (row < some ? row : some - 1)] * size;
    OfSome(x, side, size, sums);
    for (int row = 0; row < some; row++) into[from + row] = sums[row];
  }
}

}  // namespace LODESTONE_ISA
}  // namespace lodestone
