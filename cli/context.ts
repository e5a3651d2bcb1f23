/** What every command gets: its surroundings and the three ways to say something. */
import type { Surroundings } from './settings';

export interface Context extends Surroundings {
  /** The answer, on stdout. */
  readonly print: (text: string) => void;
  /** What a person may want to know meanwhile, on stderr. */
  readonly say: (text: string) => void;
}

export function contextOf(surroundings: Surroundings): Context {
  return {
    ...surroundings,
    print: (text) => void surroundings.out.write(`${text}\n`),
    say: (text) => void surroundings.err.write(`${text}\n`),
  };
}

/** The same, with --store in the place of LODESTONE_STORE. */
export function withStore<C extends Surroundings>(context: C, store: string | undefined): C {
  return store === undefined ? context : { ...context, variables: { ...context.variables, LODESTONE_STORE: store } };
}
