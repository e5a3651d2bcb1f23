/**
 * Training steps of the product's own networks: ours compiled, in bf16 and op by op, stock tfjs, and PyTorch.
 *   npm run bench -- train-step [--case NAME …] [--rounds 15] [--warm-up 2] [--threads 2] [--device cpu|gpu] [--only VARIANT …] [--no-record]
 */
import { trainCases, type Case } from './support/cases';
import { runEngineBench } from './support/engine-bench';

/** A whole session draws its own batches, of bytes. */
const isFor = ({ name }: Case): boolean => !trainCases.some((one) => one.name === name && one.wholeSession);

runEngineBench({
  name: 'train-step',
  cases: trainCases,
  worker: 'train-step-worker.js',
  peerKind: 'train',
  contestants: [
    { row: 'lodestone, compiled', who: 'ours', variant: 'compiled', precision: 'float32' },
    { row: 'lodestone, compiled, bf16', who: 'ours', variant: 'bf16', precision: 'bf16' },
    { row: 'lodestone, compiled, from floats', who: 'ours', variant: 'floats', precision: 'float32', isFor },
    { row: 'lodestone, compiled, from floats, bf16', who: 'ours', variant: 'floats-bf16', precision: 'bf16', isFor },
    { row: 'lodestone, op by op', who: 'ours', variant: 'eager', precision: 'float32' },
    { row: 'stock tfjs', who: 'ours', variant: 'stock', precision: 'float32' },
    { row: 'PyTorch', who: 'peer', variant: 'eager', precision: 'float32' },
    { row: 'PyTorch, torch.compile', who: 'peer', variant: 'compile', precision: 'float32' },
    { row: 'PyTorch, autocast bf16', who: 'peer', variant: 'bf16', precision: 'bf16' },
  ],
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
