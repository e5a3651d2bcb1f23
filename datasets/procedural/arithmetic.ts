/**
 * Sine, exponential and colour from +, −, ·, ÷ alone (no ** either). IEEE fixes those to the bit, while Math.sin and Math.exp may differ
 * in the last bit between engines: with these, the procedural set has one digest everywhere. Knows numbers only.
 */
import type { Rng } from '../../learning/random';

/** Bound once: see learning/random.ts. */
const { round, min, max, PI } = Math;

const SINE = [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800] as const;

/** sin x for |x| < 10⁶, within 10⁻⁹. */
export function sine(x: number): number {
  const halfTurns = round(x / PI);
  const y = x - halfTurns * PI; // in [−π/2, π/2]
  const y2 = y * y;
  const series = 1 + y2 * (SINE[0] + y2 * (SINE[1] + y2 * (SINE[2] + y2 * (SINE[3] + y2 * (SINE[4] + y2 * SINE[5])))));
  return halfTurns % 2 === 0 ? y * series : -y * series;
}

/** cos x for |x| < 10⁶, within 10⁻⁹. */
export function cosine(x: number): number {
  return sine(x + PI / 2);
}

/** 1 / (1 + eˣ), the falling logistic, within 10⁻⁹; exactly 1 and 0 beyond ±30. */
export function fallingLogistic(x: number): number {
  if (x <= -30) return 1;
  if (x >= 30) return 0;
  const y = x / 256; // |y| < 0.12
  let power = 1 + y * (1 + y * (1 / 2 + y * (1 / 6 + y * (1 / 24 + y * (1 / 120 + y * (1 / 720 + y / 5040))))));
  for (let doubling = 0; doubling < 8; doubling++) power *= power;
  return 1 / (1 + power);
}

export type Colour = readonly [red: number, green: number, blue: number];

/** Hue (any real, whole turns), saturation and value in [0, 1] to RGB in [0, 1]. */
export function hsvToRgb(hue: number, saturation: number, value: number): Colour {
  const channel = (offset: number): number => {
    const sector = (((offset + hue * 6) % 6) + 6) % 6;
    return value - value * saturation * max(0, min(sector, 4 - sector, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

export function clamp(x: number, low: number, high: number): number {
  return min(high, max(low, x));
}

/** Uniform in [low, high). */
export function between(rng: Rng, low: number, high: number): number {
  return low + rng.next() * (high - low);
}
