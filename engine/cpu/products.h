// Products of matrices in float32 whose sums stay in registers, for small ones that lie in the cache.
#ifndef LODESTONE_ENGINE_CPU_PRODUCTS_H_
#define LODESTONE_ENGINE_CPU_PRODUCTS_H_

#include <cstdint>
#include <type_traits>

#include "vectors.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

// Rows and vectors of columns whose sums are in registers at a time; what else fits is a row of the right operand.
constexpr int kRowsTogether = kLanes == 16 ? 8 : 4, kVectorsTogether = 3;

// A matrix of which the rows are `row` apart, the columns `column`.
struct Left {
  const float* data;
  int64_t row, column;
};

// A matrix in panels of kPanel columns, each of them row after row, which are `row` apart; panels are `panel` apart.
constexpr int64_t kPanel = 16;
struct Right {
  const float* data;
  int64_t row, panel;

  const float* At(int64_t column) const { return data + column / kPanel * panel + column % kPanel; }
};

template <int kVectors>
inline void ProductOfBlock(Left left, Right right, int64_t column, int64_t terms, bool onto, float* result,
                           int64_t result_stride) {
  const float* vectors[kVectors];
  for (int v = 0; v < kVectors; v++) vectors[v] = right.At(column + v * kLanes);
  Vector sums[kRowsTogether][kVectors] = {};
  for (int64_t term = 0; term < terms; term++, left.data += left.column) {
    Vector row[kVectors];
    for (int v = 0; v < kVectors; v++) row[v] = Load(vectors[v] + term * right.row, kLanes);
    for (int i = 0; i < kRowsTogether; i++) {
      const Vector factor = Vector{} + left.data[i * left.row];
      for (int v = 0; v < kVectors; v++) sums[i][v] = Fused(factor, row[v], sums[i][v]);
    }
  }
  for (int i = 0; i < kRowsTogether; i++) {
    for (int v = 0; v < kVectors; v++) {
      float* to = result + i * result_stride + v * kLanes;
      Store(to, onto ? Load(to, kLanes) + sums[i][v] : sums[i][v], kLanes);
    }
  }
}

// result = left · right, or that added onto it, once: long sums are sums of short ones, which round less. Rows are a multiple of
// kRowsTogether, columns of kLanes.
inline void Product(Left left, Right right, int64_t rows, int64_t terms, int64_t columns, bool onto, float* result,
                    int64_t result_stride) {
  int64_t column = 0;
  const auto block = [&](auto vectors) {
    for (int64_t row = 0; row < rows; row += kRowsTogether) {
      const Left of_rows = {left.data + row * left.row, left.row, left.column};
      ProductOfBlock<vectors>(of_rows, right, column, terms, onto, result + row * result_stride + column, result_stride);
    }
    column += vectors * kLanes;
  };
  while (column < columns) {
    const int64_t vectors = (columns - column) / kLanes;
    // Four are two and two: one alone would keep too few sums.
    if (vectors >= kVectorsTogether && vectors != kVectorsTogether + 1) {
      block(std::integral_constant<int, kVectorsTogether>());
    } else if (vectors >= 2) {
      block(std::integral_constant<int, 2>());
    } else {
      block(std::integral_constant<int, 1>());
    }
  }
}

}  // namespace
}  // namespace LODESTONE_ISA
}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_PRODUCTS_H_
