/** lodestone run, compare, recover, demo: options in, one request, one execution. */
import { join } from 'node:path';
import type { Context } from '../context';
import { withStore } from '../context';
import { configuredServers } from '../servers';
import { recipesFolder } from '../settings';
import { execute, type ExecuteOptions } from './execute';
import { compareRequest, recoverRequest, runRequest, type Place, type RecipeOptions } from './requests';

export type TrainOptions = RecipeOptions & ExecuteOptions;

export function run(context: Context, data: string, options: TrainOptions): Promise<number> {
  return execute(context, runRequest(data, options, placeOf(context, options)), options);
}

export function compare(context: Context, data: string, options: TrainOptions): Promise<number> {
  return execute(context, compareRequest(data, options, placeOf(context, options)), options);
}

export function recover(context: Context, data: string, options: TrainOptions): Promise<number> {
  return execute(context, recoverRequest(data, options, placeOf(context, options)), options);
}

/** The comparison of recipes/demo.yaml on the procedural set. */
export function demo(context: Context, options: TrainOptions): Promise<number> {
  const { request, run: derived } = compareRequest(
    join(recipesFolder, 'demo.yaml'),
    options,
    placeOf(context, options),
  );
  const name = options.name ?? derived.replace(/^species-compare/, 'demo');
  return execute(context, { run: name, request }, options);
}

function placeOf(context: Context, { store, printInput }: TrainOptions): Place {
  const dataIsLocal = !printInput && configuredServers(withStore(context, store).variables).type === 'local';
  return { folder: context.folder, dataIsLocal };
}
