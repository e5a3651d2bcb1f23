/**
 * What the process holds: tensors as tfjs and as the addon count them, and resident memory; and the collection that
 * keeps it flat. For progress lines, training loops, benches and the tests that nothing grows over thousands of steps.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { binding } from './native';
import { tf } from './tf';

export interface MemoryReport {
  /** Tensors of tfjs, kept and variables' among them. */
  readonly tensors: number;
  /** Tensor handles of the addon: what tfjs lost track of would show here. */
  readonly nativeTensors: number;
  readonly residentBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

export function memoryReport(): MemoryReport {
  return {
    tensors: tf.memory().numTensors,
    nativeTensors: binding().getNumOfTensors(),
    residentBytes: process.memoryUsage.rss(),
    peakBytes: peakBytes(),
  };
}

/** Of this program alone: what the kernel counts for a process may begin with that of the one that forked it. */
function peakBytes(): number {
  try {
    const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    if (peak) return Number(peak[1]) * 1024;
  } catch {
    // not Linux
  }
  return process.resourceUsage().maxRSS * 1024;
}

let collector: (() => void) | undefined;

/**
 * A full garbage collection, some 20 ms; changes no result. An eager step leaves about 5 KB of dead objects where only
 * a full collection finds them, and V8 puts that off until the heap has grown several times over: call this every few
 * hundred steps and resident memory stays flat.
 */
export function collectGarbage(): void {
  collector ??= exposedCollector();
  collector();
}

/** V8 shows its collector to contexts made while the flag is set. */
function exposedCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
