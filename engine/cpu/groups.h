// Columns in groups of vectors, for loops whose sums stay in registers.
#ifndef LODESTONE_ENGINE_CPU_GROUPS_H_
#define LODESTONE_ENGINE_CPU_GROUPS_H_

#include <cstdint>
#include <type_traits>

#include "vectors.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

// Calls body(column, vectors, lanes) for all columns, four vectors at a time where there are. The last vector of a width that
// is no multiple of kLanes ends at the last column and so repeats some of the one before: the same results are written twice.
template <typename Body>
inline void EachGroup(int64_t width, Body body) {
  using One = std::integral_constant<int, 1>;
  using Four = std::integral_constant<int, 4>;
  using Whole = std::integral_constant<int, kLanes>;
  if (width < kLanes) return body(0, One(), static_cast<int>(width));
  int64_t column = 0;
  for (; column + 4 * kLanes <= width; column += 4 * kLanes) body(column, Four(), Whole());
  for (; column + kLanes <= width; column += kLanes) body(column, One(), Whole());
  if (column < width) body(width - kLanes, One(), Whole());
}

}  // namespace
}  // namespace LODESTONE_ISA
}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_GROUPS_H_
