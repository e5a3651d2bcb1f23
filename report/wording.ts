/**
 * How figures and names of the method are written, once for pages and terminal: shares as percent, read-outs in words.
 */
import { type Readout } from '../config/artifacts';
import { type ObjectiveName } from '../config/objective';

export const objectiveTitles: Readonly<Record<ObjectiveName, string>> = {
  softmax: 'Softmax',
  triplet: 'Triplet',
  magnet: 'Magnet',
};

export const readoutTitles: Readonly<Record<Readout['name'], string>> = {
  'softmax-head': 'Softmax head',
  knc: 'kNC',
  'soft-knn': 'soft k-NN',
  'soft-knn-plain': 'soft k-NN, plain',
  'knc-refit': 'kNC, refitted',
  'knc-histogram': 'kNC, histograms',
  'one-nn': '1-NN',
};

export const readoutMeanings: Readonly<Record<Readout['name'], string>> = {
  'softmax-head': 'the class with the highest score of the network’s own last layer',
  knc: 'the nearest cluster centroids vote, weighted by distance (eq. 6 of the paper)',
  'soft-knn': 'the nearest training images vote, weighted by distance; scaling and temperature chosen on validation',
  'soft-knn-plain': 'the same with nothing chosen: raw embeddings, τ = 1',
  'knc-refit': 'clusters are fitted anew inside each class of these labels, then their centroids vote',
  'knc-histogram': 'the clusters found in training vote with the make-up of their members’ fine labels',
  'one-nn': 'the label of the single nearest training image',
};

/** A share as percent with one decimal: 0.1234 → "12.3 %". */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)}\u00A0%`;
}

/** The same without a decimal that says nothing, for the ticks of an axis: 0.2 → "20 %". */
export function percentTick(share: number): string {
  return `${figure(share * 100)}\u00A0%`;
}

export function percentOrDash(share: number | null): string {
  return share === null ? '–' : percent(share);
}

/** Groups of three digits, the same on every machine whatever its locale: 12345 → "12 345". */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202F');
}

/** "1 image", "2 images". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Four significant digits at most, without an exponent where people read none. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Decimal units: 1234567890 → "1.23 GB". */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${Number((bytes / 1000 ** power).toPrecision(3))}\u00A0${units[power]}`;
}

/** "350 ms", "2.1 s", "12 min": three digits at most. */
export function secondsText(seconds: number): string {
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))}\u00A0ms`;
  if (seconds < 90) return `${Number(seconds.toPrecision(3))}\u00A0s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)}\u00A0min` : `${(seconds / 3600).toFixed(1)}\u00A0h`;
}

export function settingText({ setting }: Pick<Readout, 'setting'>): string {
  if (setting === null) return '–';
  const scaling = setting.normalised ? 'L2-normalised' : 'raw';
  return setting.temperature === null ? scaling : `${scaling}, τ = ${figure(setting.temperature)}`;
}

/** "12.3 ± 0.4 %" */
export function meanAndSpread({ mean, sd }: { readonly mean: number; readonly sd: number }): string {
  return `${(mean * 100).toFixed(1)} ± ${(sd * 100).toFixed(1)}\u00A0%`;
}
