/** A broken promise of our own code. Fatal in tests and in the simulator; caught and counted at a worker's edge elsewhere. */
export class Bug extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Bug";
  }
}

/** Throws a {@link Bug} with the sentence when the condition does not hold. */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Bug(sentence);
}

/** Marks a branch that the types say cannot be reached; use it to close a `switch` over a union. */
export function unreachable(value: never): never {
  throw new Bug(`unreachable value ${shown(value)}`);
}

/** Of an object the discriminant alone: the rest may be what nobody is to be told. */
function shown(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  return "kind" in value ? `of kind ${JSON.stringify(value.kind)}` : "object";
}
