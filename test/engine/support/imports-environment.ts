/** Prints which modules importing engine/environment has loaded, and what it gives. */
import { spawnEnvironment } from '../../../engine/environment';

const environment = spawnEnvironment(3, { oneDnn: false, deterministic: true });
const loaded = Object.keys(require.cache).filter((file) => /tensorflow|tfjs/.test(file));
console.log(JSON.stringify({ environment, loaded }));
