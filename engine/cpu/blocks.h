// Sums over the rows of a matrix whose bits do not depend on threads.
#ifndef LODESTONE_ENGINE_CPU_BLOCKS_H_
#define LODESTONE_ENGINE_CPU_BLOCKS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "op.h"

namespace lodestone {

// Rows in blocks, cut by their number alone: the sums of blocks are added in order, so no bit depends on threads.
class Blocks {
 public:
  explicit Blocks(int64_t rows) : rows_(rows), rows_of_block_(std::clamp<int64_t>((rows + 63) / 64, 64, 1024)) {}

  int64_t rows() const { return rows_; }
  int64_t count() const { return (rows_ + rows_of_block_ - 1) / rows_of_block_; }

  // Calls body(block, first row, rows) for all blocks.
  template <typename Body>
  void Each(OpKernelContext* context, int64_t bytes_of_row, const Body& body) const {
    constexpr int64_t kBytesACycle = 8;
    InParallel(context, count(), rows_of_block_ * bytes_of_row / kBytesACycle, [&](int64_t block) {
      const int64_t first = block * rows_of_block_;
      body(block, first, std::min(rows_of_block_, rows_ - first));
    });
  }

 private:
  const int64_t rows_, rows_of_block_;
};

// Two sums a channel: float32 within a block, float64 over the blocks.
class TwoSums {
 public:
  TwoSums(int64_t blocks, int64_t channels) : blocks_(blocks), channels_(channels), numbers_(2 * blocks * channels) {}

  float* First(int64_t block) { return numbers_.data() + 2 * block * channels_; }
  float* Second(int64_t block) { return First(block) + channels_; }

  // Calls body(channel, first sum, second sum) for all channels.
  template <typename Body>
  void EachChannel(const Body& body) {
    std::vector<double> totals(2 * channels_);
    for (int64_t block = 0; block < blocks_; block++) {
      const float* numbers = First(block);
      for (int64_t i = 0; i < 2 * channels_; i++) totals[i] += numbers[i];
    }
    for (int64_t channel = 0; channel < channels_; channel++) body(channel, totals[channel], totals[channels_ + channel]);
  }

 private:
  const int64_t blocks_, channels_;
  std::vector<float> numbers_;
};

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_BLOCKS_H_
