// The gradient of batch norm with the rectifier behind it (norm-relu.cc).
#include <vector>

#include "blocks.h"
#include "norm-relu-loops.h"
#include "op.h"
#include "parts.h"

namespace lodestone {
namespace {

using tensorflow::OpInputList;

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

absl::Status ShapesOfNormReluGrad(InferenceContext* context) {
  const auto scale = context->input(context->num_inputs() - 4);
  context->set_output(0, context->input(0));
  context->set_output(1, scale);
  context->set_output(2, scale);
  return absl::OkStatus();
}

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

#define REGISTER(T) \
  REGISTER_KERNEL_BUILDER(Name("LodestoneNormReluGrad").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), NormReluGrad<T>)
REGISTER(float);
REGISTER(Eigen::bfloat16);

}  // namespace
}  // namespace lodestone
