import type { Clock } from "#base";
import { unreadable } from "../client-failure.ts";
import { withDeadline } from "../deadline.ts";
import type { Row } from "./query-value.ts";

/** An open connection to a database. */
export interface SqlSession {
  readonly isOpen: boolean;
  /** Bytes that its server has sent so far. */
  readonly receivedBytes: number;
  /** Runs the query; gives the first row of its first result, or undefined when there is none. */
  firstRow(query: string): Promise<Row | undefined>;
  /** Takes leave of the server. */
  end(): Promise<void>;
  /** Drops the connection at once; what runs on it fails. */
  destroy(): void;
}

export interface SqlReaderOptions {
  readonly clock: Clock;
  /** Longest that one read may take, the connection included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Connects; drops what it has begun when the signal is aborted. */
  open(signal: AbortSignal): Promise<SqlSession>;
}

/** Reads that may wait for each other: the poll, the autoscaler, and some to spare. */
const WAITING_MAX = 8;
/** A number needs some bytes; a server that sends more is hostile, or the query selects a table. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** How often the size of an answer is looked at while it comes; the drivers give no bound of their own. */
const SIZE_CHECK_MS = 50;
const LEAVE_MS = 1_000;

/**
 * Reads numbers over one connection, one after the other. The connection is kept between reads; one that broke, or on which
 * a read failed, is dropped, and the next read opens another.
 */
export class SqlReader {
  readonly #options: SqlReaderOptions;
  readonly #closed = new AbortController();
  #session: SqlSession | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;

  constructor(options: SqlReaderOptions) {
    this.#options = options;
  }

  /** @throws Failure or the driver's error when there is no connection to be had. */
  async connect(signal: AbortSignal): Promise<void> {
    await this.#inTurn(signal, () => Promise.resolve());
  }

  /** @throws Failure when the time is up, else the driver's error. */
  firstRow(query: string, signal: AbortSignal): Promise<Row | undefined> {
    return this.#inTurn(signal, (session) => session.firstRow(query));
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#last;
    const session = this.#session;
    this.#session = undefined;
    if (session === undefined) return;
    const { clock } = this.#options;
    const isGone = await withDeadline({ clock, timeoutMs: LEAVE_MS }, () => session.end()).then(
      () => true,
      () => false,
    );
    if (!isGone) session.destroy();
  }

  async #inTurn<T>(signal: AbortSignal, use: (session: SqlSession) => Promise<T>): Promise<T> {
    if (this.#waitingCount >= WAITING_MAX) throw unreadable(`${WAITING_MAX} reads wait for the database already`);
    this.#waitingCount += 1;
    const { clock, timeoutMs } = this.#options;
    const signals = [signal, this.#options.signal, this.#closed.signal];
    const turn = this.#last.then(() =>
      withDeadline({ clock, timeoutMs, signals }, (ended) => this.#useSession(ended, use)),
    );
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waitingCount -= 1;
    }
  }

  async #useSession<T>(ended: AbortSignal, use: (session: SqlSession) => Promise<T>): Promise<T> {
    const kept = this.#session;
    const session = kept?.isOpen === true ? kept : await this.#options.open(ended);
    if (ended.aborted) {
      // It took its time, and another may be open by now, which has to be kept to be closed.
      session.destroy();
      throw unreadable("the connection came too late");
    }
    this.#session = session;
    const drop = () => session.destroy();
    ended.addEventListener("abort", drop, { once: true });
    const stopWatch = this.#watchSize(session);
    try {
      return await use(session);
    } catch (thrown) {
      session.destroy();
      throw stopWatch() ? unreadable(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`) : thrown;
    } finally {
      stopWatch();
      ended.removeEventListener("abort", drop);
    }
  }

  /** Drops the session when an answer grows without bound; the returned function ends the watch and says whether it did. */
  #watchSize(session: SqlSession): () => boolean {
    const { clock } = this.#options;
    const beforeBytes = session.receivedBytes;
    let isTooLong = false;
    let stopTimer = clock.after(SIZE_CHECK_MS, check);
    function check(): void {
      isTooLong = session.receivedBytes - beforeBytes > ANSWER_BYTES_MAX;
      if (isTooLong) session.destroy();
      else stopTimer = clock.after(SIZE_CHECK_MS, check);
    }
    return () => {
      stopTimer();
      return isTooLong;
    };
  }
}
