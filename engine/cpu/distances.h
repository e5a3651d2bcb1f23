// What JavaScript calls for exact distances, without a tensor in between.
#ifndef LODESTONE_ENGINE_CPU_DISTANCES_H_
#define LODESTONE_ENGINE_CPU_DISTANCES_H_

#include <node_api.h>

namespace lodestone {

// squaredDistancesTo(x: Float64Array [E], matrix: Float32Array [n, E], rows: Int32Array, begin, end, into: Float64Array):
// into[i] = ‖x − matrix[rows[i]]‖² for begin ≤ i < end. Throws where an argument is another or a place is outside.
napi_value SquaredDistancesTo(napi_env env, napi_callback_info info);

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_DISTANCES_H_
