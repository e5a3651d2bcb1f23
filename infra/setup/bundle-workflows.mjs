/**
 * Bundles the workflow code ahead of time, so that a worker starts at once. Called by build.mjs as
 * `node bundle-workflows.mjs <entry file> <output file>`; the output appears whole or not at all.
 */
import { rename, writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';

const [workflowsPath, output] = process.argv.slice(2);
const { code } = await bundleWorkflowCode({ workflowsPath });
const temporary = `${output}.${process.pid}.tmp`;
await writeFile(temporary, code);
await rename(temporary, output);
