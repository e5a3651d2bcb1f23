/** What a record of a shard looks like. */
import type { DataOptions } from '../config/recipe';

/** Part of the key of a shard. */
export interface DecodeView {
  /** S, width and height of a record in pixels. */
  readonly edge: number;
  readonly channels: 1 | 3;
  /** 255 − value of every byte: dark ink on white becomes light on black. */
  readonly invert: boolean;
}

/** The augmentation enlarges by 1 to 1.3 (METHOD.md, "augmentation"). */
const LARGEST_SCALE = 1.3;

/** The view of a data set for a network's input size: S leaves room for every crop of the augmentation. */
export function viewFor(inputSize: number, { channels, invert }: Pick<DataOptions, 'channels' | 'invert'>): DecodeView {
  return { edge: Math.ceil(LARGEST_SCALE * inputSize), channels, invert };
}

/** One byte a channel of a pixel. */
export function recordBytesOf({ edge, channels }: Pick<DecodeView, 'edge' | 'channels'>): number {
  return edge * edge * channels;
}
