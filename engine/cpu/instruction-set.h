// Which of the loops this process runs.
#ifndef LODESTONE_ENGINE_CPU_INSTRUCTION_SET_H_
#define LODESTONE_ENGINE_CPU_INSTRUCTION_SET_H_

#include <cstdlib>
#include <string>

namespace lodestone {

// Whether this CPU has what the loops of `avx512` are compiled for, and ONEDNN_MAX_CPU_ISA, which says how wide TensorFlow's
// own kernels may be, does not forbid it. Without avx2 the module is not loaded (module.cc).
inline bool HasAvx512() {
  static const bool has = [] {
    const char* most = std::getenv("ONEDNN_MAX_CPU_ISA");
    const std::string widest = most == nullptr ? "" : most;
    const bool forbidden = widest == "SSE41" || widest == "AVX" || widest.rfind("AVX2", 0) == 0;
    return !forbidden && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }();
  return has;
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_INSTRUCTION_SET_H_
