/** What runs cost and where their steps spent their time, from the events and the profile that their trainers left. */
import { readEvents } from '../activities/events';
import type { RunResult } from '../config/artifacts';
import { parseAtEdge } from '../config/parse';
import { StepProfile } from '../config/profile';
import { speedFigures, type SpeedFigures } from '../config/speed';
import { version } from '../config/version';
import { renderProfile } from '../report/profile-report';
import { runLayout } from '../storage/run-layout';
import type { ObjectStore } from '../storage/store';

/** Of a run's epochs after the warm start; null where none was timed. */
export async function storedSpeed(store: ObjectStore, run: string): Promise<SpeedFigures | null> {
  const events = await readEvents(store, run);
  return speedFigures(
    events.flatMap((event) => (event.type === 'speed' && event.phase === 'train' ? [event.speed] : [])),
  );
}

/** By the names of the runs. */
export async function storedSpeeds(
  store: ObjectStore,
  results: readonly RunResult[],
): Promise<ReadonlyMap<string, SpeedFigures | null>> {
  return new Map(await Promise.all(results.map(async ({ run }) => [run, await storedSpeed(store, run)] as const)));
}

/** The page of the profile that a run left; null where none of its steps was traced. */
export async function profilePage(store: ObjectStore, run: string): Promise<string | null> {
  const key = runLayout(run).profile;
  const bytes = await store.get(key);
  if (bytes === null) return null;
  const profile = parseAtEdge(StepProfile, JSON.parse(Buffer.from(bytes).toString('utf8')), key, 'ArtifactCorrupt');
  return renderProfile({ run, profile, version });
}
