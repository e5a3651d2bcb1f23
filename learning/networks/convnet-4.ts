/**
 * A small network for images of some 48 to 96 pixels: four convolutions, 0.42 million parameters with an embedding of
 * 128. The one that docs/results.md compares objectives with.
 */
import { maxPool } from '../../engine/ops/layers';
import { convolutionSpecs, convolve, type Architecture } from './layers';

interface Layer {
  readonly name: string;
  readonly size: number;
  readonly stride: number;
  readonly width: number;
  /** Max-pool 2/2 after it. */
  readonly halve: boolean;
}

const layers: readonly Layer[] = [
  { name: 'conv1', size: 5, stride: 2, width: 32, halve: true },
  { name: 'conv2', size: 3, stride: 1, width: 64, halve: true },
  { name: 'conv3', size: 3, stride: 1, width: 128, halve: true },
  { name: 'conv4', size: 3, stride: 1, width: 256, halve: false },
];

export function convnet4(channels: 1 | 3): Architecture {
  return {
    specs: layers.flatMap(({ name, size, width }, i) =>
      convolutionSpecs(name, size, i === 0 ? channels : layers[i - 1].width, width),
    ),
    width: layers[layers.length - 1].width,
    features: (variables, images, mode) => {
      let x = images;
      for (const { name, stride, halve } of layers) {
        x = convolve(variables, name, x, stride, mode);
        if (halve) x = maxPool(x, 2, 2);
      }
      return x as ReturnType<Architecture['features']>;
    },
  };
}
