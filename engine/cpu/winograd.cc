// Convolutions of 3 × 3 and 5 × 5 and their gradients for CPUs, by Winograd's algorithm (winograd.h).
#include <memory>
#include <vector>

#include "op.h"
#include "winograd-loops.h"

namespace lodestone {
namespace {

constexpr int64_t kMultiplicationsACycle = 16;

template <typename E, int kFilter>
const WinogradLoops<E>& LoopsFor() {
  return HasAvx512() ? avx512::LoopsOfWinograd<E, kFilter>() : avx2::LoopsOfWinograd<E, kFilter>();
}

template <typename E>
const WinogradLoops<E>& Loops(int64_t size) {
  return size == 3 ? LoopsFor<E, 3>() : LoopsFor<E, 5>();
}

bool IsSize(int64_t size) { return size == 3 || size == 5; }

// Of this thread, kept from call to call.
float* Scratch(int64_t floats) {
  constexpr int64_t alignment = 64 / sizeof(float);
  thread_local std::vector<float> kept;
  if (static_cast<int64_t>(kept.size()) < floats + alignment) kept.assign(floats + alignment, 0);
  void* data = kept.data();
  size_t space = kept.size() * sizeof(float);
  return static_cast<float*>(std::align(64, floats * sizeof(float), data, space));
}

// The largest part of a range whose parts, times `others`, give every thread something to do, if there are channels enough.
int64_t PartForThreads(OpKernelContext* context, int64_t length, int64_t most, int64_t others) {
  const int64_t threads = context->device()->tensorflow_cpu_worker_threads()->num_threads;
  return std::min(most, length / EvenParts::Quotient(threads, others));
}

Tiles TilesOf(const Tensor& images, int size) {
  return {images.dim_size(0), images.dim_size(1), images.dim_size(2), TileOf(size)};
}

bool AreImages(const Tensor& x) {
  return x.dims() == 4 && x.NumElements() > 0 && x.dim_size(3) % kChannelsTogether == 0;
}

bool IsFilter(const Tensor& filter) {
  return filter.dims() == 4 && IsSize(filter.dim_size(0)) && filter.dim_size(1) == filter.dim_size(0) &&
         filter.dim_size(2) % kChannelsTogether == 0 && filter.dim_size(3) % kChannelsTogether == 0;
}

template <typename T>
class Convolve : public OpKernel {
 public:
  explicit Convolve(OpKernelConstruction* context) : OpKernel(context) {
    bool turned;
    OP_REQUIRES_OK(context, context->GetAttr("turned", &turned));
    lies_ = turned ? Filter::kTurned : Filter::kAsIs;
  }

  void Compute(OpKernelContext* context) override {
    const tsl::port::ScopedFlushDenormal flush;
    using E = Stored<T>;
    const Tensor &x = context->input(0), &filter = context->input(1);
    const int inputs_of_filter = lies_ == Filter::kAsIs ? 2 : 3;
    OP_REQUIRES(context, AreImages(x) && IsFilter(filter) && x.dim_size(3) == filter.dim_size(inputs_of_filter),
                absl::InvalidArgumentError(absl::StrCat(
                    "x must be images and filter of 3 × 3 or 5 × 5 for their channels, multiples of ", kChannelsTogether, "; got ",
                    x.shape().DebugString(), " and ", filter.shape().DebugString())));
    const int64_t size = filter.dim_size(0);
    const Convolution of = {TilesOf(x, size), x.dim_size(3), filter.dim_size(5 - inputs_of_filter)};
    const float* bias = nullptr;
    OP_REQUIRES(context, context->num_inputs() <= 3, absl::InvalidArgumentError("biases must be 0 or 1"));
    if (context->num_inputs() == 3) {
      OP_REQUIRES(context, context->input(2).NumElements() == of.outputs,
                  absl::InvalidArgumentError("bias must have a number for each output channel"));
      bias = NumbersOf(context->input(2));
    }
    TensorShape shape = x.shape();
    shape.set_dim(3, of.outputs);
    Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &y));
    Tensor transformed;
    OP_REQUIRES_OK(context, context->allocate_temp(tensorflow::DT_FLOAT, TensorShape({SizeOfTransformed(of)}), &transformed));
    float* matrices = transformed.flat<float>().data();

    const WinogradLoops<E>& loops = Loops<E>(size);
    const float* weights = filter.flat<float>().data();
    const EvenParts inputs(of.inputs, kChannelsTogether);
    InParallel(context, inputs.count(), kPlaces * of.outputs * kChannelsTogether / 2,
               [&](int64_t part) { loops.transform(weights, lies_, of, inputs.At(part), matrices); });

    const int64_t blocks = EvenParts::Quotient(of.tiles.count(), kTilesOfConvolve);
    // Two tasks for a thread where there are: the last block has fewer tiles.
    const EvenParts outputs(of.outputs,
                            PartForThreads(context, of.outputs, of.outputs, EvenParts::Quotient(blocks, 2)));
    const int64_t multiplications = kPlaces * kTilesOfConvolve * of.inputs * (of.outputs / outputs.count());
    InParallel(context, blocks * outputs.count(), multiplications / kMultiplicationsACycle, [&](int64_t i) {
      const int64_t first = i / outputs.count() * kTilesOfConvolve;
      const Range tiles = {first, std::min(kTilesOfConvolve, of.tiles.count() - first)};
      loops.convolve(static_cast<const E*>(x.data()), matrices, bias, static_cast<E*>(y->data()), of, tiles,
                     outputs.At(i % outputs.count()), Scratch(kScratchOfConvolve));
    });
  }

 private:
  Filter lies_;
};

template <typename T>
class ConvolveFilterGrad : public OpKernel {
 public:
  explicit ConvolveFilterGrad(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("size", &size_));
    OP_REQUIRES(context, IsSize(size_), absl::InvalidArgumentError("size must be 3 or 5"));
  }

  void Compute(OpKernelContext* context) override {
    const tsl::port::ScopedFlushDenormal flush;
    using E = Stored<T>;
    const Tensor &x = context->input(0), &dy = context->input(1);
    OP_REQUIRES(context,
                AreImages(x) && AreImages(dy) && x.dim_size(0) == dy.dim_size(0) && x.dim_size(1) == dy.dim_size(1) &&
                    x.dim_size(2) == dy.dim_size(2),
                absl::InvalidArgumentError(absl::StrCat("x and dy must be images of one size, of channels in multiples of ",
                                                        kChannelsTogether, "; got ", x.shape().DebugString(), " and ",
                                                        dy.shape().DebugString())));
    const Convolution of = {TilesOf(x, size_), x.dim_size(3), dy.dim_size(3)};
    Tensor* gradient;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({size_, size_, of.inputs, of.outputs}), &gradient));

    const WinogradLoops<E>& loops = Loops<E>(size_);
    const EvenParts wide(of.outputs, kOutputsOfGradient);
    const EvenParts inputs(of.inputs, PartForThreads(context, of.inputs, kInputsOfGradient, wide.count()));
    const EvenParts outputs(of.outputs, PartForThreads(context, of.outputs, kOutputsOfGradient, inputs.count()));
    const int64_t multiplications = kPlaces * of.tiles.count() * (of.inputs / inputs.count()) * kOutputsOfGradient;
    InParallel(context, inputs.count() * outputs.count(), multiplications / kMultiplicationsACycle, [&](int64_t i) {
      loops.filter_gradient(static_cast<const E*>(x.data()), static_cast<const E*>(dy.data()),
                            gradient->flat<float>().data(), of, inputs.At(i / outputs.count()),
                            outputs.At(i % outputs.count()), Scratch(kScratchOfGradient));
    });
  }

 private:
  int32_t size_;
};

absl::Status ShapesOfConvolve(InferenceContext* context) {
  bool turned;
  TF_RETURN_IF_ERROR(context->GetAttr("turned", &turned));
  ShapeHandle x, filter, y;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(0), 4, &x));
  TF_RETURN_IF_ERROR(context->WithRank(context->input(1), 4, &filter));
  TF_RETURN_IF_ERROR(context->ReplaceDim(x, 3, context->Dim(filter, turned ? 2 : 3), &y));
  context->set_output(0, y);
  return absl::OkStatus();
}

absl::Status ShapesOfConvolveFilterGrad(InferenceContext* context) {
  int32_t size;
  TF_RETURN_IF_ERROR(context->GetAttr("size", &size));
  ShapeHandle x, dy;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(0), 4, &x));
  TF_RETURN_IF_ERROR(context->WithRank(context->input(1), 4, &dy));
  const auto side = context->MakeDim(size);
  context->set_output(0, context->MakeShape({side, side, context->Dim(x, 3), context->Dim(dy, 3)}));
  return absl::OkStatus();
}

REGISTER_OP("LodestoneConvolve")
    .Input("x: T")
    .Input("filter: float")
    .Input("bias: biases * float")
    .Output("y: T")
    .Attr("T: {float, bfloat16}")
    .Attr("turned: bool")
    .Attr("biases: int >= 0")
    .SetShapeFn(ShapesOfConvolve);

REGISTER_OP("LodestoneConvolveFilterGrad")
    .Input("x: T")
    .Input("dy: T")
    .Output("gradient: float")
    .Attr("T: {float, bfloat16}")
    .Attr("size: int")
    .SetShapeFn(ShapesOfConvolveFilterGrad);

#define REGISTER(Op, T) \
  REGISTER_KERNEL_BUILDER(Name("Lodestone" #Op).Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), Op<T>)
REGISTER(Convolve, float);
REGISTER(Convolve, Eigen::bfloat16);
REGISTER(ConvolveFilterGrad, float);
REGISTER(ConvolveFilterGrad, Eigen::bfloat16);

}  // namespace
}  // namespace lodestone
