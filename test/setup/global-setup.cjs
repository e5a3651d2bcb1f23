/**
 * Runs once before all tests: says what to do when set-up was not run, instead of one riddle per suite. Also takes
 * away what would point a test at servers or credentials of the person who runs it.
 */
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '../..');

module.exports = async function globalSetup() {
  const { isolatedEnvironment } = await import('../../infra/setup/environment.mjs');
  const isolated = isolatedEnvironment(process.env);
  for (const name of Object.keys(process.env)) if (!(name in isolated)) delete process.env[name];
  Object.assign(process.env, isolated);

  const file = join(root, '.lodestone/toolchain.json');
  if (!existsSync(file)) throw new Error(`${file} is missing: set-up was not run in this clone. Run: npm run setup`);
  const { version, ...paths } = JSON.parse(readFileSync(file, 'utf8'));
  if (version !== 1) throw new Error(`${file}: version is ${version}, must be 1. Run: npm run setup`);
  for (const [name, path] of Object.entries(paths)) {
    if (path === null && name !== 'versitygw')
      throw new Error(`${file}: ${name} is not set up (this is a worker's set-up). Run: npm run setup`);
    if (path !== null && !existsSync(path))
      throw new Error(`${file}: ${name} names ${path}, which is not there. Run: npm run setup`);
  }
  if (!existsSync(join(root, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node'))) {
    throw new Error('the TensorFlow binding is not linked into node_modules (npm ci removes it). Run: npm run setup');
  }
};
