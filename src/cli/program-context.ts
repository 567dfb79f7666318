/** What a command line gets from outside. */
export interface ProgramContext {
  readonly argv: readonly string[];
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Where a command leaves its exit status: 0 done, 1 refused or failed. */
export interface ProgramState {
  status: number;
}

/** The command line is wrong: exit status 2. */
export class UsageError extends Error {}
