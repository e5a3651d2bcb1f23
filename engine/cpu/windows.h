// Where the windows of a pooling lie: SAME padding, as TensorFlow counts it.
#ifndef LODESTONE_ENGINE_CPU_WINDOWS_H_
#define LODESTONE_ENGINE_CPU_WINDOWS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

namespace lodestone {

// What a window and the pixels have in common along one side: of a window its pixels, of a pixel its windows.
struct Overlap {
  int64_t first, count;
  // Where in the window the pixel is: the window's first pixel, or the pixel in its first window.
  int64_t mark;

  bool IsLike(const Overlap& other) const { return count == other.count && mark == other.mark; }
};

// `length` windows or pixels from `start` on, some `step` apart, whose overlaps are alike.
struct Run {
  int64_t start, length;
  Overlap overlap;
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

  int64_t count() const { return count_; }

  Overlap PixelsOf(int64_t window) const {
    const int64_t start = window * stride_ - before_;
    const int64_t first = std::max(start, int64_t{0});
    return {first, std::min(start + size_, length_) - first, first - start};
  }

  Overlap WindowsOf(int64_t pixel) const {
    const int64_t padded = pixel + before_;
    const int64_t first = padded < size_ ? 0 : (padded - size_) / stride_ + 1;
    return {first, std::min(padded / stride_ + 1, count_) - first, padded - first * stride_};
  }

  // Of all windows: neighbours.
  std::vector<Run> RunsOfWindows() const {
    return RunsOf(0, count_, 1, [this](int64_t window) { return PixelsOf(window); });
  }

  // Of all pixels: a stride apart.
  std::vector<Run> RunsOfPixels() const {
    std::vector<Run> runs;
    for (int64_t pixel = 0; pixel < std::min(stride_, length_); pixel++) {
      for (const Run& run : RunsOf(pixel, length_, stride_, [this](int64_t i) { return WindowsOf(i); })) runs.push_back(run);
    }
    return runs;
  }

 private:
  template <typename OverlapOf>
  static std::vector<Run> RunsOf(int64_t start, int64_t end, int64_t step, const OverlapOf& overlap_of) {
    std::vector<Run> runs;
    for (int64_t i = start; i < end; i += step) {
      const Overlap overlap = overlap_of(i);
      if (!runs.empty() && runs.back().overlap.IsLike(overlap)) {
        runs.back().length++;
      } else {
        runs.push_back({i, 1, overlap});
      }
    }
    return runs;
  }

  const int64_t length_, size_, stride_, count_, before_;
};

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_WINDOWS_H_
