// Compiled once for each instruction set, with -DLODESTONE_ISA=avx2 or avx512 and its flags.
#include "max-pool-loops.h"

#include "groups.h"
#include "vectors.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

template <typename T>
void Max(const T* const* pixels, const uint8_t* marks, int count, int64_t channels, T* y, uint8_t* places) {
  EachGroup(channels, [=](int64_t column, auto vectors, auto lanes) {
    Vector best[vectors];
    Words place[vectors];
    for (int v = 0; v < vectors; v++) {
      best[v] = Load(pixels[0] + column + v * kLanes, lanes);
      place[v] = Words{} + marks[0];
    }
    for (int i = 1; i < count; i++) {
      const T* pixel = pixels[i] + column;
      const Words mark = Words{} + marks[i];
      for (int v = 0; v < vectors; v++) {
        const Vector x = Load(pixel + v * kLanes, lanes);
        const auto is_larger = (x > best[v]) | (x != x);
        best[v] = is_larger ? x : best[v];
        place[v] = is_larger ? mark : place[v];
      }
    }
    for (int v = 0; v < vectors; v++) {
      Store(y + column + v * kLanes, best[v], lanes);
      Store(places + column + v * kLanes, place[v], lanes);
    }
  });
}

template <typename T>
void Gather(const T* const* dy, const uint8_t* const* places, const uint8_t* marks, int count, int64_t channels, T* dx) {
  EachGroup(channels, [=](int64_t column, auto vectors, auto lanes) {
    Vector sums[vectors] = {};
    for (int i = 0; i < count; i++) {
      const T* gradient = dy[i] + column;
      const uint8_t* place = places[i] + column;
      const Words mark = Words{} + marks[i];
      for (int v = 0; v < vectors; v++) {
        const Vector g = Load(gradient + v * kLanes, lanes);
        sums[v] += LoadWords(place + v * kLanes, lanes) == mark ? g : Vector{};
      }
    }
    for (int v = 0; v < vectors; v++) Store(dx + column + v * kLanes, sums[v], lanes);
  });
}

}  // namespace

template <typename T>
const MaxPoolLoops<T>& LoopsOfMaxPool() {
  static constexpr MaxPoolLoops<T> loops = {Max<T>, Gather<T>};
  return loops;
}
template const MaxPoolLoops<float>& LoopsOfMaxPool();
template const MaxPoolLoops<Bf16>& LoopsOfMaxPool();

}  // namespace LODESTONE_ISA
}  // namespace lodestone
