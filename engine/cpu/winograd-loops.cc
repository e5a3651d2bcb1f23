// Compiled once for each instruction set, with -DLODESTONE_ISA=avx2 or avx512 and its flags.
#include "winograd-loops.h"

#include "products.h"
#include "vectors.h"
#include "winograd-transforms.h"

namespace lodestone {
namespace LODESTONE_ISA {
namespace {

static_assert(kChannelsTogether % kLanes == 0 && kTilesOfConvolve % kRowsTogether == 0, "no remainders");

// Matrices in the scratch, one for each place: [places, rows, columns].
struct Matrices {
  float* data;
  int64_t rows, columns;

  float* At(int64_t place, int64_t row, int64_t column) const { return data + place * stride() + row * columns + column; }
  float* end() const { return At(kPlaces, 0, 0); }
  int64_t stride() const { return rows * columns + kApart; }
};

// A transformed filter: the matrices of all places in panels of outputs, so that a product reads memory as it lies.
struct Panels {
  float* data;
  int64_t inputs;

  float* At(int place, int64_t input, int64_t output) const {
    return data + output / kPanel * stride() + place * (inputs * kPanel + kApart) + input * kPanel + output % kPanel;
  }
  int64_t stride() const { return kPlaces * (inputs * kPanel + kApart); }
};

// Images in memory, of which a tile may reach over the border.
template <typename T>
struct Pixels {
  T* data;
  const Tiles& tiles;
  int64_t channels;

  bool Has(int64_t row, int64_t column) const {
    return row >= 0 && row < tiles.height && column >= 0 && column < tiles.width;
  }
  T* At(int64_t image, int64_t row, int64_t column) const {
    return data + ((image * tiles.height + row) * tiles.width + column) * channels;
  }
};

// The squares of pixels that begin `before` rows and columns before a range of tiles, 0 outside, transformed into matrices whose
// rows are tiles.
template <typename Transform, typename T>
void TransformTiles(Pixels<const T> pixels, Range tiles, Range channels, int before, Matrices to) {
  for (int64_t i = 0; i < tiles.count; i++) {
    const auto [image, first_row, first_column] = pixels.tiles.At(tiles.first + i);
    const int64_t top = first_row - before, left = first_column - before;
    for (int64_t c = 0; c < channels.count; c += kLanes) {
      const auto load = [&, image = image](int row, int column) {
        if (!pixels.Has(top + row, left + column)) return Vector{};
        return Load(pixels.At(image, top + row, left + column) + channels.first + c, kLanes);
      };
      AlongBothSides<Transform>(
          load, [&](int row, int column, Vector v) { Store(to.At(row * kReach + column, i, c), v, kLanes); });
    }
  }
}

template <int kFilter>
inline Vector WeightsOf(const float* filter, Filter lies, const Convolution& of, int place, int64_t input, int64_t output) {
  if (lies == Filter::kAsIs) return Load(filter + (place * of.inputs + input) * of.outputs + output, kLanes);
  const int turned = kFilter * kFilter - 1 - place;
  float weights[kLanes];
  for (int lane = 0; lane < kLanes; lane++)
    weights[lane] = filter[(turned * of.outputs + output + lane) * of.inputs + input];
  return Load(weights, kLanes);
}

template <int kFilter>
void TransformFilter(const float* filter, Filter lies, const Convolution& of, Range inputs, float* transformed) {
  const Panels to = {transformed, of.inputs};
  for (int64_t output = 0; output < of.outputs; output += kLanes) {
    for (int64_t input = inputs.first; input < inputs.first + inputs.count; input++) {
      AlongBothSides<OfFilter<kFilter>>(
          [=](int row, int column) { return WeightsOf<kFilter>(filter, lies, of, row * kFilter + column, input, output); },
          [=](int row, int column, Vector v) { Store(to.At(row * kReach + column, input, output), v, kLanes); });
    }
  }
}

template <int kFilter, typename T>
void ToImages(Matrices sums, const float* bias, Pixels<T> y, Range tiles, Range outputs) {
  for (int64_t i = 0; i < tiles.count; i++) {
    const auto [image, first_row, first_column] = y.tiles.At(tiles.first + i);
    for (int64_t k = 0; k < outputs.count; k += kLanes) {
      const Vector biases = bias == nullptr ? Vector{} : Load(bias + outputs.first + k, kLanes);
      const auto store = [&, image = image, top = first_row, left = first_column](int row, int column, Vector v) {
        if (!y.Has(top + row, left + column)) return;
        const Vector biased = v + biases;
        const Vector result = bias == nullptr ? v : biased <= Vector{} ? Vector{} : biased;
        Store(y.At(image, top + row, left + column) + outputs.first + k, result, kLanes);
      };
      AlongBothSides<ToOutputs<TileOf(kFilter)>>(
          [=](int row, int column) { return Load(sums.At(row * kReach + column, i, k), kLanes); }, store);
    }
  }
}

template <typename T, int kFilter>
void Convolve(const T* x, const float* transformed, const float* bias, T* y, const Convolution& of, Range tiles,
              Range outputs, float* scratch) {
  const Panels filters = {const_cast<float*>(transformed), of.inputs};
  const EvenParts parts_of_inputs(of.inputs, kInputsOfConvolve), parts_of_outputs(outputs.count, kOutputsOfConvolve);
  const int64_t rows = EvenParts::Quotient(tiles.count, kRowsTogether) * kRowsTogether;
  for (int64_t i = 0; i < parts_of_outputs.count(); i++) {
    const Range part = parts_of_outputs.At(i), results = {outputs.first + part.first, part.count};
    const Matrices sums = {scratch, kTilesOfConvolve, results.count};
    for (int64_t j = 0; j < parts_of_inputs.count(); j++) {
      const Range inputs = parts_of_inputs.At(j);
      const Matrices of_tiles = {scratch + kSumsOfConvolve, kTilesOfConvolve, inputs.count};
      // Inputs of one part stay from one part of the outputs to the next.
      if (i == 0 || parts_of_inputs.count() > 1) {
        TransformTiles<OfInputs>(Pixels<const T>{x, of.tiles, of.inputs}, tiles, inputs, kFilter / 2, of_tiles);
      }
      for (int place = 0; place < kPlaces; place++) {
        Product({of_tiles.At(place, 0, 0), inputs.count, 1},
                {filters.At(place, inputs.first, results.first), kPanel, filters.stride()}, rows, inputs.count, results.count,
                j > 0, sums.At(place, 0, 0), results.count);
      }
    }
    ToImages<kFilter>(sums, bias, Pixels<T>{y, of.tiles, of.outputs}, tiles, results);
  }
}

template <typename T, int kFilter>
void FilterGradient(const T* x, const T* dy, float* gradient, const Convolution& of, Range inputs, Range outputs,
                    float* scratch) {
  const Matrices sums = {scratch, inputs.count, outputs.count};
  const Matrices of_x = {sums.end(), kTilesOfGradient, inputs.count};
  const Matrices of_dy = {of_x.end(), kTilesOfGradient, outputs.count};
  const int64_t count = of.tiles.count();
  for (int64_t first = 0; first < count; first += kTilesOfGradient) {
    const Range tiles = {first, std::min(kTilesOfGradient, count - first)};
    TransformTiles<OfInputs>(Pixels<const T>{x, of.tiles, of.inputs}, tiles, inputs, kFilter / 2, of_x);
    TransformTiles<OfFilter<TileOf(kFilter)>>(Pixels<const T>{dy, of.tiles, of.outputs}, tiles, outputs, 0, of_dy);
    for (int place = 0; place < kPlaces; place++) {
      Product({of_x.At(place, 0, 0), 1, inputs.count}, {of_dy.At(place, 0, 0), outputs.count, kPanel}, inputs.count,
              tiles.count, outputs.count, first > 0, sums.At(place, 0, 0), outputs.count);
    }
  }
  for (int64_t c = 0; c < inputs.count; c++) {
    for (int64_t k = 0; k < outputs.count; k += kLanes) {
      const auto store = [=](int row, int column, Vector v) {
        const int64_t input = (row * kFilter + column) * of.inputs + inputs.first + c;
        Store(gradient + input * of.outputs + outputs.first + k, v, kLanes);
      };
      AlongBothSides<ToOutputs<kFilter>>(
          [=](int row, int column) { return Load(sums.At(row * kReach + column, c, k), kLanes); }, store);
    }
  }
}

}  // namespace

template <typename T, int kFilter>
const WinogradLoops<T>& LoopsOfWinograd() {
  static constexpr WinogradLoops<T> loops = {TransformFilter<kFilter>, Convolve<T, kFilter>, FilterGradient<T, kFilter>};
  return loops;
}
template const WinogradLoops<float>& LoopsOfWinograd<float, 3>();
template const WinogradLoops<float>& LoopsOfWinograd<float, 5>();
template const WinogradLoops<Bf16>& LoopsOfWinograd<Bf16, 3>();
template const WinogradLoops<Bf16>& LoopsOfWinograd<Bf16, 5>();

}  // namespace LODESTONE_ISA
}  // namespace lodestone
