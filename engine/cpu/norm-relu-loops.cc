// Compiled once for each instruction set, with -DLODESTONE_ISA=avx2 or avx512 and its flags.
#include "norm-relu-loops.h"

#include "groups.h"
#include "vectors.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

// The numbers of a channel, for the channels of a group.
template <int kVectors>
struct OfChannels {
  Vector at[kVectors];

  OfChannels(const float* from, int lanes) {
    for (int v = 0; v < kVectors; v++) at[v] = Load(from + v * kLanes, lanes);
  }
};

// Batch norm and rectifier of the channels of a group: one home for the formula that forward and gradient must agree on.
template <int kVectors>
struct NormOfChannels {
  OfChannels<kVectors> means, gains, offsets;

  NormOfChannels(const float* mean, const float* gain, const float* offset, int lanes)
      : means(mean, lanes), gains(gain, lanes), offsets(offset, lanes) {}

  Vector Apart(Vector x, int v) const { return x - means.at[v]; }
  Vector Normed(Vector apart, int v) const { return Fused(apart, gains.at[v], offsets.at[v]); }
  // What is given where the rectifier passes, else 0. What is no number passes.
  Vector Passed(Vector normed, Vector given) const { return normed <= Vector{} ? Vector{} : given; }
};

template <typename T>
void Sums(Columns<const T> x, int64_t rows, int64_t width, const float* shift, float* sum, float* squares) {
  EachGroup(width, [=](int64_t column, auto vectors, auto lanes) {
    const OfChannels<vectors> shifts(shift + column, lanes);
    Vector sums[vectors] = {}, squared[vectors] = {};
    const T* in = x.data + column;
    for (int64_t row = 0; row < rows; row++, in += x.stride) {
      for (int v = 0; v < vectors; v++) {
        const Vector apart = Load(in + v * kLanes, lanes) - shifts.at[v];
        sums[v] += apart;
        squared[v] = Fused(apart, apart, squared[v]);
      }
    }
    for (int v = 0; v < vectors; v++) {
      Store(sum + column + v * kLanes, sums[v], lanes);
      Store(squares + column + v * kLanes, squared[v], lanes);
    }
  });
}

template <typename T>
void Apply(Columns<const T> x, Columns<T> y, int64_t rows, int64_t width, const float* mean, const float* gain,
           const float* offset) {
  EachGroup(width, [=](int64_t column, auto vectors, auto lanes) {
    const NormOfChannels<vectors> norm(mean + column, gain + column, offset + column, lanes);
    const T* in = x.data + column;
    T* out = y.data + column;
    for (int64_t row = 0; row < rows; row++, in += x.stride, out += y.stride) {
      for (int v = 0; v < vectors; v++) {
        const Vector normed = norm.Normed(norm.Apart(Load(in + v * kLanes, lanes), v), v);
        Store(out + v * kLanes, norm.Passed(normed, normed), lanes);
      }
    }
  });
}

template <typename T>
void GradientSums(Columns<const T> x, Columns<const T> dy, int64_t rows, int64_t width, const float* mean,
                  const float* gain, const float* offset, float* sum, float* products) {
  EachGroup(width, [=](int64_t column, auto vectors, auto lanes) {
    const NormOfChannels<vectors> norm(mean + column, gain + column, offset + column, lanes);
    Vector sums[vectors] = {}, multiplied[vectors] = {};
    const T* in = x.data + column;
    const T* gradient = dy.data + column;
    for (int64_t row = 0; row < rows; row++, in += x.stride, gradient += dy.stride) {
      for (int v = 0; v < vectors; v++) {
        const Vector apart = norm.Apart(Load(in + v * kLanes, lanes), v);
        const Vector g = norm.Passed(norm.Normed(apart, v), Load(gradient + v * kLanes, lanes));
        sums[v] += g;
        multiplied[v] = Fused(g, apart, multiplied[v]);
      }
    }
    for (int v = 0; v < vectors; v++) {
      Store(sum + column + v * kLanes, sums[v], lanes);
      Store(products + column + v * kLanes, multiplied[v], lanes);
    }
  });
}

template <typename T>
void GradientApply(Columns<const T> x, Columns<const T> dy, Columns<T> dx, int64_t rows, int64_t width,
                   const float* mean, const float* gain, const float* offset, const float* slope, const float* level) {
  EachGroup(width, [=](int64_t column, auto vectors, auto lanes) {
    const NormOfChannels<vectors> norm(mean + column, gain + column, offset + column, lanes);
    const OfChannels<vectors> slopes(slope + column, lanes), levels(level + column, lanes);
    const T* in = x.data + column;
    const T* gradient = dy.data + column;
    T* out = dx.data + column;
    for (int64_t row = 0; row < rows; row++, in += x.stride, gradient += dy.stride, out += dx.stride) {
      for (int v = 0; v < vectors; v++) {
        const Vector apart = norm.Apart(Load(in + v * kLanes, lanes), v);
        const Vector g = norm.Passed(norm.Normed(apart, v), Load(gradient + v * kLanes, lanes));
        const Vector common = Fused(apart, slopes.at[v], levels.at[v]);
        Store(out + v * kLanes, Fused(g, norm.gains.at[v], -common), lanes);
      }
    }
  });
}

}  // namespace

template <typename T>
const NormReluLoops<T>& LoopsOfNormRelu() {
  static constexpr NormReluLoops<T> loops = {Sums<T>, Apply<T>, GradientSums<T>, GradientApply<T>};
  return loops;
}
template const NormReluLoops<float>& LoopsOfNormRelu();
template const NormReluLoops<Bf16>& LoopsOfNormRelu();

}  // namespace LODESTONE_ISA
}  // namespace lodestone
