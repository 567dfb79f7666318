import { expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import type { Row } from "./query-value.ts";
import { SqlReader, type SqlSession } from "./sql-reader.ts";

/** A database of one process: what it answers, and what became of its connections. */
function database(answer: () => Promise<Row | undefined>) {
  const clock = createVirtualClock();
  const seen = { opened: 0, destroyed: 0, ended: 0, receivedBytes: 0 };
  const session: SqlSession = {
    isOpen: true,
    get receivedBytes() {
      return seen.receivedBytes;
    },
    firstRow: answer,
    end: () => Promise.resolve(void (seen.ended += 1)),
    destroy: () => void (seen.destroyed += 1),
  };
  const open = () => Promise.resolve(((seen.opened += 1), session));
  const world = new AbortController();
  const reader = new SqlReader({ clock, timeoutMs: 3_000, signal: world.signal, open });
  return { clock, seen, reader, world, signal: new AbortController().signal };
}

/** Why the promise fails. */
function whyNot(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "done",
    (thrown: unknown) => (thrown instanceof Error ? thrown.message : "no error"),
  );
}

const never = () => new Promise<Row | undefined>(() => undefined);

test("SqlReader: one connection serves all reads, and close takes leave of the server", async () => {
  const { reader, seen, signal } = database(() => Promise.resolve(["1"]));
  await Promise.all([reader.firstRow("q", signal), reader.firstRow("q", signal)]);
  expect(await reader.firstRow("q", signal)).toEqual(["1"]);
  await reader.close();
  expect(seen).toMatchObject({ opened: 1, ended: 1, destroyed: 0 });
});

test("SqlReader: a read that gets no answer ends after the time and drops the connection", async () => {
  const { reader, clock, seen, signal } = database(never);
  const read = whyNot(reader.firstRow("q", signal));
  await clock.advance(0);
  await clock.advance(2_999);
  expect(seen.destroyed).toBe(0);
  await clock.advance(1);
  expect(await read).toBe("no answer within 3s");
  expect(seen.destroyed).toBeGreaterThan(0);
});

test("SqlReader: a read that is given up, or whose trigger is closed, ends at once", async () => {
  const asker = new AbortController();
  const first = database(never);
  const given = whyNot(first.reader.firstRow("q", asker.signal));
  asker.abort();
  expect(await given).toBe("it was given up");
  const second = database(never);
  const closed = whyNot(second.reader.firstRow("q", second.signal));
  await second.reader.close();
  expect(await closed).toBe("it was given up");
  const third = database(never);
  third.world.abort();
  await expect(third.reader.firstRow("q", third.signal)).rejects.toThrow("it was given up");
  expect(third.seen.opened).toBe(0);
});

test("SqlReader: a connection that comes too late does not take the place of the one that is open", async () => {
  const clock = createVirtualClock();
  const ends: string[] = [];
  const sessionOf = (name: string): SqlSession => ({
    isOpen: true,
    receivedBytes: 0,
    firstRow: () => Promise.resolve([name]),
    end: () => Promise.resolve(void ends.push(`${name} ended`)),
    destroy: () => void ends.push(`${name} destroyed`),
  });
  let openLate = (_session: SqlSession): void => undefined;
  const waiting = [new Promise<SqlSession>((resolve) => (openLate = resolve)), Promise.resolve(sessionOf("second"))];
  const open = (): Promise<SqlSession> => waiting.shift() ?? Promise.reject(new Error("one too many"));
  const reader = new SqlReader({ clock, timeoutMs: 3_000, signal: new AbortController().signal, open });
  const asker = new AbortController();
  const first = whyNot(reader.firstRow("q", asker.signal));
  await clock.advance(0);
  asker.abort();
  expect(await first).toBe("it was given up");
  const { signal } = new AbortController();
  expect(await reader.firstRow("q", signal)).toEqual(["second"]);
  openLate(sessionOf("first"));
  await clock.advance(0);
  expect(await reader.firstRow("q", signal)).toEqual(["second"]);
  await reader.close();
  expect(ends).toEqual(["first destroyed", "second ended"]);
});

test("SqlReader: at most eight reads wait for the database", async () => {
  const { reader, clock, signal } = database(never);
  const reads = Array.from({ length: 8 }, () => reader.firstRow("q", signal).catch(() => "ended"));
  await expect(reader.firstRow("q", signal)).rejects.toThrow("8 reads wait for the database already");
  for (let i = 0; i < 8; i += 1) await clock.advance(3_000);
  expect(await Promise.all(reads)).toEqual(Array(8).fill("ended"));
});

test("SqlReader: an answer that grows without bound ends the read", async () => {
  let fail = (_error: Error): void => undefined;
  const { reader, clock, seen, signal } = database(() => new Promise((_resolve, reject) => (fail = reject)));
  const read = whyNot(reader.firstRow("q", signal));
  await clock.advance(60);
  seen.receivedBytes = 5_000_000;
  await clock.advance(60);
  expect(seen.destroyed).toBe(1);
  fail(new Error("the connection was closed"));
  expect(await read).toBe("the answer is longer than 4194304 bytes");
});
