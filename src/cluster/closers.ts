import { type Log, messageOf } from "#base";

/** Ends one part. */
export type Closer = () => Promise<void> | void;

/** What ends the parts of something, in the reverse order of their start. */
export interface Closers {
  readonly add: (closer: Closer) => void;
  /** Ends every part, also after one that could not be ended; a second call waits for the first one's work. */
  close(): Promise<void>;
}

/**
 * Collects closers. A part that cannot be ended is logged and the others are ended all the same: a child process or a lock
 * left behind costs more than the first error says. The first error is thrown when all is done.
 */
export function createClosers(log: Log): Closers {
  const closers: Closer[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      try {
        await closer();
      } catch (thrown) {
        log.error("cannot end a part", { error: messageOf(thrown) });
        errors.push(thrown);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  return {
    add: (closer) => void closers.push(closer),
    close: () => (closing ??= closeAll()),
  };
}
