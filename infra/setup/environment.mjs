/**
 * The environment of `npm start` and `npm test`: without anything that points at servers or credentials of the person
 * who runs them, so that both use the local stack alone.
 */
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
    TEMPORAL_CONFIG_FILE: '/dev/null',
  };
}
