// What convolutions of stride 1 and SAME padding are cut into by Winograd's algorithm (Winograd 1980; Lavin and Gray 2016): tiles of
// outputs, which 6 × 6 inputs reach. Transformed, a convolution is a product of matrices for each of these 36 places. F(4 × 4, 3 × 3)
// takes 36 multiplications where 144 were, F(2 × 2, 5 × 5) 36 where 100 were.
#ifndef LODESTONE_ENGINE_CPU_WINOGRAD_H_
#define LODESTONE_ENGINE_CPU_WINOGRAD_H_

#include <algorithm>
#include <cstdint>

namespace lodestone {

// Along a side: the inputs that a tile reaches; the outputs of a tile, by the size of the filter.
constexpr int kReach = 6, kPlaces = kReach * kReach;
constexpr int TileOf(int filter) { return kReach + 1 - filter; }

// Numbers of channels are multiples of it: whole vectors on every instruction set.
constexpr int64_t kChannelsTogether = 16;

struct Range {
  int64_t first, count;
};

// Channels cut into parts, as even as can be, none larger than `most` if that is kChannelsTogether or more.
class EvenParts {
 public:
  EvenParts(int64_t channels, int64_t most)
      : groups_(channels / kChannelsTogether), count_(Quotient(groups_, std::max<int64_t>(most / kChannelsTogether, 1))) {}

  int64_t count() const { return count_; }

  Range At(int64_t part) const {
    const int64_t first = groups_ * part / count_, end = groups_ * (part + 1) / count_;
    return {first * kChannelsTogether, (end - first) * kChannelsTogether};
  }

  // Rounded up.
  static int64_t Quotient(int64_t length, int64_t by) { return (length + by - 1) / by; }

 private:
  const int64_t groups_, count_;
};

// The tiles of a batch of images, in order of memory. The last of a row or a column may reach over the border.
struct Tiles {
  int64_t images, height, width;
  int tile;

  // Where the first of a tile's outputs is.
  struct Tile {
    int64_t image, row, column;
  };

  int64_t rows() const { return EvenParts::Quotient(height, tile); }
  int64_t columns() const { return EvenParts::Quotient(width, tile); }
  int64_t count() const { return images * rows() * columns(); }

  Tile At(int64_t index) const {
    const int64_t column = index % columns(), row = index / columns() % rows();
    return {index / columns() / rows(), row * tile, column * tile};
  }
};

// A convolution of images of `inputs` channels to images of `outputs` channels.
struct Convolution {
  Tiles tiles;
  int64_t inputs, outputs;
};

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_WINOGRAD_H_
