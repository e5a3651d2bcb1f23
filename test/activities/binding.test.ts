/** S9: what a name is bound to, also by a version of lodestone that knew fewer settings. */
import { bindRun } from '../../activities/binding';
import type { BindRequest } from '../../activities/requests';
import type { Services } from '../../activities/services';
import { Recipe } from '../../config/recipe';
import { FileStore } from '../../storage/file-store';
import { runLayout } from '../../storage/run-layout';
import { freshFolder } from '../storage/support/temporary-folder';

const request = (settings: object = {}): BindRequest => ({
  run: 'bound',
  data: { type: 'folder', path: '/photos' },
  recipe: Recipe.parse(settings),
  kind: 'run',
  also: {},
  threads: 2,
});

/** Bound, and begun: a name under which nothing is stored is free again. */
async function begun(): Promise<{ services: Services; key: string }> {
  const store = new FileStore(await freshFolder());
  const services = { store } as unknown as Services;
  await bindRun(services, request());
  await store.put(`${runLayout('bound').events}first.json`, Buffer.from('{}'));
  return { services, key: runLayout('bound').bind };
}

test('another setting is refused by name; one that decides no result is not', async () => {
  const { services } = await begun();
  await expect(bindRun(services, request({ engine: { tf32: true } }))).rejects.toThrow(
    /recipe\.engine\.tf32: is false, asked for true/,
  );
  await expect(bindRun(services, request({ profile: true, checkpointSeconds: 3 }))).resolves.toMatchObject({
    threads: 2,
  });
});

test('a name that was bound before a setting existed is gone on with at its default, and with no other', async () => {
  const { services, key } = await begun();
  const stored = JSON.parse(Buffer.from((await services.store.get(key)) ?? []).toString()) as {
    configuration: { recipe: { engine: Record<string, unknown> } };
  };
  delete stored.configuration.recipe.engine['tf32'];
  delete stored.configuration.recipe.engine['deterministic'];
  await services.store.put(key, Buffer.from(JSON.stringify(stored)));
  await expect(bindRun(services, request())).resolves.toMatchObject({ threads: 2 });
  await expect(bindRun(services, request({ engine: { tf32: true } }))).rejects.toThrow(/asked for true/);
});
