/**
 * The commands and their options. Each parses, loads what it needs, calls one function and exits with its code; nothing
 * heavy is loaded for --help.
 */
import { Command, CommanderError } from 'commander';
import { version } from '../config/version';
import { LodestoneError } from '../errors';
import { contextOf, type Context } from './context';
import { exitCodeOf, toLodestoneError } from './failures';
import type { Surroundings } from './settings';

/** @returns the exit code; never throws */
export async function runProgram(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const context = contextOf(surroundings);
  let exitCode = 0;
  const program = createProgram(context, (code) => (exitCode = code));
  try {
    await program.parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? 0 : exitCodeOf(new LodestoneError('InvalidConfig', ''));
    const failure = toLodestoneError(error);
    if (words.includes('--json')) {
      const { kind, message } = failure;
      context.print(
        JSON.stringify({ run: null, status: 'failed', error: { kind, message, exitCode: exitCodeOf(failure) } }),
      );
    }
    context.say(`lodestone: ${failure.message}`);
    if (failure.kind === 'Unexpected' && failure.cause instanceof Error) context.say(failure.cause.stack ?? '');
    return exitCodeOf(failure);
  }
}

export function createProgram(context: Context, onExit: (code: number) => void): Command {
  /** Runs one function of a command's module with the parsed arguments. */
  const does =
    (work: (...args: never[]) => Promise<number>) =>
    async (...args: unknown[]): Promise<void> =>
      onExit(await work(...(args as never[])));

  const program = new Command('lodestone')
    .description(
      'Deep metric learning that survives anything: images in, an embedding, its evaluation and a report out.',
    )
    .version(version)
    .configureOutput({ writeOut: (text) => context.out.write(text), writeErr: (text) => context.err.write(text) })
    .showSuggestionAfterError()
    .showHelpAfterError('(lodestone --help shows the commands, lodestone <command> --help their options)')
    .exitOverride()
    .addHelpText('after', EXAMPLES);

  const command = (name: string, description: string, parent = program): Command =>
    parent.command(name).description(description);
  const withSet = (to: Command): Command =>
    to.option('--set <key=value>', 'any field of the recipe, by its path in dots; may stand several times', collect);
  const withRecipe = (to: Command): Command =>
    withSet(
      to
        .option('--recipe <name>', 'name in recipes/, or a YAML file')
        .option('--name <run>', 'name of the run; left out: made from the data and the configuration')
        .option('--label <column>', 'column whose classes are trained')
        .option('--fine-label <column>', 'column whose classes are recovered at the end')
        .option('--network <name>', 'convnet-4 or googlenet-bn')
        .option('--epochs <n>', 'epochs after the warm start')
        .option('--seed <n>', 'seed of everything that is drawn'),
    )
      .option('--store <uri>', 's3://bucket/prefix or file:///path instead of the local store')
      .option('--again', 'train anew under a new name')
      .option('--detach', 'leave the run to its worker and return')
      .option('--json', 'one JSON object as the last line of stdout')
      .option('--print-input', 'print the workflow input for the temporal command, and start nothing');
  const withRun = (to: Command): Command =>
    to
      .argument('<run>', 'name of the run')
      .option('--store <uri>', 'the store that holds it, where it is not the local one')
      .option('--json', 'one JSON object as the last line of stdout');
  const withDetach = (to: Command): Command => to.option('--detach', 'return at once');

  withRecipe(command('run', 'train one objective on a folder of images'))
    .argument('<data>', 'folder of images, or a recipe file that names its data')
    .option('--objective <name>', 'softmax, triplet or magnet')
    .option('--profile', 'trace some steps and write a page of where their time goes; changes no result')
    .addHelpText('after', RUN_EXAMPLES)
    .action(
      does(async (data: string, options: never) => (await import('./commands/train')).run(context, data, options)),
    );
  withRecipe(command('compare', 'train several objectives from one warm start and compare them'))
    .argument('<data>', 'folder of images, or a recipe file that names its data')
    .option('--objectives <names>', 'comma between them; left out: softmax,triplet,magnet')
    .option('--parallel <n>', 'runs at a time; left out: as many as there are trainers')
    .action(
      does(async (data: string, options: never) => (await import('./commands/train')).compare(context, data, options)),
    );
  withRecipe(command('recover', 'pair classes at random, train on the pairs, recover the classes'))
    .argument('<data>', 'folder of images, or a recipe file that names its data')
    .option('--objectives <names>', 'comma between them; left out: magnet')
    .option('--pairings <n>', 'random pairings; left out: 3')
    .option('--parallel <n>', 'runs at a time; left out: as many as there are trainers')
    .action(
      does(async (data: string, options: never) => (await import('./commands/train')).recover(context, data, options)),
    );
  withRecipe(command('demo', 'the comparison on the procedural set, a few minutes'))
    .option('--objectives <names>', 'comma between them; left out: softmax,triplet,magnet')
    .action(does(async (options: never) => (await import('./commands/train')).demo(context, options)));

  const look = (): Promise<typeof import('./commands/look')> => import('./commands/look');
  const runs = (): Promise<typeof import('./commands/runs')> => import('./commands/runs');
  withRun(command('watch', 'see a run go on, until it ends')).action(
    does(async (run: string, options: never) => (await runs()).watch(context, run, options)),
  );
  command('list', 'the runs there are')
    .option('--all', 'the runs of comparisons too')
    .option('--store <uri>', 'the store that holds them, where it is not the local one')
    .option('--json', 'one JSON object as the last line of stdout')
    .action(does(async (options: never) => (await look()).list(context, options)));
  withRun(command('show', 'where a run stands, or its result')).action(
    does(async (run: string, options: never) => (await look()).show(context, run, options)),
  );
  withDetach(withRun(command('stop', 'stop a run at a checkpoint'))).action(
    does(async (run: string, options: never) => (await runs()).stop(context, run, options)),
  );
  withDetach(withRun(command('resume', 'go on with a run that stopped or failed'))).action(
    does(async (run: string, options: never) => (await runs()).resume(context, run, options)),
  );
  withDetach(withRun(command('extend', 'train a run to more epochs')))
    .argument('<epochs>', 'how many in all')
    .action(
      does(async (run: string, epochs: string, options: never) => (await runs()).extend(context, run, epochs, options)),
    );
  withRun(command('report', 'fetch the page of a run or comparison and print its path'))
    .option('--profile', 'the page of its profile instead, where it was run with --profile')
    .option('--out <file>', 'where to; left out: .lodestone/reports/<run>.html, or <run>.profile.html')
    .action(does(async (run: string, options: never) => (await look()).report(context, run, options)));

  command('gc', 'delete what runs stored on their way and nobody will ask for again')
    .argument('[run]', 'name of a run, with the runs that it began; left out: all that are not under way')
    .option('--dry-run', 'say what would go, and delete nothing')
    .option('--grace <minutes>', 'spare what was written later than so long ago', '60')
    .option('--store <uri>', 'the store that holds them, where it is not the local one')
    .option('--json', 'one JSON object as the last line of stdout')
    .action(
      does(async (run: string | undefined, options: never) =>
        (await import('./commands/gc')).gc(context, run, options),
      ),
    );

  const data = command('data', 'look at images before training, or draw some');
  for (const [name, decode] of [
    ['inspect', false],
    ['validate', true],
  ] as const)
    withSet(
      command(name, decode ? 'as inspect, and open every image' : 'what would be read: layout, labels, splits', data),
    )
      .argument('<folder>', 'folder of images')
      .option('--recipe <name>', 'name in recipes/, or a YAML file')
      .option('--label <column>', 'column whose classes are trained')
      .option('--fine-label <column>', 'column whose classes are recovered at the end')
      .option('--json', 'one JSON object as the last line of stdout')
      .action(
        does(async (folder: string, options: never) =>
          (await import('./commands/data')).inspect(context, folder, options, decode),
        ),
      );
  withSet(command('synth', 'write the procedural set as a folder', data))
    .argument('<folder>', 'where to; made where it is missing')
    .action(
      does(async (folder: string, options: never) => (await import('./commands/data')).synth(context, folder, options)),
    );

  const dev = command('dev', 'the local stack: Temporal dev server and S3 server');
  command('up', 'bring it up and keep it up', dev)
    .option('--s3 <server>', 'minio or versitygw; left out: that of last time')
    .option('--worker', 'a worker too')
    .option('--temporal-port <port>', 'port of Temporal')
    .option('--ui-port <port>', "port of Temporal's pages")
    .option('--s3-port <port>', 'port of the S3 server')
    .action(does(async (options: never) => (await import('./commands/dev')).up(context, options)));
  command('down', 'end it, whoever holds it; what it stored stays', dev).action(
    does(async () => (await import('./commands/dev')).down(context)),
  );
  command('status', 'what runs, and who holds it', dev)
    .option('--json', 'one JSON object')
    .action(does(async (options: never) => (await import('./commands/dev')).status(context, options)));
  command('logs', 'the last lines of its logs', dev)
    .argument('[name]', 'guardian, temporal, s3 or worker; left out: all')
    .option('--lines <n>', 'how many', '40')
    .option('--follow', 'and what comes')
    .action(
      does(async (name: string | undefined, options: never) =>
        (await import('./commands/dev')).logs(context, name, options),
      ),
    );
  command('worker', 'serve runs until Ctrl-C, which checkpoints first')
    .option('--role <role>', 'all, pipeline, cpu or gpu', 'all')
    .option('--store <uri>', 's3://bucket/prefix or file:///path')
    .action(does(async (options: never) => (await import('./commands/dev')).worker(context, options)));
  command('doctor', 'check what lodestone needs, with the way out of each problem')
    .option('--store <uri>', 'the store to check')
    .option('--json', 'one JSON object')
    .action(does(async (options: never) => (await import('./commands/doctor')).doctor(context, options)));
  program
    .command('reference', { hidden: true })
    .description('make docs/reference from the schemas')
    .option('--write', 'write the files; left out: say which are not current')
    .action(
      does(async (options: never) => (await import('./commands/reference')).reference(context, program, options)),
    );
  return program;
}

function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}

const EXAMPLES = `
Examples:
  lodestone demo                                      softmax, triplet and Magnet on drawn creatures, in minutes
  lodestone run photos --label kind                   your photos: one folder per class, or a metadata.csv
  lodestone compare photos --epochs 20                the three objectives, fairly, in one table
  lodestone watch photos-magnet-1a2b3c4d              see a run that goes on elsewhere
  lodestone doctor                                    what is missing on this machine

A run is safe: kill anything, run the same command again, and it goes on where it was.`;

const RUN_EXAMPLES = `
Examples:
  lodestone run photos
  lodestone run photos --label coarse --fine-label fine --name groceries
  lodestone run photos --recipe quick --set magnet.clustersPerClass=8 --set optimizer.type=momentum
  lodestone run photos --json | tail -n 1 > result.json
  lodestone run photos --name mine --print-input > run.json
  temporal workflow start --type trainPipeline --task-queue lodestone --workflow-id mine --input-file run.json

The same command finds its run again: open, it attaches; finished, it prints the result; stopped or failed, it goes on.
Ctrl-C stops the run at a checkpoint; a second Ctrl-C leaves at once.`;
