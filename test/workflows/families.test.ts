/** Workflows of several runs, on a real Temporal server above fake activities: what a comparison and a recovery do with their children. */
import { Context } from '@temporalio/activity';
import type { EpochRequest, TrainerActivities } from '../../activities/requests';
import type { ComparisonOutcome } from '../../workflows/compare-objectives';
import type { RecoveryOutcome } from '../../workflows/hierarchy-recovery';
import {
  answering,
  failing,
  gate,
  namesOf,
  stopping,
  trainingUntilStopped,
  untilLetGo,
  type Call,
} from './fake-activities';
import { causeOf, raiseHouse, runInput, type House } from './house';

let house: House;
beforeAll(async () => {
  house = await raiseHouse();
}, 120_000);
afterAll(() => house.end(), 30_000);

describe('W4: children of a comparison', () => {
  const comparison = { ...runInput(1), objectives: ['softmax', 'triplet', 'magnet'] };
  const objectiveOf = ({ request }: Call): string => (request as EpochRequest).recipe.objective;

  it('one that fails takes no sibling with it, and its failure is the comparison’s', async () => {
    const trainEpoch: TrainerActivities['trainEpoch'] = (request) =>
      request.phase === 'train' && request.recipe.objective === 'softmax'
        ? Promise.reject(failing('NumericalDivergence'))
        : answering.trainEpoch(request);
    await house.serve({ trainEpoch }, async (calls) => {
      const handle = await house.start('one-fails', comparison, 'compareObjectives');
      await expect(handle.result()).rejects.toThrow();
      expect(calls.filter(({ activity }) => activity === 'finishRun').map(objectiveOf)).toEqual(['triplet', 'magnet']);
    });
  }, 60_000);

  it('a cancelled comparison asks its child to end by cancellation, so that it checkpoints', async () => {
    const training = gate();
    const train = trainingUntilStopped(training.open);
    let cancelled = false;
    const trainEpoch: TrainerActivities['trainEpoch'] = async (request) => {
      const outcome = await train(request);
      if (request.phase === 'train') cancelled = Context.current().cancellationSignal.aborted;
      return outcome;
    };
    await house.serve({ trainEpoch }, async () => {
      const handle = await house.start('cancelled', comparison, 'compareObjectives');
      await training.passed;
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow();
      expect(cancelled).toBe(true);
    });
  }, 60_000);

  it('a stop is passed on to the child under way, and no other is begun', async () => {
    const training = gate();
    await house.serve({ trainEpoch: trainingUntilStopped(training.open) }, async () => {
      const handle = await house.start<ComparisonOutcome>('all-stopped', comparison, 'compareObjectives');
      await training.passed;
      await handle.executeUpdate('requestStop');
      const { status, objectives } = await handle.result();
      expect(status).toBe('stopped');
      expect(objectives.map(({ objective, result }) => `${objective} ${result.status}`)).toEqual(['softmax stopped']);
    });
  }, 60_000);

  it('stopped while its first child is evaluated, it is stopped, though that child finished', async () => {
    const evaluating = gate();
    const stopped = gate();
    const evaluateRun: TrainerActivities['evaluateRun'] = async (request) => {
      evaluating.open();
      await stopped.passed;
      return answering.evaluateRun(request);
    };
    await house.serve({ evaluateRun }, async () => {
      const handle = await house.start<ComparisonOutcome>('stopped-late', comparison, 'compareObjectives');
      await evaluating.passed;
      await handle.executeUpdate('requestStop');
      stopped.open();
      const { status, objectives } = await handle.result();
      expect(objectives.map(({ result }) => result.status)).toEqual(['finished']);
      expect(status).toBe('stopped');
    });
  }, 60_000);

  it('waits for the name of a child that is still open, then takes it', async () => {
    const training = gate();
    const train = trainingUntilStopped(training.open);
    const trainEpoch: TrainerActivities['trainEpoch'] = (request) =>
      request.run === 'waits--softmax' && request.recipe.epochs === 7 ? train(request) : answering.trainEpoch(request);
    await house.serve({ trainEpoch }, async (calls) => {
      const squatter = await house.run('waits--softmax', 7);
      await training.passed;
      const handle = await house.start<ComparisonOutcome>('waits', comparison, 'compareObjectives');
      while (
        !calls.some(({ activity, request }) => activity === 'trainEpoch' && (request as EpochRequest).run === 'waits')
      )
        await new Promise((resolve) => setTimeout(resolve, 20));
      await squatter.signal('stop');
      await squatter.result();
      expect((await handle.result()).objectives).toHaveLength(3);
    });
  }, 60_000);

  it('a stop while it waits for a name ends it', async () => {
    const training = gate();
    const train = trainingUntilStopped(training.open);
    const trainEpoch: TrainerActivities['trainEpoch'] = (request) =>
      request.run === 'held--softmax' ? train(request) : answering.trainEpoch(request);
    await house.serve({ trainEpoch }, async (calls) => {
      const squatter = await house.run('held--softmax', 7);
      await training.passed;
      const handle = await house.start('held', comparison, 'compareObjectives');
      while (calls.filter(({ activity }) => activity === 'trainEpoch').length < 3)
        await new Promise((resolve) => setTimeout(resolve, 20));
      await handle.signal('stop');
      expect(await causeOf(handle)).toMatchObject({ type: 'RunStopped' });
      await squatter.signal('stop');
      await squatter.result();
    });
  }, 60_000);
});

describe('recovery', () => {
  const recovery = { ...runInput(1), objectives: ['magnet'], pairings: 3 };

  it('a stop in the warm start of a later pairing leaves the report of those before', async () => {
    const warming = gate();
    const trainEpoch: TrainerActivities['trainEpoch'] = async (request) => {
      const end = await answering.trainEpoch(request);
      return request.run === 'pairs--pairing-2' ? stopping(warming.open, end) : end;
    };
    await house.serve({ trainEpoch }, async () => {
      const handle = await house.start<RecoveryOutcome>('pairs', recovery, 'hierarchyRecovery');
      await warming.passed;
      await handle.signal('stop');
      expect(await handle.result()).toMatchObject({ status: 'stopped', pairings: [{ pairing: 1 }] });
    });
  }, 60_000);

  it('stopped before its first pairing there is nothing to report', async () => {
    const packing = gate();
    await house.serve(
      {
        packShard: () => {
          packing.open();
          return untilLetGo();
        },
      },
      async (calls) => {
        const handle = await house.start('no-pairs', recovery, 'hierarchyRecovery');
        await packing.passed;
        await handle.signal('stop');
        expect(await causeOf(handle)).toMatchObject({ type: 'RunStopped' });
        expect(namesOf(calls)).not.toContain('writeRecovery');
      },
    );
  }, 60_000);

  it('whole, it is finished', async () => {
    await house.serve({}, async () => {
      const handle = await house.start<RecoveryOutcome>('all-pairs', recovery, 'hierarchyRecovery');
      const { status, pairings } = await handle.result();
      expect([status, pairings.length]).toEqual(['finished', 3]);
    });
  }, 60_000);
});
