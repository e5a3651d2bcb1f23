/** What a command may ask of a stack that runs already: what it is; anything else is an error rather than ignored. Pure. */
import { LodestoneError } from '../../errors';
import type { PortWishes } from './ports';
import type { Ports, S3Kind } from './state';

export function refuseOtherS3(wish: S3Kind, running: S3Kind): void {
  if (wish === running) return;
  throw new LodestoneError(
    'InvalidConfig',
    `s3: got ${wish}, but the local stack runs with ${running}; one at a time, each keeps its own data. ` +
      'Run `lodestone dev down` first, or leave the choice out.',
  );
}

export function refuseOtherPorts(wishes: PortWishes, running: Ports): void {
  for (const name of Object.keys(running) as (keyof Ports)[]) {
    if (wishes[name] !== undefined && wishes[name] !== running[name])
      throw new LodestoneError(
        'InvalidConfig',
        `ports.${name}: got ${wishes[name]}, but the local stack runs on ${running[name]}. ` +
          'Run `lodestone dev down` first, or leave the port out.',
      );
  }
}
