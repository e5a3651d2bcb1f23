// What the ops have in common: what a tensor's type is stored as, the instruction set of this CPU, and TensorFlow's threads.
#ifndef LODESTONE_ENGINE_CPU_OP_H_
#define LODESTONE_ENGINE_CPU_OP_H_

#include <cstdlib>
#include <string>
#include <type_traits>

#include "elements.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace lodestone {

using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, float>, float, Bf16>;

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

inline const float* NumbersOf(const Tensor& vector) { return vector.flat<float>().data(); }

// Calls body(i) for 0 ≤ i < count, each about `cycles` of work, on the threads of TensorFlow's ops.
template <typename Body>
void InParallel(OpKernelContext* context, int64_t count, int64_t cycles, const Body& body) {
  const auto params = tsl::thread::ThreadPool::SchedulingParams::Adaptive(cycles);
  context->device()->tensorflow_cpu_worker_threads()->workers->ParallelFor(count, params, [&](int64_t i, int64_t end) {
    for (; i < end; i++) body(i);
  });
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_OP_H_
