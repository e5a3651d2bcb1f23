/**
 * From scores of classes to error rates: the rule that every read-out shares (METHOD §4). A class without votes is a miss;
 * of equal scores the lower class number comes first.
 */
export interface Scores {
  readonly examples: number;
  readonly classes: number;
  /** Overwrites `into` [classes] with the scores of one example; −Infinity: no votes. Higher is nearer. */
  write(example: number, into: Float64Array): void;
}

export interface Outcome {
  /** Shares in [0, 1]; error5 is null where there are no more than five classes. */
  readonly error1: number;
  readonly error5: number | null;
  /** int32 [examples], the class with the highest score; −1 where no class has votes. */
  readonly predicted: Int32Array;
}

/** @param truth int32 [examples] */
export function outcomeOf(scores: Scores, truth: Int32Array): Outcome {
  const { examples, classes } = scores;
  const values = new Float64Array(classes);
  const predicted = new Int32Array(examples);
  let wrong1 = 0;
  let wrong5 = 0;
  for (let example = 0; example < examples; example++) {
    scores.write(example, values);
    predicted[example] = highest(values);
    const rank = rankOf(values, truth[example]);
    if (rank >= 1) wrong1++;
    if (rank >= 5) wrong5++;
  }
  return { error1: wrong1 / examples, error5: classes > 5 ? wrong5 / examples : null, predicted };
}

/** Scores that are given, such as logits [examples, classes]. */
export function givenScores(values: Float32Array, classes: number): Scores {
  return {
    examples: values.length / classes,
    classes,
    write: (example, into) => into.set(values.subarray(example * classes, (example + 1) * classes)),
  };
}

function highest(values: Float64Array): number {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < values.length; id++) {
    if (values[id] > most) {
      most = values[id];
      best = id;
    }
  }
  return best;
}

/** How many classes come before one; Infinity where it has no votes. */
function rankOf(values: Float64Array, id: number): number {
  const own = values[id];
  if (own === Number.NEGATIVE_INFINITY) return Number.POSITIVE_INFINITY;
  let before = 0;
  for (let other = 0; other < values.length; other++) {
    if (values[other] > own || (values[other] === own && other < id)) before++;
  }
  return before;
}
