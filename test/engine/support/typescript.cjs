/**
 * Lets a plain Node process run this repository's TypeScript: `node --require test/engine/support/typescript.cjs x.ts`.
 * For tests and benches that need a process of their own: the environment must be set before the addon loads.
 */
const { transformFileSync } = require('@swc/core');
const { swcOptions } = require('../../setup/swc-options.cjs');

require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, swcOptions).code, file);
