// Node loads the ops as an addon: they register themselves. JavaScript is told what they were compiled from, and which loops run,
// and is given what it calls by itself.
#include <node_api.h>

#include "distances.h"
#include "instruction-set.h"

namespace {

bool Tell(napi_env env, napi_value exports, const char* name, const char* text) {
  napi_value value;
  return napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}

bool Give(napi_env env, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, function, nullptr, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}

}  // namespace

NAPI_MODULE_INIT() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    napi_throw_error(env, nullptr, "this CPU has neither AVX2 nor FMA");
    return nullptr;
  }
  const bool told = Tell(env, exports, "sources", LODESTONE_SOURCES) && Tell(env, exports, "compiler", __VERSION__) &&
                    Tell(env, exports, "instructionSet", lodestone::HasAvx512() ? "avx512" : "avx2") &&
                    Give(env, exports, "squaredDistancesTo", lodestone::SquaredDistancesTo);
  return told ? exports : nullptr;
}
