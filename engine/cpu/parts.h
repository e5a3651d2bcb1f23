// What the two ops of batch norm with rectifier have in common: tensors as columns, and results in parts.
//
// Pixels are rows and channels are columns. The result may be wanted in parts, each of some of the channels.
#ifndef LODESTONE_ENGINE_CPU_PARTS_H_
#define LODESTONE_ENGINE_CPU_PARTS_H_

#include <numeric>
#include <vector>

#include "norm-relu-loops.h"
#include "op.h"

namespace lodestone {

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

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_PARTS_H_
