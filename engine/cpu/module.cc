// Node loads the ops as an addon: they register themselves. Nothing is exported to JavaScript.
#include <node_api.h>

NAPI_MODULE_INIT() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    napi_throw_error(env, nullptr, "this CPU has neither AVX2 nor FMA");
    return nullptr;
  }
  return exports;
}
