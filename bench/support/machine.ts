/** The machine that figures are measured on, in words. */
import { cpus } from 'node:os';
import { cpuInfo } from '../../engine/compile/bf16';

/** Cores and their kind. Family and model tell generations apart that a cloud gives one name. */
export function processors(info: string = cpuInfo()): string {
  const name = cpus()[0]?.model.trim() ?? process.arch;
  const [family, model] = ['cpu family', 'model'].map((key) => new RegExp(`^${key}\\s*: (\\d+)$`, 'm').exec(info)?.[1]);
  const generation = family === undefined || model === undefined ? '' : ` (family ${family}, model ${model})`;
  return `${cpus().length} cores, ${name}${generation}`;
}
