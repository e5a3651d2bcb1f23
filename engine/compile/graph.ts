/**
 * A graph under construction: nodes, and constants shared by content. Knows names; does not know steps (emit.ts).
 */
import { binding } from '../native';
import { savedModel, type AttributeValue, type GraphNode } from './protobuf';
import type { Constant } from './trace';

export class GraphBuilder {
  private readonly nodes: GraphNode[] = [];
  private readonly constants = new Map<string, string>();

  get size(): number {
    return this.nodes.length;
  }

  /** @returns the name, which is that of the node's first output too */
  add(name: string, op: string, inputs: readonly string[], attributes: Record<string, AttributeValue>): string {
    this.nodes.push({ name, op, inputs, attributes });
    return name;
  }

  /** A constant, made once for all who ask for equal ones. */
  constant(constant: Constant): string {
    const key = `${constant.dtype} [${constant.shape.join()}] ${Buffer.from(constant.bytes).toString('base64')}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = `constant/${this.constants.size}`;
    this.constants.set(key, name); // before the parts of a fill take the next numbers
    return constant.uniform ? this.fill(name, constant) : this.literal(name, constant);
  }

  bytes(): Uint8Array {
    return savedModel(this.nodes);
  }

  /**
   * Floats pass through a PlaceholderWithDefault: the graph optimizer cannot fold what might be fed, and folding changes
   * rounding (x/c becomes x·(1/c), c·(d·x) becomes (c·d)·x). With it the graph's bits are the eager step's.
   */
  private literal(name: string, { dtype, shape, bytes }: Constant): string {
    const value: AttributeValue = { type: 'tensor', value: { dtype, shape, bytes } };
    if (dtype !== binding().TF_FLOAT)
      return this.add(name, 'Const', [], { dtype: { type: 'type', value: dtype }, value });
    this.add(`${name}/value`, 'Const', [], { dtype: { type: 'type', value: dtype }, value });
    const attributes = { dtype: { type: 'type', value: dtype }, shape: { type: 'shape', value: shape } } as const;
    return this.add(name, 'PlaceholderWithDefault', [`${name}/value`], attributes);
  }

  private fill(name: string, { dtype, shape, bytes }: Constant): string {
    const int32 = binding().TF_INT32;
    const sizes = new Uint8Array(Int32Array.from(shape).buffer);
    const dimensions = this.constant({ shape: [shape.length], dtype: int32, bytes: sizes, uniform: false });
    const value = this.constant({ shape: [], dtype, bytes, uniform: false });
    const attributes = { T: { type: 'type', value: dtype }, index_type: { type: 'type', value: int32 } } as const;
    return this.add(name, 'Fill', [dimensions, value], attributes);
  }
}
