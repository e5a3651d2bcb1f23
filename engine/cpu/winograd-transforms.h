// The transforms of F(4, 3) and of its gradient F(3, 4) with the points 0, 1, −1, 2, −2, ∞, in one dimension, and what makes two of
// one. Matrices as in Lavin and Gray 2016 (section 4.3), whose Bᵀ is `OfInputs`, G `OfFilter`, Aᵀ `ToOutputs`.
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

struct OfFilter {
  static constexpr int kFrom = kFilter, kTo = kReach;

  static inline void Apply(const Vector* g, Vector* u) {
    const Vector even = (g[0] + g[2]) * (-1.f / 6), odd = g[1] * (-1.f / 6);
    const Vector far_even = Times(1.f / 6, g[2], g[0] * (1.f / 24)), far_odd = g[1] * (1.f / 12);
    u[0] = g[0] * .25f;
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = far_even + far_odd;
    u[4] = far_even - far_odd;
    u[5] = g[2];
  }
};

struct ToOutputs {
  static constexpr int kFrom = kReach, kTo = kTile;

  static inline void Apply(const Vector* m, Vector* y) {
    const Vector even = m[1] + m[2], odd = m[1] - m[2], far_even = m[3] + m[4], far_odd = m[3] - m[4];
    y[0] = m[0] + even + far_even;
    y[1] = Times(2, far_odd, odd);
    y[2] = Times(4, far_even, even);
    y[3] = Times(8, far_odd, odd) + m[5];
  }
};

// The gradient of a tile's outputs takes the place of the filter.
struct OfGradient {
  static constexpr int kFrom = kTile, kTo = kReach;

  static inline void Apply(const Vector* g, Vector* u) {
    const Vector even = (g[0] + g[2]) * (-1.f / 6), odd = (g[1] + g[3]) * (-1.f / 6);
    const Vector far_even = Times(1.f / 6, g[2], g[0] * (1.f / 24)), far_odd = Times(1.f / 3, g[3], g[1] * (1.f / 12));
    u[0] = g[0] * .25f;
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = far_even + far_odd;
    u[4] = far_even - far_odd;
    u[5] = g[3];
  }
};

struct ToFilter {
  static constexpr int kFrom = kReach, kTo = kFilter;

  static inline void Apply(const Vector* m, Vector* w) {
    const Vector even = m[1] + m[2], far_even = m[3] + m[4];
    w[0] = m[0] + even + far_even;
    w[1] = Times(2, m[3] - m[4], m[1] - m[2]);
    w[2] = Times(4, far_even, even) + m[5];
  }
};

// A square of vectors through a transform along both sides: load(row, column) to store(row, column, vector).
template <typename Transform, typename LoadAt, typename StoreAt>
inline void AlongBothSides(LoadAt load, StoreAt store) {
  constexpr int from = Transform::kFrom, to = Transform::kTo;
  Vector halfway[to][from];
  for (int column = 0; column < from; column++) {
    Vector in[from], out[to];
    for (int row = 0; row < from; row++) in[row] = load(row, column);
    Transform::Apply(in, out);
    for (int row = 0; row < to; row++) halfway[row][column] = out[row];
  }
  for (int row = 0; row < to; row++) {
    Vector out[to];
    Transform::Apply(halfway[row], out);
    for (int column = 0; column < to; column++) store(row, column, out[column]);
  }
}

}  // namespace
}  // namespace LODESTONE_ISA
}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_WINOGRAD_TRANSFORMS_H_
