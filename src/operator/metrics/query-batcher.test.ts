import { describe, expect, test } from "vitest";
import { createVirtualClock, type VirtualClock } from "#testing";
import type { Workload } from "./builtin-queries.ts";
import { createQueryBatcher, maxAnswerAgeMs, type SharedAnswer, type SharedQuestion } from "./query-batcher.ts";

interface Query {
  readonly names: readonly string[];
  readonly signal: AbortSignal;
  reply(answer: SharedAnswer): void;
}

/** A batcher whose queries wait for the test to answer them, or answer at once with a count of queries so far. */
function start(of: { answers?: () => SharedAnswer } = {}) {
  const clock = createVirtualClock();
  const batcher = createQueryBatcher(clock);
  const queries: Query[] = [];
  const send = (workloads: readonly Workload[], signal: AbortSignal) => {
    const names = workloads.map(({ name }) => name);
    const answer = new Promise<SharedAnswer>((resolve) => {
      queries.push({ names, signal, reply: resolve });
      signal.addEventListener("abort", () => resolve({ kind: "unreachable", message: "aborted" }));
      if (of.answers !== undefined) resolve(of.answers());
    });
    return { answer, covers: ({ name }: Workload) => names.includes(name) };
  };
  const ask = (name: string, changes: Partial<SharedQuestion> = {}): Promise<SharedAnswer> =>
    batcher.ask({
      key: "k",
      workloads: [{ namespace: "shop", name }],
      notBeforeMs: 0,
      maxAgeMs: 5000,
      signal: new AbortController().signal,
      send,
      ...changes,
    });
  return { clock, queries, ask };
}

/** Each workload's own figure: the length of its name. */
const figures: SharedAnswer = { kind: "figures", of: ({ name }) => ({ kind: "value", value: name.length }) };

async function settledIn(clock: VirtualClock, ms: number, ...questions: readonly Promise<SharedAnswer>[]) {
  const settled: SharedAnswer[] = [];
  for (const question of questions) void question.then((answer) => settled.push(answer));
  await clock.advance(ms);
  return settled;
}

describe("createQueryBatcher", () => {
  test("those who ask within the gathering time share a query and get their own figures", async () => {
    const { clock, queries, ask } = start({ answers: () => figures });
    const names = Array.from({ length: 200 }, (_, i) => "w".repeat(i + 1));
    const answers = names.map((name) => ask(name));
    await clock.advance(20);
    expect(queries.map((query) => query.names.length)).toEqual([200]);
    for (const [i, answer] of answers.entries()) {
      const figure = await answer;
      const workload = { namespace: "shop", name: names[i] ?? "" };
      expect(figure.kind === "figures" && figure.of(workload)).toEqual({ kind: "value", value: i + 1 });
    }
  });

  test("200 Canaries that tick at their own times cost one query each 5 s for each metric and window", async () => {
    const { clock, queries, ask } = start({ answers: () => figures });
    const intervalMs = 30_000;
    const maxAgeMs = maxAnswerAgeMs(intervalMs);
    const round = async (): Promise<void> => {
      for (let i = 0; i < 200; i++) {
        // Each was decided on one interval ago, so no answer of the round before is young enough.
        const notBeforeMs = clock.nowMs() - intervalMs;
        for (const key of ["success/30s", "duration/30s"]) void ask(`w${i}`, { key, notBeforeMs, maxAgeMs });
        await clock.advance(intervalMs / 200);
      }
    };
    await round();
    queries.length = 0;
    await round();
    await round();
    // Two rounds of 30 s, two metrics, one query in 5 s and a little.
    expect(queries.length).toBeLessThanOrEqual(2 * 2 * 6);
    expect(queries.every(({ names }) => names.length === 200)).toBe(true);
  });

  test("an answer that was asked for before the Canary's last step is not used", async () => {
    const { clock, queries, ask } = start({ answers: () => figures });
    void ask("web");
    await clock.advance(1000);
    const stepMs = clock.nowMs();
    await clock.advance(1000);
    void ask("web", { notBeforeMs: stepMs });
    await clock.advance(20);
    expect(queries.length).toBe(2);
    // Asked for after the step, though for somebody else's question.
    void ask("web", { notBeforeMs: stepMs });
    await clock.advance(20);
    expect(queries.length).toBe(2);
  });

  test("a query on its way is joined only by those whose step was before it was sent", async () => {
    const { clock, queries, ask } = start();
    const first = ask("web");
    await clock.advance(100);
    const joined = ask("web");
    const stepped = ask("web", { notBeforeMs: clock.nowMs() - 10 });
    await clock.advance(20);
    expect(queries.length).toBe(2);
    queries[0]?.reply(figures);
    expect(await settledIn(clock, 0, first, joined, stepped)).toEqual([figures, figures]);
  });

  test("an answer grows too old for one before it does for another", async () => {
    const { clock, queries, ask } = start({ answers: () => figures });
    void ask("web");
    await clock.advance(3000);
    void ask("web", { maxAgeMs: 5000 });
    await clock.advance(20);
    expect(queries.length).toBe(1);
    void ask("web", { maxAgeMs: 1000 });
    await clock.advance(20);
    expect(queries.length).toBe(2);
  });

  test("who asked lately is asked for again, and forgotten after a while", async () => {
    const { clock, queries, ask } = start({ answers: () => figures });
    void ask("a");
    await clock.advance(10_000);
    void ask("b");
    await clock.advance(20);
    expect(queries[1]?.names).toEqual(["a", "b"]);
    void ask("a");
    await clock.advance(20);
    expect(queries.length).toBe(2);
    await clock.advance(6 * 60_000);
    void ask("c");
    await clock.advance(20);
    expect(queries[2]?.names).toEqual(["c"]);
  });

  test("a server that cannot be reached is unreachable for each who asked", async () => {
    const down: SharedAnswer = { kind: "unreachable", message: "503" };
    const { clock, queries, ask } = start({ answers: () => down });
    const answers = ["a", "b", "c"].map((name) => ask(name));
    expect(await settledIn(clock, 20, ...answers)).toEqual([down, down, down]);
    // Not asked again for the next second's Canaries, but for their next ticks.
    expect(await settledIn(clock, 20, ask("a"))).toEqual([down]);
    await clock.advance(5001);
    void ask("a");
    await clock.advance(20);
    expect(queries.length).toBe(2);
  });

  test("a query that the server refuses is not sent again for some minutes, whoever asks", async () => {
    const refused: SharedAnswer = { kind: "error", message: "too many samples" };
    const { clock, queries, ask } = start({ answers: () => refused });
    expect(await settledIn(clock, 20, ask("a"))).toEqual([refused]);
    await clock.advance(60_000);
    expect(await settledIn(clock, 20, ask("b", { notBeforeMs: clock.nowMs() }))).toEqual([refused]);
    expect(queries.length).toBe(1);
    await clock.advance(5 * 60_000);
    void ask("b");
    await clock.advance(20);
    expect(queries.length).toBe(2);
  });

  test("each waits 5 s at most; a query that nobody waits for is given up", async () => {
    const { clock, queries, ask } = start();
    const answer = ask("a");
    expect(await settledIn(clock, 5000, answer)).toEqual([
      { kind: "unreachable", message: "no answer within 5000 ms" },
    ]);
    expect(queries[0]?.signal.aborted).toBe(true);
  });

  test("one who leaves does not take the answer from others", async () => {
    const { clock, queries, ask } = start();
    const [leaving, other] = [new AbortController(), new AbortController()];
    const left = ask("a", { signal: leaving.signal });
    const stays = ask("b", { signal: other.signal });
    await clock.advance(20);
    leaving.abort();
    expect(await left).toMatchObject({ kind: "unreachable", message: expect.stringContaining("cancelled") });
    expect(queries[0]?.signal.aborted).toBe(false);
    queries[0]?.reply(figures);
    expect(await stays).toBe(figures);
    // Nobody waits for a query that all have left, and nobody joins it.
    const alone = ask("c", { signal: leaving.signal });
    expect((await alone).kind).toBe("unreachable");
  });

  test("two queries at most are on their way; the next goes when one ends, for all who gathered", async () => {
    const { clock, queries, ask } = start();
    for (const name of ["a", "b", "c", "d"]) {
      void ask(name);
      await clock.advance(30);
    }
    expect(queries.map(({ names }) => names)).toEqual([["a"], ["a", "b"]]);
    queries[0]?.reply(figures);
    await clock.advance(0);
    expect(queries[2]?.names).toEqual(["a", "b", "c", "d"]);
    expect(queries.length).toBe(3);
  });

  test("different metrics, windows and servers never share", async () => {
    const { clock, queries, ask } = start({ answers: () => figures });
    for (let i = 0; i < 600; i++) void ask("a", { key: `k${i}` });
    await clock.advance(20);
    expect(queries.length).toBe(600);
  });
});

test("maxAnswerAgeMs: half the interval, 5 s at most", () => {
  expect([1000, 10_000, 60_000].map(maxAnswerAgeMs)).toEqual([500, 5000, 5000]);
});
