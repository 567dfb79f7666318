/**
 * The three kinds of things that go wrong.
 *
 * A `Problem` is data: the user's input is wrong. A `Failure` is thrown: the world refused. A bug is an `assert` that did
 * not hold. Nothing matches on message texts; code decides on `code` and `retryable`.
 */

/** A fault in the user's input: where it is, what is wrong with it, and what to change. */
export interface Problem {
  /** Path of the field, as Kubernetes writes it: `spec.containers[0].image`; empty for the whole document. */
  readonly path: string;
  /** Stable name of the kind of problem, for programs: `required`, `unknown-field`, `invalid-value`, … */
  readonly code: string;
  /** The finding in one sentence, without the path. */
  readonly message: string;
  /** What to change, when there is something to say beyond the message. */
  readonly fix?: string;
}

export interface FailureOptions {
  readonly code: string;
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** The world refused: a socket broke, a server said no, a file is missing. Carries a stable code and whether a retry can help. */
export class Failure extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(message: string, options: FailureOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Failure";
    this.code = options.code;
    this.retryable = options.retryable ?? false;
  }
}

/** Renders a problem as one line: `spec.replicas: must be an integer, received "1x" (write a number)`. */
export function formatProblem(problem: Problem): string {
  const where = problem.path === "" ? "" : `${problem.path}: `;
  const fix = problem.fix === undefined ? "" : ` (${problem.fix})`;
  return `${where}${problem.message}${fix}`;
}

/** Returns the message of anything that was thrown, with its chain of causes. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const inner = thrown.cause === undefined ? "" : `: ${messageOf(thrown.cause)}`;
  return `${thrown.message}${inner}`;
}
