// Batch norm of a training batch with the rectifier behind it, for CPUs: one op each way. TensorFlow has two each way, which
// read every activation once more, and whose arithmetic on bfloat16 is mostly scalar.
//
// Pixels are rows and channels are columns. The result may be wanted in parts, each of some of the channels.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "blocks.h"
#include "norm-relu-loops.h"
#include "op.h"

namespace lodestone {
namespace {

using tensorflow::OpInputList;
using tensorflow::OpOutputList;

template <typename E>
Columns<const E> ColumnsOf(const Tensor& tensor) {
  return {static_cast<const E*>(tensor.data()), tensor.dim_size(tensor.dims() - 1)};
}

template <typename E>
Columns<E> ColumnsOf(Tensor* tensor) {
  return {static_cast<E*>(tensor->data()), tensor->dim_size(tensor->dims() - 1)};
}

template <typename E>
Columns<E> From(Columns<E> columns, int64_t row, int64_t column = 0) {
  return {columns.data + row * columns.stride + column, columns.stride};
}

class OpOnParts : public OpKernel {
 public:
  explicit OpOnParts(OpKernelConstruction* context) : OpKernel(context) {
    int32_t parts;
    OP_REQUIRES_OK(context, context->GetAttr("widths", &widths_));
    OP_REQUIRES_OK(context, context->GetAttr("parts", &parts));
    OP_REQUIRES(context, static_cast<size_t>(parts) == widths_.size(),
                absl::InvalidArgumentError("parts must be the number of widths"));
  }

 protected:
  size_t parts() const { return widths_.size(); }

  absl::Status Check(const Tensor& x, std::initializer_list<const Tensor*> vectors) const {
    const int64_t channels = std::accumulate(widths_.begin(), widths_.end(), int64_t{0});
    if (x.dims() < 2 || x.NumElements() == 0 || x.dim_size(x.dims() - 1) != channels) {
      return absl::InvalidArgumentError(
          absl::StrCat("x must have pixels of ", channels, " channels, got ", x.shape().DebugString()));
    }
    for (const Tensor* vector : vectors) {
      if (vector->NumElements() != channels) return absl::InvalidArgumentError("got a vector of another length");
    }
    return absl::OkStatus();
  }

  TensorShape ShapeOfPart(const Tensor& x, size_t part) const {
    TensorShape shape = x.shape();
    shape.set_dim(x.dims() - 1, widths_[part]);
    return shape;
  }

  // Calls body(part, first channel, channels) for all parts.
  template <typename Body>
  void EachPart(const Body& body) const {
    int64_t first = 0;
    for (size_t part = 0; part < parts(); first += widths_[part++]) body(part, first, widths_[part]);
  }

 private:
  std::vector<int32_t> widths_;
};

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

template <typename T>
class NormReluGrad : public OpOnParts {
 public:
  using OpOnParts::OpOnParts;

  void Compute(OpKernelContext* context) override {
    const tsl::port::ScopedFlushDenormal flush;
    using E = Stored<T>;
    const Tensor& x = context->input(0);
    OpInputList gradients;
    OP_REQUIRES_OK(context, context->input_list("dy", &gradients));
    const int others = 1 + gradients.size();
    const Tensor &scale = context->input(others), &offset = context->input(others + 1);
    const Tensor &mean = context->input(others + 2), &inverse = context->input(others + 3);
    OP_REQUIRES_OK(context, Check(x, {&scale, &offset, &mean, &inverse}));
    std::vector<Columns<const E>> dy;
    for (size_t part = 0; part < parts(); part++) {
      OP_REQUIRES(context, gradients[part].shape() == ShapeOfPart(x, part),
                  absl::InvalidArgumentError("dy must have the shapes of y"));
      dy.push_back(ColumnsOf<E>(gradients[part]));
    }
    Tensor *dx, *dscale, *doffset;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, scale.shape(), &dscale));
    OP_REQUIRES_OK(context, context->allocate_output(2, scale.shape(), &doffset));

    const NormReluLoops<E>& loops = HasAvx512() ? avx512::LoopsOfNormRelu<E>() : avx2::LoopsOfNormRelu<E>();
    const int64_t channels = scale.NumElements();
    const Columns<const E> in = ColumnsOf<E>(x);
    const Columns<E> out = ColumnsOf<E>(dx);
    const Blocks blocks(x.NumElements() / channels);
    std::vector<float> gain(channels), slope(channels), level(channels);
    for (int64_t c = 0; c < channels; c++) gain[c] = NumbersOf(scale)[c] * NumbersOf(inverse)[c];
    TwoSums sums(blocks.count(), channels);
    blocks.Each(context, 2 * channels * sizeof(E), [&](int64_t block, int64_t row, int64_t rows) {
      EachPart([&](size_t part, int64_t first, int64_t width) {
        loops.gradient_sums(From(in, row, first), From(dy[part], row), rows, width, NumbersOf(mean) + first, &gain[first],
                            NumbersOf(offset) + first, sums.First(block) + first, sums.Second(block) + first);
      });
    });
    const double n = blocks.rows();
    sums.EachChannel([&](int64_t c, double sum, double products) {
      const double inverse_of = NumbersOf(inverse)[c];
      dscale->flat<float>()(c) = products * inverse_of;
      doffset->flat<float>()(c) = sum;
      slope[c] = gain[c] * inverse_of * inverse_of * products / n;
      level[c] = gain[c] * sum / n;
    });
    blocks.Each(context, 4 * channels * sizeof(E), [&](int64_t, int64_t row, int64_t rows) {
      EachPart([&](size_t part, int64_t first, int64_t width) {
        loops.gradient_apply(From(in, row, first), From(dy[part], row), From(out, row, first), rows, width,
                             NumbersOf(mean) + first, &gain[first], NumbersOf(offset) + first, &slope[first],
                             &level[first]);
      });
    });
  }
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

absl::Status ShapesOfNormReluGrad(InferenceContext* context) {
  const auto scale = context->input(context->num_inputs() - 4);
  context->set_output(0, context->input(0));
  context->set_output(1, scale);
  context->set_output(2, scale);
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

REGISTER_OP("LodestoneNormReluGrad")
    .Input("x: T")
    .Input("dy: parts * T")
    .Input("scale: float")
    .Input("offset: float")
    .Input("mean: float")
    .Input("inverse_deviation: float")
    .Output("dx: T")
    .Output("dscale: float")
    .Output("doffset: float")
    .Attr("T: {float, bfloat16}")
    .Attr("parts: int >= 1")
    .Attr("widths: list(int) >= 1")
    .SetShapeFn(ShapesOfNormReluGrad);

#define REGISTER(Op, T) \
  REGISTER_KERNEL_BUILDER(Name("Lodestone" #Op).Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), Op<T>)
REGISTER(NormRelu, float);
REGISTER(NormRelu, Eigen::bfloat16);
REGISTER(NormReluGrad, float);
REGISTER(NormReluGrad, Eigen::bfloat16);

}  // namespace
}  // namespace lodestone
