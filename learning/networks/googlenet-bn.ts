/**
 * The paper's network: GoogLeNet (Inception v1) with batch normalisation after every convolution, true 5 × 5 ones, and
 * without auxiliary heads or dropout. 7,030,432 parameters with its embedding of 1024.
 */
import { maxPool } from '../../engine/ops/layers';
import { tf } from '../../engine/tf';
import type { VariableSet, VariableSpec } from '../../engine/variables';
import { convolutionSpecs, convolve, convolveParts, tidyUnlessTraining, type Architecture, type Mode } from './layers';

/** Widths of one inception block. */
interface Block {
  readonly name: string;
  readonly one: number;
  readonly three: readonly [reduce: number, width: number];
  readonly five: readonly [reduce: number, width: number];
  readonly pool: number;
  /** Max-pool 3/2 before the block. */
  readonly halve: boolean;
}

const block = (
  name: string,
  one: number,
  three: Block['three'],
  five: Block['five'],
  pool: number,
  halve = false,
): Block => ({ name, one, three, five, pool, halve });

const blocks: readonly Block[] = [
  block('3a', 64, [96, 128], [16, 32], 32, true),
  block('3b', 128, [128, 192], [32, 96], 64),
  block('4a', 192, [96, 208], [16, 48], 64, true),
  block('4b', 160, [112, 224], [24, 64], 64),
  block('4c', 128, [128, 256], [24, 64], 64),
  block('4d', 112, [144, 288], [32, 64], 64),
  block('4e', 256, [160, 320], [32, 128], 128),
  block('5a', 256, [160, 320], [32, 128], 128, true),
  block('5b', 384, [192, 384], [48, 128], 128),
];

const STEM_WIDTH = 192;
const widthOf = ({ one, three, five, pool }: Block): number => one + three[1] + five[1] + pool;

export function googlenetBn(channels: 1 | 3): Architecture {
  const stem = [
    ...convolutionSpecs('1/7x7', 7, channels, 64),
    ...convolutionSpecs('2/reduce', 1, 64, 64),
    ...convolutionSpecs('2/3x3', 3, 64, STEM_WIDTH),
  ];
  return {
    specs: [...stem, ...blocks.flatMap((each, i) => blockSpecs(each, i === 0 ? STEM_WIDTH : widthOf(blocks[i - 1])))],
    width: widthOf(blocks[blocks.length - 1]),
    features: (variables, images, mode) => {
      let x = maxPool(convolve(variables, '1/7x7', images, 2, mode), 3, 2);
      x = convolve(variables, '2/3x3', convolve(variables, '2/reduce', x, 1, mode), 1, mode);
      for (const each of blocks) {
        const input = each.halve ? maxPool(x, 3, 2) : x;
        x = tidyUnlessTraining(mode, () => inception(variables, each, input, mode));
      }
      return x;
    },
  };
}

function blockSpecs({ name, one, three, five, pool }: Block, inputs: number): VariableSpec[] {
  return [
    ...convolutionSpecs(`${name}/1x1`, 1, inputs, one + three[0] + five[0]),
    ...convolutionSpecs(`${name}/3x3`, 3, three[0], three[1]),
    ...convolutionSpecs(`${name}/5x5`, 5, five[0], five[1]),
    ...convolutionSpecs(`${name}/pool`, 1, inputs, pool),
  ];
}

/** The three 1 × 1 convolutions that read the block's input have their variables in common. */
function inception(variables: VariableSet, { name, one, three, five }: Block, x: tf.Tensor4D, mode: Mode): tf.Tensor4D {
  const layer = (part: string, input: tf.Tensor): tf.Tensor4D => convolve(variables, `${name}/${part}`, input, 1, mode);
  const [ones, threes, fives] = convolveParts(variables, `${name}/1x1`, x, [one, three[0], five[0]], mode);
  return tf.concat([ones, layer('3x3', threes), layer('5x5', fives), layer('pool', maxPool(x, 3, 1))], 3);
}
