/**
 * The layers in float64 JavaScript, written from their definitions, and derivatives by central differences of them:
 * what float32 kernels are compared with. NHWC, row-major.
 */
export type Shape4 = readonly [number, number, number, number];

/** d(Σ weights · f(x)) / dx by central differences in float64: exact to about 1e-9 for these functions. */
export function numericGradient(
  f: (x: Float64Array) => ArrayLike<number>,
  x: ArrayLike<number>,
  weights: ArrayLike<number>,
): Float64Array {
  const h = 1e-5;
  const weighted = (at: Float64Array): number => {
    const y = f(at);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) sum += weights[i] * y[i];
    return sum;
  };
  return Float64Array.from(x, (_, i) => {
    const [up, down] = [Float64Array.from(x), Float64Array.from(x)];
    up[i] += h;
    down[i] -= h;
    return (weighted(up) - weighted(down)) / (2 * h);
  });
}

export interface Moments {
  readonly y: Float64Array;
  readonly mean: Float64Array;
  /** Divided by N − 1. */
  readonly unbiasedVariance: Float64Array;
}

export function batchNormReference(
  x: ArrayLike<number>,
  channels: number,
  scale: ArrayLike<number>,
  offset: ArrayLike<number>,
): Moments {
  const rows = x.length / channels;
  const [mean, biased] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < x.length; i++) mean[i % channels] += x[i] / rows;
  for (let i = 0; i < x.length; i++) biased[i % channels] += (x[i] - mean[i % channels]) ** 2 / rows;
  const y = Float64Array.from(x, (value, i) => {
    const c = i % channels;
    return ((value - mean[c]) / Math.sqrt(biased[c] + 1e-3)) * scale[c] + offset[c];
  });
  return { y, mean, unbiasedVariance: biased.map((v) => (v * rows) / (rows - 1)) };
}

/** First index and output length of SAME windows along one axis. */
function same(length: number, size: number, stride: number): { out: number; before: number } {
  const out = Math.ceil(length / stride);
  return { out, before: Math.floor(Math.max(0, (out - 1) * stride + size - length) / 2) };
}

export function maxPoolReference(
  x: ArrayLike<number>,
  [n, h, w, c]: Shape4,
  size: number,
  stride: number,
): Float64Array {
  const [rows, columns] = [same(h, size, stride), same(w, size, stride)];
  const y = new Float64Array(n * rows.out * columns.out * c).fill(-Infinity);
  forEachWindow([n, h, w, c], rows, columns, size, stride, (image, oy, ox, iy, ix) => {
    for (let k = 0; k < c; k++) {
      const to = ((image * rows.out + oy) * columns.out + ox) * c + k;
      y[to] = Math.max(y[to], x[((image * h + iy) * w + ix) * c + k]);
    }
  });
  return y;
}

/** float32, added window by window: of the windows' maxima the first, row by row, takes what its window is given. */
export function maxPoolGradientReference(
  x: ArrayLike<number>,
  [n, h, w, c]: Shape4,
  size: number,
  stride: number,
  dy: ArrayLike<number>,
): Float32Array {
  const [rows, columns] = [same(h, size, stride), same(w, size, stride)];
  const y = maxPoolReference(x, [n, h, w, c], size, stride);
  const isTaken = new Uint8Array(y.length);
  const dx = new Float32Array(x.length);
  forEachWindow([n, h, w, c], rows, columns, size, stride, (image, oy, ox, iy, ix) => {
    for (let k = 0; k < c; k++) {
      const from = ((image * rows.out + oy) * columns.out + ox) * c + k;
      const to = ((image * h + iy) * w + ix) * c + k;
      if (isTaken[from] === 1 || x[to] !== y[from]) continue;
      isTaken[from] = 1;
      dx[to] += dy[from];
    }
  });
  return dx;
}

/** @param filter [size, size, C, K] */
export function convReference(
  x: ArrayLike<number>,
  [n, h, w, c]: Shape4,
  filter: ArrayLike<number>,
  size: number,
  stride: number,
  k: number,
): Float64Array {
  const [rows, columns] = [same(h, size, stride), same(w, size, stride)];
  const y = new Float64Array(n * rows.out * columns.out * k);
  forEachWindow([n, h, w, c], rows, columns, size, stride, (image, oy, ox, iy, ix, fy, fx) => {
    for (let i = 0; i < c; i++) {
      for (let o = 0; o < k; o++) {
        const product = x[((image * h + iy) * w + ix) * c + i] * filter[((fy * size + fx) * c + i) * k + o];
        y[((image * rows.out + oy) * columns.out + ox) * k + o] += product;
      }
    }
  });
  return y;
}

/** Derivatives of Σ dy · convReference by images and by filter. */
export function convGradientReference(
  x: ArrayLike<number>,
  [n, h, w, c]: Shape4,
  filter: ArrayLike<number>,
  size: number,
  stride: number,
  k: number,
  dy: ArrayLike<number>,
): { readonly dx: Float64Array; readonly dfilter: Float64Array } {
  const [rows, columns] = [same(h, size, stride), same(w, size, stride)];
  const [dx, dfilter] = [new Float64Array(x.length), new Float64Array(filter.length)];
  forEachWindow([n, h, w, c], rows, columns, size, stride, (image, oy, ox, iy, ix, fy, fx) => {
    for (let i = 0; i < c; i++) {
      const [pixel, weight] = [((image * h + iy) * w + ix) * c + i, ((fy * size + fx) * c + i) * k];
      for (let o = 0; o < k; o++) {
        const given = dy[((image * rows.out + oy) * columns.out + ox) * k + o];
        dx[pixel] += given * filter[weight + o];
        dfilter[weight + o] += given * x[pixel];
      }
    }
  });
  return { dx, dfilter };
}

type Visit = (image: number, oy: number, ox: number, iy: number, ix: number, fy: number, fx: number) => void;

function forEachWindow(
  [n, h, w]: Shape4,
  rows: { out: number; before: number },
  columns: { out: number; before: number },
  size: number,
  stride: number,
  visit: Visit,
): void {
  for (let image = 0; image < n; image++)
    for (let oy = 0; oy < rows.out; oy++)
      for (let ox = 0; ox < columns.out; ox++)
        for (let fy = 0; fy < size; fy++)
          for (let fx = 0; fx < size; fx++) {
            const [iy, ix] = [oy * stride + fy - rows.before, ox * stride + fx - columns.before];
            if (iy >= 0 && iy < h && ix >= 0 && ix < w) visit(image, oy, ox, iy, ix, fy, fx);
          }
}

/** The largest difference, relative to the largest expected magnitude. */
export function deviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return NaN;
  let [difference, magnitude] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(actual[i] - expected[i]);
    if (Number.isNaN(apart)) return NaN;
    difference = Math.max(difference, apart);
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  return difference / magnitude;
}
