/** From where to where a session may go. What it is asked for beyond that is a fault of lodestone, not of its user. */
import type { Phase, Position } from '../../config/artifacts';
import { LodestoneError } from '../../errors';

export function beginningOf(phase: Phase): Position {
  return { phase, epoch: 0, step: 0, globalStep: 0 };
}

/** @returns the place itself where it is in that epoch, or the beginning of it where the epoch before is whole */
export function placeInEpoch(place: Position, epoch: number, stepsPerEpoch: number): Position {
  const { phase, epoch: present, step, globalStep } = place;
  if (epoch === present && epoch > 0) return place;
  if (epoch === present + 1 && (present === 0 || step === stepsPerEpoch)) return { phase, epoch, step: 0, globalStep };
  throw fault(
    `got epoch ${epoch} of ${phase} at step ${step} of epoch ${present}; an epoch begins when the one before it is whole`,
  );
}

/** Training begins where the warm start of so many epochs ends. */
export function requireWarmStart({ phase, epoch, step }: Position, epochs: number, stepsPerEpoch: number): void {
  if (phase === 'warm-start' && epoch === epochs && (epoch === 0 || step >= stepsPerEpoch)) return;
  throw fault(
    `cannot begin at step ${step} of epoch ${epoch} of ${phase}; the warm start of ${epochs} epochs must be done`,
  );
}

function fault(what: string): LodestoneError {
  return new LodestoneError('Unexpected', `training: ${what}. This is a fault in lodestone; please report it.`);
}
