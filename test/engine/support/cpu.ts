/** What this machine's CPU can do, for tests of what it must be able to do. */
import { cpuInfo } from '../../../engine/compile/bf16';

/** By its name in the flags of /proc/cpuinfo. */
export function cpuHas(feature: string): boolean {
  return new RegExp(`^flags\\s*:.*\\b${feature}\\b`, 'm').test(cpuInfo());
}

/** Our own ops need it (engine/cpu/module.cc); where it is missing, the tests of them are left out and say so. */
export const hasAvx2 = cpuHas('avx2') && cpuHas('fma');
if (!hasAvx2) console.warn("lodestone's own ops: not tested, this CPU has no AVX2");
