#include "distances.h"

#include <cstdint>

#include "distance-loops.h"
#include "instruction-set.h"

namespace lodestone {
namespace {

template <typename T>
struct Numbers {
  T* data = nullptr;
  int64_t length = 0;
};

template <typename T>
bool Take(napi_env env, napi_value value, napi_typedarray_type type, Numbers<T>* numbers) {
  napi_typedarray_type found;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &found, &length, &data, nullptr, nullptr) != napi_ok || found != type) return false;
  *numbers = {static_cast<T*>(data), static_cast<int64_t>(length)};
  return true;
}

}  // namespace

napi_value SquaredDistancesTo(napi_env env, napi_callback_info info) {
  napi_value given[6];
  size_t count = 6;
  Numbers<double> x, into;
  Numbers<float> matrix;
  Numbers<int32_t> rows;
  int64_t begin = 0, end = 0;
  const bool taken = napi_get_cb_info(env, info, &count, given, nullptr, nullptr) == napi_ok && count == 6 &&
                     Take(env, given[0], napi_float64_array, &x) && Take(env, given[1], napi_float32_array, &matrix) &&
                     Take(env, given[2], napi_int32_array, &rows) && napi_get_value_int64(env, given[3], &begin) == napi_ok &&
                     napi_get_value_int64(env, given[4], &end) == napi_ok && Take(env, given[5], napi_float64_array, &into);
  if (!taken) {
    napi_throw_type_error(env, nullptr, "squaredDistancesTo: takes x, matrix, rows, begin, end, into");
    return nullptr;
  }
  bool inside = begin >= 0 && begin <= end && end <= rows.length && end <= into.length && x.length > 0;
  const int64_t held = inside ? matrix.length / x.length : 0;
  for (int64_t i = begin; inside && i < end; i++) inside = rows.data[i] >= 0 && rows.data[i] < held;
  if (!inside) {
    napi_throw_range_error(env, nullptr, "squaredDistancesTo: a row or a place lies outside");
    return nullptr;
  }
  const auto loop = HasAvx512() ? avx512::SquaredDistances : avx2::SquaredDistances;
  loop(x.data, matrix.data, x.length, rows.data + begin, end - begin, into.data + begin);
  return nullptr;
}

}  // namespace lodestone
