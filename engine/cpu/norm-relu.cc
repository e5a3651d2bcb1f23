// Batch norm of a training batch with the rectifier behind it, for CPUs: one op each way (norm-relu-grad.cc). TensorFlow has two
// each way, which read every activation once more, and whose arithmetic on bfloat16 is mostly scalar.
#include <algorithm>
#include <cmath>
#include <vector>

#include "blocks.h"
#include "norm-relu-loops.h"
#include "op.h"
#include "parts.h"

namespace lodestone {
namespace {

using tensorflow::OpOutputList;

template <typename T>
class NormRelu : public OpOnParts {
 public:
  explicit NormRelu(OpKernelConstruction* context) : OpOnParts(context) {
    OP_REQUIRES_OK(context, context->GetAttr("epsilon", &epsilon_));
    OP_REQUIRES_OK(context, context->GetAttr("momentum", &momentum_));
  }

  void Compute(OpKernelContext* context) override {
    const tsl::port::ScopedFlushDenormal flush;
    using E = Stored<T>;
    const Tensor &x = context->input(0), &scale = context->input(1), &offset = context->input(2);
    const Tensor &old_mean = context->input(3), &old_variance = context->input(4);
    OP_REQUIRES_OK(context, Check(x, {&scale, &offset, &old_mean, &old_variance}));
    OpOutputList outputs;
    OP_REQUIRES_OK(context, context->output_list("y", &outputs));
    std::vector<Columns<E>> y;
    for (size_t part = 0; part < parts(); part++) {
      Tensor* output;
      OP_REQUIRES_OK(context, outputs.allocate(part, ShapeOfPart(x, part), &output));
      y.push_back(ColumnsOf<E>(output));
    }
    float* vectors[4];
    for (size_t i = 0; i < 4; i++) {
      Tensor* output;
      OP_REQUIRES_OK(context, context->allocate_output(parts() + i, scale.shape(), &output));
      vectors[i] = output->flat<float>().data();
    }
    const auto [new_mean, new_variance, mean, inverse] = vectors;

    const NormReluLoops<E>& loops = HasAvx512() ? avx512::LoopsOfNormRelu<E>() : avx2::LoopsOfNormRelu<E>();
    const int64_t channels = scale.NumElements();
    const Columns<const E> in = ColumnsOf<E>(x);
    const Blocks blocks(x.NumElements() / channels);
    TwoSums sums(blocks.count(), channels);
    // Summed is what a pixel differs from the mean of some: about the batch's deviation, however large its mean.
    constexpr int64_t kMostSampled = 64;
    const int64_t sampled = std::min(blocks.rows(), kMostSampled), apart = blocks.rows() / sampled;
    const std::vector<float> zeros(channels);
    std::vector<float> shift(channels), unused(channels);
    loops.sums({in.data, apart * in.stride}, sampled, channels, zeros.data(), shift.data(), unused.data());
    for (float& number : shift) number /= sampled;
    blocks.Each(context, channels * sizeof(E), [&](int64_t block, int64_t row, int64_t rows) {
      loops.sums(From(in, row), rows, channels, shift.data(), sums.First(block), sums.Second(block));
    });

    std::vector<float> gain(channels);
    const double n = blocks.rows(), old = momentum_;
    sums.EachChannel([&, new_mean = new_mean, new_variance = new_variance, mean = mean, inverse = inverse](
                         int64_t c, double sum, double squares) {
      const double off = sum / n;
      const double variance = std::max(squares / n - off * off, 0.0);
      mean[c] = shift[c] + off;
      inverse[c] = 1 / std::sqrt(variance + epsilon_);
      gain[c] = NumbersOf(scale)[c] * inverse[c];
      new_mean[c] = old * NumbersOf(old_mean)[c] + (1 - old) * mean[c];
      new_variance[c] = old * NumbersOf(old_variance)[c] + (1 - old) * variance * (n / std::max(n - 1, 1.0));
    });
    blocks.Each(context, 3 * channels * sizeof(E), [&, mean = mean](int64_t, int64_t row, int64_t rows) {
      EachPart([&](size_t part, int64_t first, int64_t width) {
        loops.apply(From(in, row, first), From(y[part], row), rows, width, mean + first, &gain[first],
                    NumbersOf(offset) + first);
      });
    });
  }

 private:
  float epsilon_, momentum_;
};

absl::Status ShapesOfNormRelu(InferenceContext* context) {
  std::vector<int32_t> widths;
  TF_RETURN_IF_ERROR(context->GetAttr("widths", &widths));
  ShapeHandle x;
  TF_RETURN_IF_ERROR(context->WithRankAtLeast(context->input(0), 2, &x));
  for (size_t part = 0; part < widths.size(); part++) {
    ShapeHandle y;
    if (!context->RankKnown(x)) {
      y = context->UnknownShape();
    } else {
      TF_RETURN_IF_ERROR(context->ReplaceDim(x, -1, context->MakeDim(widths[part]), &y));
    }
    context->set_output(part, y);
  }
  for (size_t i = 0; i < 4; i++) context->set_output(widths.size() + i, context->input(1));
  return absl::OkStatus();
}

REGISTER_OP("LodestoneNormRelu")
    .Input("x: T")
    .Input("scale: float")
    .Input("offset: float")
    .Input("old_mean: float")
    .Input("old_variance: float")
    .Output("y: parts * T")
    .Output("new_mean: float")
    .Output("new_variance: float")
    .Output("mean: float")
    .Output("inverse_deviation: float")
    .Attr("T: {float, bfloat16}")
    .Attr("parts: int >= 1")
    .Attr("widths: list(int) >= 1")
    .Attr("epsilon: float")
    .Attr("momentum: float")
    .SetShapeFn(ShapesOfNormRelu);

#define REGISTER(T) \
  REGISTER_KERNEL_BUILDER(Name("LodestoneNormRelu").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), NormRelu<T>)
REGISTER(float);
REGISTER(Eigen::bfloat16);

}  // namespace
}  // namespace lodestone
