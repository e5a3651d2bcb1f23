/**
 * The background of a procedural picture, a mild nuisance. Pure: a stream in, a colour at every point out.
 */
import type { Rng } from '../../learning/random';
import { between, cosine, sine, type Colour } from './arithmetic';

/** A background: a gradient between two colours of one shade, with about one blob on it. */
export function newGround(rng: Rng): (x: number, y: number) => Colour {
  const shade = [0.7, 0.3, 0.05][rng.nextInt(3)];
  const colour1 = randomColour(rng, shade, 0.25);
  const colour2 = randomColour(rng, shade, 0.25);
  const direction = between(rng, 0, 6.3);
  const cos = cosine(direction);
  const sin = sine(direction);
  const blobs = Array.from({ length: poissonOfMeanOne(rng) }, (): Blob => ({
    x: between(rng, -1, 1),
    y: between(rng, -1, 1),
    radius: between(rng, 0.05, 0.2),
    colour: randomColour(rng, 0.1, 0.8),
  }));
  return (x, y) => {
    for (let i = blobs.length - 1; i >= 0; i--) {
      const blob = blobs[i];
      const dx = x - blob.x;
      const dy = y - blob.y;
      if (dx * dx + dy * dy < blob.radius * blob.radius) return blob.colour;
    }
    const g = (cos * x + sin * y + 1.4) / 2.8;
    return mix(colour1, colour2, g);
  };
}

interface Blob {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Colour;
}

function randomColour(rng: Rng, low: number, span: number): Colour {
  return [low + rng.next() * span, low + rng.next() * span, low + rng.next() * span];
}

function mix(a: Colour, b: Colour, g: number): Colour {
  return [a[0] * (1 - g) + b[0] * g, a[1] * (1 - g) + b[1] * g, a[2] * (1 - g) + b[2] * g];
}

/** Poisson of mean 1, by inversion; 1/e written out. */
function poissonOfMeanOne(rng: Rng): number {
  const draw = rng.next();
  let count = 0;
  let term = 0.36787944117144233;
  let below = term;
  while (draw >= below && count < 20) {
    count++;
    term /= count;
    below += term;
  }
  return count;
}
