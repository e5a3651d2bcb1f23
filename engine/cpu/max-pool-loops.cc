// Compiled once for each instruction set, with -DLODESTONE_ISA=avx2 or avx512 and its flags.
#include "max-pool-loops.h"

#include "groups.h"
#include "vectors.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

template <bool kWithPlaces, typename T>
void MaxOfWindows(const Candidate<T>* candidates, int count, int64_t channels, int64_t length, int64_t apart, T* y,
                  uint8_t* places) {
  for (int64_t at = 0; at < length; at++, y += channels) {
    EachGroup(channels, [=](int64_t column, auto vectors, auto lanes) {
      const int64_t offset = at * apart + column;
      Vector best[vectors];
      Words place[vectors];
      for (int v = 0; v < vectors; v++) {
        best[v] = Load(candidates[0].numbers + offset + v * kLanes, lanes);
        if constexpr (kWithPlaces) place[v] = Words{} + candidates[0].mark;
      }
      for (int i = 1; i < count; i++) {
        const T* numbers = candidates[i].numbers + offset;
        const Words mark = Words{} + candidates[i].mark;
        for (int v = 0; v < vectors; v++) {
          const Vector x = Load(numbers + v * kLanes, lanes);
          if constexpr (kWithPlaces) place[v] = (x > best[v]) | (x != x) ? mark : place[v];
          best[v] = Larger(x, best[v]);
        }
      }
      for (int v = 0; v < vectors; v++) {
        Store(y + column + v * kLanes, best[v], lanes);
        if constexpr (kWithPlaces) Store(places + at * channels + column + v * kLanes, place[v], lanes);
      }
    });
  }
}

template <typename T>
void Max(const Candidate<T>* candidates, int count, int64_t channels, int64_t length, int64_t apart, T* y, uint8_t* places) {
  if (places == nullptr) {
    MaxOfWindows<false>(candidates, count, channels, length, apart, y, places);
  } else {
    MaxOfWindows<true>(candidates, count, channels, length, apart, y, places);
  }
}

template <typename T>
void Gather(const Candidate<T>* candidates, int count, int64_t channels, int64_t length, int64_t apart, T* dx) {
  for (int64_t at = 0; at < length; at++, dx += apart) {
    EachGroup(channels, [=](int64_t column, auto vectors, auto lanes) {
      const int64_t offset = at * channels + column;
      Vector sums[vectors] = {};
      for (int i = 0; i < count; i++) {
        const T* numbers = candidates[i].numbers + offset;
        const uint8_t* places = candidates[i].places + offset;
        const Words mark = Words{} + candidates[i].mark;
        for (int v = 0; v < vectors; v++) {
          const Vector g = Load(numbers + v * kLanes, lanes);
          sums[v] += LoadWords(places + v * kLanes, lanes) == mark ? g : Vector{};
        }
      }
      for (int v = 0; v < vectors; v++) Store(dx + column + v * kLanes, sums[v], lanes);
    });
  }
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
