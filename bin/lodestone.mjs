#!/usr/bin/env node
/**
 * The `lodestone` command: builds when a source changed, then hands over to dist/cli/main.js. Says what to run when
 * set-up was not. Plain JavaScript, so that it runs before anything is built.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from '../infra/setup/build.mjs';
import { main } from '../infra/setup/main.mjs';
import { projectRoot, toolchainFile } from '../infra/setup/paths.mjs';
import { MissingPrerequisite, requireNode } from '../infra/setup/prerequisites.mjs';
import { tensorflowIsLinked } from '../infra/setup/tensorflow.mjs';

await main(async () => {
  requireNode();
  requireSetUp();
  await build({ say: (text) => process.stderr.write(`lodestone: ${text}\n`) });
});
if (process.exitCode === 0) createRequire(import.meta.url)('../dist/cli/main.js');

function requireSetUp() {
  const missing = (what) => {
    throw new MissingPrerequisite(
      `set-up: ${what}, must be there before lodestone runs. Run in ${projectRoot}: npm run setup (or npm start, which also runs the demo)`,
    );
  };
  if (!existsSync(join(projectRoot, 'node_modules/.package-lock.json')))
    missing('node_modules is missing or incomplete');
  if (!tensorflowIsLinked()) missing('the TensorFlow binding is not linked into node_modules');
  if (!existsSync(toolchainFile)) missing(`${toolchainFile} is missing`);
}
