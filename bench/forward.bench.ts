/**
 * Forward passes of inference: ours compiled with batch norm folded, in bf16 and op by op, and PyTorch.
 *   npm run bench -- forward [--case NAME …] [--rounds 15] [--warm-up 2] [--threads 2] [--device cpu|gpu] [--only VARIANT …] [--no-record]
 */
import { forwardCases } from './support/cases';
import { runEngineBench } from './support/engine-bench';

runEngineBench({
  name: 'forward',
  cases: forwardCases,
  worker: 'forward-worker.js',
  peerKind: 'forward',
  contestants: [
    { row: 'lodestone, compiled', who: 'ours', variant: 'compiled', precision: 'float32' },
    { row: 'lodestone, compiled, bf16', who: 'ours', variant: 'bf16', precision: 'bf16' },
    { row: 'lodestone, op by op', who: 'ours', variant: 'eager', precision: 'float32' },
    { row: 'lodestone, compiled, from bytes', who: 'ours', variant: 'from-bytes', precision: 'float32' },
    { row: 'lodestone, compiled, from bytes, bf16', who: 'ours', variant: 'from-bytes-bf16', precision: 'bf16' },
    { row: 'PyTorch, eval', who: 'peer', variant: 'eval', precision: 'float32' },
    { row: 'PyTorch, frozen TorchScript', who: 'peer', variant: 'frozen', precision: 'float32' },
    { row: 'PyTorch, eval, bf16', who: 'peer', variant: 'eval-bf16', precision: 'bf16' },
    { row: 'PyTorch, frozen TorchScript, bf16', who: 'peer', variant: 'frozen-bf16', precision: 'bf16' },
  ],
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
