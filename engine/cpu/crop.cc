// Crops of stored images, rescaled and normalised, for CPUs: from bytes to a network's input in one pass. TensorFlow's
// CropAndResize visits every number on its own, and normalising reads and writes them all once more.
#include <algorithm>
#include <cmath>
#include <vector>

#include "crop-loops.h"
#include "op.h"

namespace lodestone {
namespace {

// Pixel i of `size`, between two of `side`: as TensorFlow's CropAndResize has it, 0 and 1 being the first and the last pixel's
// centre. What would lie outside of them lies on them.
Between PlaceOf(int64_t i, float start, float end, int64_t side, int64_t size) {
  const float last = side - 1;
  const float at = size > 1 ? start * last + i * ((end - start) * last / (size - 1)) : 0.5f * (start + end) * last;
  const float inside = std::min(std::max(0.0f, at), last);  // what is no number: 0
  const float before = std::floor(inside);
  return {static_cast<int32_t>(before), static_cast<int32_t>(std::ceil(inside)), inside - before};
}

template <typename T>
class Crop : public OpKernel {
 public:
  explicit Crop(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("size", &size_));
  }

  void Compute(OpKernelContext* context) override {
    const tsl::port::ScopedFlushDenormal flush;
    const Tensor &images = context->input(0), &boxes = context->input(1);
    const Tensor &factor = context->input(2), &shift = context->input(3);
    OP_REQUIRES(context, images.dims() == 4 && images.NumElements() > 0 && images.dim_size(1) == images.dim_size(2),
                absl::InvalidArgumentError("images must be square, [N, H, H, C]"));
    const int64_t count = images.dim_size(0), side = images.dim_size(1), channels = images.dim_size(3);
    OP_REQUIRES(context, boxes.shape() == TensorShape({count, 4}), absl::InvalidArgumentError("boxes must be [N, 4]"));
    OP_REQUIRES(context, factor.NumElements() == channels && shift.NumElements() == channels,
                absl::InvalidArgumentError("factor and shift must have a number a channel"));
    Tensor* crops;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({count, size_, size_, channels}), &crops));

    std::vector<float> factors, shifts;  // along a row
    for (int64_t x = 0; x < size_; x++) {
      factors.insert(factors.end(), NumbersOf(factor), NumbersOf(factor) + channels);
      shifts.insert(shifts.end(), NumbersOf(shift), NumbersOf(shift) + channels);
    }
    constexpr int64_t kParts = 4;
    const int64_t rows_of_part = (size_ + kParts - 1) / kParts;
    InParallel(context, count * kParts, rows_of_part * (size_ + side / 4) * channels, [&](int64_t part) {
      const int64_t first = part % kParts * rows_of_part, end = std::min<int64_t>(size_, first + rows_of_part);
      Rows(images, boxes, factors, shifts, part / kParts, first, end, crops);
    });
  }

 private:
  using E = Stored<T>;

  void Rows(const Tensor& images, const Tensor& boxes, const std::vector<float>& factors,
            const std::vector<float>& shifts, int64_t image, int64_t first_row, int64_t end_row, Tensor* crops) const {
    const int64_t side = images.dim_size(1), channels = images.dim_size(3), numbers = size_ * channels;
    const float* box = NumbersOf(boxes) + 4 * image;
    std::vector<Between> places(size_);
    for (int64_t x = 0; x < size_; x++) places[x] = PlaceOf(x, box[1], box[3], side, size_);
    std::vector<float> blend(side * channels + kRowPadding), samples(numbers + kRowPadding);
    const auto [first, last] = std::minmax(places.front().before, places.back().before);
    const int64_t from = first * channels, count = (std::min<int64_t>(last + 2, side) - first) * channels;
    const uint8_t* pixels = images.flat<uint8_t>().data() + image * side * side * channels + from;
    E* out = static_cast<E*>(crops->data()) + image * size_ * numbers;
    const CropLoops<E>& loops = HasAvx512() ? avx512::LoopsOfCrop<E>() : avx2::LoopsOfCrop<E>();
    for (int64_t y = first_row; y < end_row; y++) {
      const auto [top, bottom, weight] = PlaceOf(y, box[0], box[2], side, size_);
      loops.blend(pixels + top * side * channels, pixels + bottom * side * channels, weight, count, blend.data() + from);
      loops.sample(blend.data(), places.data(), size_, channels, samples.data());
      loops.normalise(samples.data(), factors.data(), shifts.data(), numbers, out + y * numbers);
    }
  }

  int32_t size_;
};

absl::Status ShapesOfCrop(InferenceContext* context) {
  int32_t size;
  TF_RETURN_IF_ERROR(context->GetAttr("size", &size));
  ShapeHandle images;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(0), 4, &images));
  context->set_output(0, context->MakeShape({context->Dim(images, 0), size, size, context->Dim(images, 3)}));
  return absl::OkStatus();
}

REGISTER_OP("LodestoneCrop")
    .Input("images: uint8")
    .Input("boxes: float")
    .Input("factor: float")
    .Input("shift: float")
    .Output("crops: T")
    .Attr("T: {float, bfloat16}")
    .Attr("size: int >= 1")
    .SetShapeFn(ShapesOfCrop);

REGISTER_KERNEL_BUILDER(Name("LodestoneCrop").Device(tensorflow::DEVICE_CPU).TypeConstraint<float>("T"), Crop<float>);
REGISTER_KERNEL_BUILDER(Name("LodestoneCrop").Device(tensorflow::DEVICE_CPU).TypeConstraint<Eigen::bfloat16>("T"),
                        Crop<Eigen::bfloat16>);

}  // namespace
}  // namespace lodestone
