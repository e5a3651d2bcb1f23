/** Where training asks for images. datasets/ implements it over local shard files, tests over memory. */
export interface BatchSource {
  /** Width and height of a stored record in pixels; larger than the network's input, so that crops lie inside. */
  readonly edge: number;
  readonly channels: 1 | 3;
  /**
   * @param examples indices into TrainingData.examples, in any order, repeats allowed
   * @returns uint8 [examples.length, edge, edge, channels], a fresh buffer each time
   */
  read(examples: readonly number[]): Promise<Uint8Array>;
}
