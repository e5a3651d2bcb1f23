/**
 * Chooses, once per process, the fused or the stock implementation of each op, and says why.
 * Fused is chosen only where a proof on small inputs shows that it computes what stock computes (`proofs.ts`).
 *
 * Invariants:
 *   K1  The choice is made once and never changes in a process: every step runs the same kernels (DURABILITY B1).
 *   K2  A kernel that fails its proof, or does not exist on this device, is not used; the reason is reported.
 */
import { LodestoneError } from '../errors';
import { proofs } from './proofs';

export const kernelOps = [
  'batchNorm',
  'relu',
  'normRelu',
  'maxPool',
  'pointwise',
  'winograd',
  'crop',
  'momentum',
  'adam',
] as const;
export type KernelOp = (typeof kernelOps)[number];
export type Kernel = 'fused' | 'stock';

export interface ChosenKernel {
  readonly kernel: Kernel;
  readonly why: string;
}

export type KernelChoice = Readonly<Record<KernelOp, ChosenKernel>>;

/** 'proven': fused where proven. A kernel by op: what a run started with (B1); 'fused' still has to pass its proof. */
export type KernelWish = 'proven' | 'stock' | Readonly<Record<KernelOp, Kernel>>;

let chosen: { readonly wish: string; readonly choice: KernelChoice } | undefined;

/**
 * Makes the choice, or returns the one made before. Call it before the first op; an op that comes first chooses
 * 'proven'. Throws InvalidConfig when the choice was made under another wish (K1).
 */
export function chooseKernels(wish: KernelWish = 'proven'): KernelChoice {
  const asked = JSON.stringify(wish);
  if (chosen !== undefined && chosen.wish !== asked) {
    throw new LodestoneError(
      'InvalidConfig',
      `engine.kernels: got ${asked}, but this process chose under ${chosen.wish} already; ` +
        'kernels must not change between steps. Choose before the first op, in a fresh process.',
    );
  }
  chosen ??= { wish: asked, choice: choose(wish) };
  return chosen.choice;
}

/** The choice in force; 'proven' is chosen now where nobody chose before. */
export function kernelsInUse(): KernelChoice {
  return chosen?.choice ?? chooseKernels();
}

/** What an op asks before it runs. */
export function kernelFor(op: KernelOp): Kernel {
  return kernelsInUse()[op].kernel;
}

function choose(wish: KernelWish): KernelChoice {
  const entries = kernelOps.map((op) => [op, chooseOne(op, typeof wish === 'string' ? wish : wish[op])] as const);
  return Object.fromEntries(entries) as Record<KernelOp, ChosenKernel>;
}

function chooseOne(op: KernelOp, wish: 'proven' | Kernel): ChosenKernel {
  if (wish === 'stock') return { kernel: 'stock', why: 'asked for' };
  try {
    const verdict = proofs[op]();
    return verdict.equal
      ? { kernel: 'fused', why: verdict.why }
      : { kernel: 'stock', why: `the fused kernel computes something else: ${verdict.why}` };
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0].trim();
    return { kernel: 'stock', why: `no fused kernel here: ${reason}` };
  }
}
