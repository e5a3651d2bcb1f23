// What the numbers of a tensor are stored as.
#ifndef LODESTONE_ENGINE_CPU_ELEMENTS_H_
#define LODESTONE_ENGINE_CPU_ELEMENTS_H_

#include <cstdint>

namespace lodestone {

// bfloat16: the upper half of a float32.
using Bf16 = uint16_t;

}  // namespace lodestone

#endif  // LODESTONE_ENGINE_CPU_ELEMENTS_H_
