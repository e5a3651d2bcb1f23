// What the convolutions of 3 × 3, stride 1, SAME padding, are cut into by F(4 × 4, 3 × 3) (Winograd 1980; Lavin and Gray 2016):
// tiles of 4 × 4 outputs, which 6 × 6 inputs reach. Transformed, a convolution is a product of matrices for each of 36 places, and
// takes 36 multiplications where 144 were.
#ifndef LODESTONE_ENGINE_CPU_WINOGRAD_H_
#define LODESTONE_ENGINE_CPU_WINOGRAD_H_

#include <algorithm>
#include <cstdint>

namespace lodestone {

// Along a side: outputs of a tile, weights of a filter, inputs that a tile reaches.
constexpr int kTile = 4, kFilter = 3, kReach = kTile + kFilter - 1;
constexpr int kPlaces = kReach * kReach;

// Numbers of channels are multiples of it: whole vectors on every instruction set.
constexpr int64_t kChannelsTogether = 16;

struct Range {
  int64_t first, count;
};

// A range cut into parts of whole groups, as even as can be, none larger than `most`. No bit depends on where it is cut.
class EvenParts {
 public:
  EvenParts(int64_t length, int64_t most, int64_t group = kChannelsTogether)
      : groups_(length / group), group_(group), count_(Quotient(groups_, std::max<int64_t>(most / group, 1))) {}

  int64_t count() const { return count_; }

  Range At(int64_t part) const {
    const int64_t first = groups_ * part / count_, end = groups_ * (part + 1) / count_;
    return {first * group_, (end - first) * group_};
  }

  static int64_t Quotient(int64_t length, int64_t by) { return (length + by - 1) / by; }

 private:
  const int64_t groups_, group_, count_;
};

// The tiles of a batch of images, in order of memory. The last of a row or a column may reach over the border.
struct Tiles {
  int64_t images, height, width;

  // Where the first of a tile's outputs is.
  struct Tile {
    int64_t image, row, column;
  };

  int64_t rows() const { return EvenParts::Quotient(height, kTile); }
  int64_t columns() const { return EvenParts::Quotient(width, kTile); }
  int64_t count() const { return images * rows() * columns(); }

  Tile At(int64_t tile) const {
    const int64_t column = tile % columns(), row = tile / columns() % rows();
    return {tile / columns() / rows(), row * kTile, column * kTile};
  }
};

// A convolution of images of `inputs` channels to images of `outputs` channels.
struct Convolution {
  Tiles tiles;
  int64_t inputs, outputs;
};

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_WINOGRAD_H_
