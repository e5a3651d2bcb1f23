/**
 * Our training step in a process of its own, for `train-step.bench.ts`: arguments are the case, the variant and the device.
 * Runs what a run of the product runs: its step executor, or a whole session where the case says so.
 */
import { fingerprint } from '../../engine/fingerprint';
import { chooseKernels } from '../../engine/kernels';
import { caseNamed, trainCases } from './cases';
import { requireDevice } from './device';
import { medianStep, serveTurns } from './interleave';
import { bareSteps, parametersOf, sessionSteps, stepVariants } from './train-steps';

const [caseName, variantName, device] = process.argv.slice(2);

serveTurns(() => {
  const one = caseNamed(trainCases, caseName);
  const variant = stepVariants[variantName];
  requireDevice(device);
  const choice = chooseKernels(variant.kernels);
  const fused = Object.entries(choice).flatMap(([op, { kernel }]) => (kernel === 'fused' ? [op] : []));
  const step = one.wholeSession ? sessionSteps(one, variant) : bareSteps(one, variant);
  const { device: where } = fingerprint();
  const note = `${where}; ${parametersOf(one, variant)} parameters; fused kernels: ${fused.join(', ') || 'none'}`;
  return { note, turn: () => medianStep(one.steps, step) };
});
