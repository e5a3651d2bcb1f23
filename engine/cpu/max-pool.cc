// Max pooling for CPUs, which remembers where each maximum was: the gradient reads no activations, and writes each number once.
#include <vector>

#include "max-pool-loops.h"
#include "op.h"
#include "windows.h"

namespace lodestone {
namespace {

// A place is a byte.
constexpr int32_t kLargestWindow = 15;

class OpOnWindows : public OpKernel {
 public:
  explicit OpOnWindows(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("size", &size_));
    OP_REQUIRES_OK(context, context->GetAttr("stride", &stride_));
    OP_REQUIRES(context, size_ <= kLargestWindow && stride_ <= size_,
                absl::InvalidArgumentError(absl::StrCat("size must be at most ", kLargestWindow, ", stride at most size")));
  }

 protected:
  Windows WindowsAlong(int64_t length) const { return Windows(length, size_, stride_); }

  int64_t stride() const { return stride_; }

  // Of the pixel of a window.
  uint32_t Mark(int64_t row, int64_t column) const { return row * size_ + column; }

 private:
  int32_t size_, stride_;
};

// Images in memory.
template <typename E>
class Images {
 public:
  Images(E* data, const Tensor& tensor)
      : data_(data), rows_(tensor.dim_size(1)), columns_(tensor.dim_size(2)), channels_(tensor.dim_size(3)) {}

  E* At(int64_t image, int64_t row, int64_t column) const {
    return data_ + ((image * rows_ + row) * columns_ + column) * channels_;
  }

 private:
  E* const data_;
  const int64_t rows_, columns_, channels_;
};

template <typename E>
Images<const E> ImagesOf(const Tensor& tensor) {
  return {static_cast<const E*>(tensor.data()), tensor};
}

template <typename E>
Images<E> ImagesOf(Tensor* tensor) {
  return {static_cast<E*>(tensor->data()), *tensor};
}

template <typename T>
class MaxPool : public OpOnWindows {
 public:
  using OpOnWindows::OpOnWindows;

  void Compute(OpKernelContext* context) override {
    const tsl::port::ScopedFlushDenormal flush;
    using E = Stored<T>;
    const Tensor& x = context->input(0);
    OP_REQUIRES(context, x.dims() == 4 && x.NumElements() > 0,
                absl::InvalidArgumentError(absl::StrCat("x must be images, got ", x.shape().DebugString())));
    const Windows rows = WindowsAlong(x.dim_size(1)), columns = WindowsAlong(x.dim_size(2));
    const int64_t images = x.dim_size(0), channels = x.dim_size(3);
    const TensorShape shape({images, rows.count(), columns.count(), channels});
    Tensor *y, *places = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, shape, &y));
    // Forward passes have no use for places.
    if (context->output_required(1)) OP_REQUIRES_OK(context, context->allocate_output(1, shape, &places));

    const MaxPoolLoops<E>& loops = HasAvx512() ? avx512::LoopsOfMaxPool<E>() : avx2::LoopsOfMaxPool<E>();
    const auto in = ImagesOf<E>(x);
    const auto out = ImagesOf<E>(y);
    const auto where = places == nullptr ? Images<uint8_t>(nullptr, *y) : ImagesOf<uint8_t>(places);
    const std::vector<Run> runs = columns.RunsOfWindows();
    InParallel(context, images * rows.count(), columns.count() * channels, [&](int64_t i) {
      const int64_t image = i / rows.count(), row = i % rows.count();
      const Overlap in_rows = rows.PixelsOf(row);
      Candidate<E> candidates[kLargestWindow * kLargestWindow];
      for (const auto& [column, length, in_columns] : runs) {
        int count = 0;
        for (int64_t r = 0; r < in_rows.count; r++) {
          for (int64_t c = 0; c < in_columns.count; c++) {
            const E* pixel = in.At(image, in_rows.first + r, in_columns.first + c);
            candidates[count++] = {pixel, nullptr, Mark(in_rows.mark + r, in_columns.mark + c)};
          }
        }
        loops.max(candidates, count, channels, length, stride() * channels, out.At(image, row, column),
                  places == nullptr ? nullptr : where.At(image, row, column));
      }
    });
  }
};

template <typename T>
class MaxPoolGrad : public OpOnWindows {
 public:
  explicit MaxPoolGrad(OpKernelConstruction* context) : OpOnWindows(context) {
    OP_REQUIRES_OK(context, context->GetAttr("height", &height_));
    OP_REQUIRES_OK(context, context->GetAttr("width", &width_));
  }

  void Compute(OpKernelContext* context) override {
    const tsl::port::ScopedFlushDenormal flush;
    using E = Stored<T>;
    const Tensor &dy = context->input(0), &places = context->input(1);
    const Windows rows = WindowsAlong(height_), columns = WindowsAlong(width_);
    OP_REQUIRES(context,
                dy.dims() == 4 && dy.shape() == places.shape() && dy.dim_size(1) == rows.count() &&
                    dy.dim_size(2) == columns.count(),
                absl::InvalidArgumentError(absl::StrCat("dy and places must be of the windows of ", height_, " × ", width_,
                                                        " pixels, got ", dy.shape().DebugString(), " and ",
                                                        places.shape().DebugString())));
    const int64_t images = dy.dim_size(0), channels = dy.dim_size(3);
    Tensor* dx;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({images, height_, width_, channels}), &dx));

    const MaxPoolLoops<E>& loops = HasAvx512() ? avx512::LoopsOfMaxPool<E>() : avx2::LoopsOfMaxPool<E>();
    const auto gradient = ImagesOf<E>(dy);
    const auto where = ImagesOf<uint8_t>(places);
    const auto out = ImagesOf<E>(dx);
    const std::vector<Run> runs = columns.RunsOfPixels();
    InParallel(context, images * height_, width_ * channels, [&](int64_t i) {
      const int64_t image = i / height_, row = i % height_;
      const Overlap in_rows = rows.WindowsOf(row);
      Candidate<E> candidates[kLargestWindow * kLargestWindow];
      for (const auto& [column, length, in_columns] : runs) {
        int count = 0;
        for (int64_t r = 0; r < in_rows.count; r++) {
          for (int64_t c = 0; c < in_columns.count; c++) {
            const int64_t of_row = in_rows.first + r, of_column = in_columns.first + c;
            const uint32_t mark = Mark(in_rows.mark - r * stride(), in_columns.mark - c * stride());
            candidates[count++] = {gradient.At(image, of_row, of_column), where.At(image, of_row, of_column), mark};
          }
        }
        loops.gather(candidates, count, channels, length, stride() * channels, out.At(image, row, column));
      }
    });
  }

 private:
  int32_t height_, width_;
};

absl::Status ShapesOfMaxPool(InferenceContext* context) {
  int32_t stride;
  TF_RETURN_IF_ERROR(context->GetAttr("stride", &stride));
  ShapeHandle x;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(0), 4, &x));
  const auto windows = [&](int side) {
    const auto length = context->Dim(x, side);
    if (!context->ValueKnown(length)) return context->UnknownDim();
    return context->MakeDim((context->Value(length) + stride - 1) / stride);
  };
  const ShapeHandle y = context->MakeShape({context->Dim(x, 0), windows(1), windows(2), context->Dim(x, 3)});
  context->set_output(0, y);
  context->set_output(1, y);
  return absl::OkStatus();
}

absl::Status ShapesOfMaxPoolGrad(InferenceContext* context) {
  int32_t height, width;
  TF_RETURN_IF_ERROR(context->GetAttr("height", &height));
  TF_RETURN_IF_ERROR(context->GetAttr("width", &width));
  ShapeHandle dy;
  TF_RETURN_IF_ERROR(context->WithRank(context->input(0), 4, &dy));
  context->set_output(0, context->MakeShape({context->Dim(dy, 0), height, width, context->Dim(dy, 3)}));
  return absl::OkStatus();
}

REGISTER_OP("LodestoneMaxPool")
    .Input("x: T")
    .Output("y: T")
    .Output("places: uint8")
    .Attr("T: {float, bfloat16}")
    .Attr("size: int >= 1")
    .Attr("stride: int >= 1")
    .SetShapeFn(ShapesOfMaxPool);

REGISTER_OP("LodestoneMaxPoolGrad")
    .Input("dy: T")
    .Input("places: uint8")
    .Output("dx: T")
    .Attr("T: {float, bfloat16}")
    .Attr("size: int >= 1")
    .Attr("stride: int >= 1")
    .Attr("height: int >= 1")
    .Attr("width: int >= 1")
    .SetShapeFn(ShapesOfMaxPoolGrad);

#define REGISTER(Op, T) \
  REGISTER_KERNEL_BUILDER(Name("Lodestone" #Op).Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), Op<T>)
REGISTER(MaxPool, float);
REGISTER(MaxPool, Eigen::bfloat16);
REGISTER(MaxPoolGrad, float);
REGISTER(MaxPoolGrad, Eigen::bfloat16);

}  // namespace
}  // namespace lodestone
