/**
 * The environment of `npm start` and `npm test`: without anything that points at servers or credentials of the person
 * who runs them, so that both use the local stack alone.
 */
import { join } from 'node:path';
import { stateRoot } from './paths.mjs';

const foreign = /^(TEMPORAL_|AWS_|LODESTONE_)/;
const kept = new Set(['LODESTONE_CACHE']);

/** A copy of `environment` without foreign servers; profile files in the home folder are shut out as well. */
export function isolatedEnvironment(environment) {
  const entries = Object.entries(environment).filter(([name]) => !foreign.test(name) || kept.has(name));
  return {
    ...Object.fromEntries(entries),
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', // see cli/main.ts
    XDG_CONFIG_HOME: join(stateRoot, 'no-profiles'), // Temporal's profile file lies there; naming it would "configure" it
  };
}
