// Vectors of float32 for the loops: kLanes numbers, as wide as a register of the instruction set that LODESTONE_ISA names, and
// loaded from and stored to what pixels are stored as. Inside lodestone::LODESTONE_ISA, so that the sets' loops stay apart.
//
// A product that is added is fused with its sum where Fused says so and nowhere else (-ffp-contract=off): a loop rounds alike on
// every set and by every compiler.
#ifndef LODESTONE_ENGINE_CPU_VECTORS_H_
#define LODESTONE_ENGINE_CPU_VECTORS_H_

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "elements.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

constexpr int kLanes = LODESTONE_LANES;
typedef float Vector __attribute__((vector_size(kLanes * sizeof(float))));
typedef uint32_t Words __attribute__((vector_size(kLanes * sizeof(uint32_t))));
typedef uint16_t Halves __attribute__((vector_size(kLanes * sizeof(uint16_t))));
typedef uint8_t Bytes __attribute__((vector_size(kLanes)));

// a · b + c, rounded once.
inline Vector Fused(Vector a, Vector b, Vector c) {
#if LODESTONE_LANES == 16
  return _mm512_fmadd_ps(a, b, c);
#else
  return _mm256_fmadd_ps(a, b, c);
#endif
}

// The larger of each two; what is no number is larger.
inline Vector Larger(Vector a, Vector b) {
#if LODESTONE_LANES == 16
  const Vector larger = _mm512_max_ps(a, b);  // b where one is no number
#else
  const Vector larger = _mm256_max_ps(a, b);
#endif
  return a == a ? larger : a;
}

// Each number in a word of its own. By intrinsics: of __builtin_convertvector some compilers make a scalar move for each.
inline Words Widened(Bytes bytes) {
#if LODESTONE_LANES == 16
  return (Words)_mm512_cvtepu8_epi32((__m128i)bytes);
#else
  int64_t bits;
  std::memcpy(&bits, &bytes, sizeof(bits));
  return (Words)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bits));
#endif
}

inline Words Widened(Halves halves) {
#if LODESTONE_LANES == 16
  return (Words)_mm512_cvtepu16_epi32((__m256i)halves);
#else
  return (Words)_mm256_cvtepu16_epi32((__m128i)halves);
#endif
}

// Of numbers below 2³¹.
inline Vector ToNumbers(Words words) {
#if LODESTONE_LANES == 16
  return _mm512_cvtepi32_ps((__m512i)words);
#else
  return _mm256_cvtepi32_ps((__m256i)words);
#endif
}

// The lowest byte of each.
inline Bytes LowestBytes(Words words) {
#if LODESTONE_LANES == 16
  return (Bytes)_mm512_cvtepi32_epi8((__m512i)words);
#else
  return __builtin_convertvector(words, Bytes);
#endif
}

// The first `count` elements, the others 0; all of them where `count` is a constant kLanes.
template <typename V, typename T>
inline V Copied(const T* from, int count) {
  V v = {};
  std::memcpy(&v, from, count * sizeof(T));
  return v;
}

inline Vector Load(const float* from, int count) { return Copied<Vector>(from, count); }
inline Words LoadWords(const uint8_t* from, int count) { return Widened(Copied<Bytes>(from, count)); }
inline Vector Load(const uint8_t* from, int count) { return ToNumbers(LoadWords(from, count)); }
inline Vector Load(const Bf16* from, int count) { return (Vector)(Widened(Copied<Halves>(from, count)) << 16); }

inline void Store(float* to, Vector v, int count) { std::memcpy(to, &v, count * sizeof(float)); }

inline void Store(uint8_t* to, Words v, int count) {
  const Bytes bytes = LowestBytes(v);
  std::memcpy(to, &bytes, count);
}

// To the nearest, to even between two; what is no number stays none.
inline void Store(Bf16* to, Vector v, int count) {
  const Words bits = (Words)v;
  const Words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Words quiet = (bits >> 16) | 0x40;
  const Halves halves = __builtin_convertvector((Words)(v == v ? rounded : quiet), Halves);
  std::memcpy(to, &halves, count * sizeof(Bf16));
}

}  // namespace
}  // namespace LODESTONE_ISA
}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_VECTORS_H_
