// Where the windows of a pooling lie: SAME padding, as TensorFlow counts it.
#ifndef LODESTONE_ENGINE_CPU_WINDOWS_H_
#define LODESTONE_ENGINE_CPU_WINDOWS_H_

#include <algorithm>
#include <cstdint>

namespace lodestone {

// From `first` on, before `end`.
struct Range {
  int64_t first, end;
};

// Along one side of an image of `length` pixels.
class Windows {
 public:
  Windows(int64_t length, int64_t size, int64_t stride)
      : length_(length),
        size_(size),
        stride_(stride),
        count_((length + stride - 1) / stride),
        before_(std::max((count_ - 1) * stride + size - length, int64_t{0}) / 2) {}

  int64_t length() const { return length_; }
  int64_t count() const { return count_; }

  // What pixel is the first of a window; before the image where it is negative.
  int64_t Start(int64_t window) const { return window * stride_ - before_; }

  Range PixelsOf(int64_t window) const {
    const int64_t start = Start(window);
    return {std::max(start, int64_t{0}), std::min(start + size_, length_)};
  }

  // The windows that have a pixel.
  Range WindowsOf(int64_t pixel) const {
    const int64_t reached = pixel + before_ - size_; // windows that start at or before it end before the pixel
    return {reached < 0 ? 0 : reached / stride_ + 1, std::min((pixel + before_) / stride_ + 1, count_)};
  }

 private:
  const int64_t length_, size_, stride_, count_, before_;
};

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_WINDOWS_H_
