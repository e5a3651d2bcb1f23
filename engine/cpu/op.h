// What the ops have in common: what a tensor's type is stored as, and TensorFlow's threads.
#ifndef LODESTONE_ENGINE_CPU_OP_H_
#define LODESTONE_ENGINE_CPU_OP_H_

#include <type_traits>

#include "elements.h"
#include "instruction-set.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tsl/platform/denormal.h"

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

inline const float* NumbersOf(const Tensor& vector) { return vector.flat<float>().data(); }

// Calls body(i) for 0 ≤ i < count, each about `cycles` of work, on the threads of TensorFlow's ops. These take subnormal
// numbers for 0, and so must the caller's, which works with them.
template <typename Body>
void InParallel(OpKernelContext* context, int64_t count, int64_t cycles, const Body& body) {
  const auto params = tsl::thread::ThreadPool::SchedulingParams::Adaptive(cycles);
  context->device()->tensorflow_cpu_worker_threads()->workers->ParallelFor(count, params, [&](int64_t i, int64_t end) {
    const tsl::port::ScopedFlushDenormal flush;
    for (; i < end; i++) body(i);
  });
}

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_OP_H_
