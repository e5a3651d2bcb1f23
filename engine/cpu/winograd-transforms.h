// The transforms of F(m, r) with m + r = 7 and the points 0, 1, −1, 2, −2, ∞, in one dimension, and what makes two of one: m outputs
// of a filter of r, or the r of a filter's gradient from m outputs'. Matrices as in Lavin and Gray 2016 (section 4.3), whose Bᵀ is
// OfInputs, G OfFilter, Aᵀ ToOutputs.
#ifndef LODESTONE_ENGINE_CPU_WINOGRAD_TRANSFORMS_H_
#define LODESTONE_ENGINE_CPU_WINOGRAD_TRANSFORMS_H_

#include "vectors.h"
#include "winograd.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

inline Vector Times(float factor, Vector v, Vector plus) { return Fused(Vector{} + factor, v, plus); }

struct OfInputs {
  static constexpr int kFrom = kReach, kTo = kReach;

  static inline void Apply(const Vector* d, Vector* v) {
    const Vector even = Times(-4, d[2], d[4]), odd = Times(-4, d[1], d[3]);
    const Vector far_even = d[4] - d[2], far_odd = d[3] - d[1];
    v[0] = Times(4, d[0], Times(-5, d[2], d[4]));
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = Times(2, far_odd, far_even);
    v[4] = Times(-2, far_odd, far_even);
    v[5] = Times(4, d[1], Times(-5, d[3], d[5]));
  }
};

// Of r numbers.
template <int r>
struct OfFilter {
  static constexpr int kFrom = r, kTo = kReach;

  static inline void Apply(const Vector* g, Vector* u) {
    // The filter as a polynomial at 1 and at 2, its even and its odd powers.
    Vector even = g[0], odd = g[1], far_even = g[0], far_odd = g[1] + g[1];
    for (int i = 2; i < r; i++) {
      (i % 2 == 0 ? even : odd) += g[i];
      Vector& far = i % 2 == 0 ? far_even : far_odd;
      far = Times(1 << i, g[i], far);
    }
    u[0] = g[0] * .25f;
    u[1] = (even + odd) * (-1.f / 6);
    u[2] = (even - odd) * (-1.f / 6);
    u[3] = (far_even + far_odd) * (1.f / 24);
    u[4] = (far_even - far_odd) * (1.f / 24);
    u[5] = g[r - 1];
  }
};

// To m numbers.
template <int m>
struct ToOutputs {
  static constexpr int kFrom = kReach, kTo = m;

  static inline void Apply(const Vector* s, Vector* y) {
    const Vector even = s[1] + s[2], odd = s[1] - s[2], far_even = s[3] + s[4], far_odd = s[3] - s[4];
    for (int i = 0; i < m; i++) y[i] = i % 2 == 0 ? Times(1 << i, far_even, even) : Times(1 << i, far_odd, odd);
    y[0] += s[0];
    y[m - 1] += s[5];
  }
};

// A square of vectors through a transform along both sides: load(row, column) to store(row, column, vector). Unrolled, most vectors
// are in registers.
template <typename Transform, typename LoadAt, typename StoreAt>
inline void AlongBothSides(LoadAt load, StoreAt store) {
  constexpr int from = Transform::kFrom, to = Transform::kTo;
  Vector halfway[to][from];
#pragma GCC unroll 8
  for (int column = 0; column < from; column++) {
    Vector in[from], out[to];
#pragma GCC unroll 8
    for (int row = 0; row < from; row++) in[row] = load(row, column);
    Transform::Apply(in, out);
#pragma GCC unroll 8
    for (int row = 0; row < to; row++) halfway[row][column] = out[row];
  }
#pragma GCC unroll 8
  for (int row = 0; row < to; row++) {
    Vector out[to];
    Transform::Apply(halfway[row], out);
#pragma GCC unroll 8
    for (int column = 0; column < to; column++) store(row, column, out[column]);
  }
}

}  // namespace
}  // namespace LODESTONE_ISA
}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_WINOGRAD_TRANSFORMS_H_
