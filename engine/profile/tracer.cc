// What TensorFlow measured of a session run: its step statistics, which the addon of tfjs does not ask for.
//
// Loaded with RTLD_GLOBAL before the addon, so that the addon's calls of TF_SessionRun come here first. While it is armed, the
// next call is passed on with tracing asked for, and the statistics (a RunMetadata message) are kept until they are taken.
// All other calls are passed on as they are. Knows one function of TensorFlow's C API; does not know what is run.
#include <dlfcn.h>
#include <node_api.h>

#include <string>

#include "tensorflow/c/c_api.h"

namespace {

bool armed = false;
std::string taken;

// RunOptions { trace_level: FULL_TRACE }: field 1, varint 3. On a host without a GPU this is the trace of the CPU's ops.
const char kFullTrace[] = {0x08, 0x03};

decltype(&TF_SessionRun) Original() {
  static const auto original = reinterpret_cast<decltype(&TF_SessionRun)>([]() -> void* {
    void* library = dlopen("libtensorflow_cc.so.2", RTLD_LAZY | RTLD_NOLOAD);
    return library == nullptr ? nullptr : dlsym(library, "TF_SessionRun");
  }());
  return original;
}

napi_value Arm(napi_env env, napi_callback_info) {
  taken.clear();
  armed = true;
  return nullptr;
}

// The statistics of the run since `arm`, as bytes that are the caller's; empty where there was none.
napi_value Take(napi_env env, napi_callback_info) {
  armed = false;
  napi_value buffer;
  if (napi_create_buffer_copy(env, taken.size(), taken.data(), nullptr, &buffer) != napi_ok) return nullptr;
  taken.clear();
  return buffer;
}

napi_value Init(napi_env env, napi_value exports) {
  const napi_property_descriptor properties[] = {
      {"arm", nullptr, Arm, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
      {"take", nullptr, Take, nullptr, nullptr, nullptr, napi_enumerable, nullptr},
  };
  napi_define_properties(env, exports, 2, properties);
  return exports;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void TF_SessionRun(
    TF_Session* session, const TF_Buffer* run_options, const TF_Output* inputs, TF_Tensor* const* input_values,
    int ninputs, const TF_Output* outputs, TF_Tensor** output_values, int noutputs,
    const TF_Operation* const* target_opers, int ntargets, TF_Buffer* run_metadata, TF_Status* status) {
  if (!armed) {
    Original()(session, run_options, inputs, input_values, ninputs, outputs, output_values, noutputs, target_opers,
               ntargets, run_metadata, status);
    return;
  }
  armed = false;
  const TF_Buffer options{kFullTrace, sizeof(kFullTrace), nullptr};
  TF_Buffer statistics{nullptr, 0, nullptr};
  Original()(session, &options, inputs, input_values, ninputs, outputs, output_values, noutputs, target_opers,
             ntargets, &statistics, status);
  if (statistics.data == nullptr) return;
  taken.assign(static_cast<const char*>(statistics.data), statistics.length);
  if (statistics.data_deallocator != nullptr) {
    statistics.data_deallocator(const_cast<void*>(statistics.data), statistics.length);
  }
}

NAPI_MODULE_INIT() { return Init(env, exports); }
