import { afterAll, beforeAll, expect, test } from "vitest";
import type { Canary } from "#api";
import { startTestApiServer } from "#testing";
import { type EndedCommand, startCommand } from "../../src/cli/started-command.ts";
import { badAt, isPhase, openScene, type Scene } from "../../src/operator/rehearsal-scene.ts";
import { canaryWith, deployment } from "../../src/operator/rehearsal-objects.ts";

/** `serin why` about releases that the operator ran: what it kept is what is printed. */

let rehearsal: Scene;

beforeAll(async () => {
  rehearsal = await openScene(await startTestApiServer(), { answer: badAt(93.1) });
});

afterAll(async () => {
  await rehearsal.close();
});

function serin(...argv: string[]): Promise<EndedCommand> {
  return startCommand([...argv, "--kubeconfig", rehearsal.kubeconfigPath]).ended;
}

/** Releases a new image; resolves when the Canary is as wanted and the operator has ended. */
async function released(namespace: string, isEnd: (canary: Canary) => boolean): Promise<void> {
  await rehearsal.createNamespace(namespace, [deployment, canaryWith({})]);
  const end = new AbortController();
  const operator = rehearsal.runOperator({ namespace, signal: end.signal });
  try {
    await rehearsal.until(namespace, isPhase("Initialized"));
    await rehearsal.release(namespace);
    await rehearsal.until(namespace, isEnd);
    await rehearsal.pass(12_000);
  } finally {
    end.abort();
    await operator;
  }
}

test("serin why: a rollback, from its sentence to what would have changed it", async () => {
  await released("bad-why", ({ status }) => status?.phase === "Failed");
  const { status, out, err } = await serin("why", "-n", "bad-why");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  // Queries are left whole, to be copied.
  const lines = out.split("queries\n")[0]?.split("\n") ?? [];
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(out.replace(/\s+/g, " ")).toMatch(
    /^bad-why\/web: Rolling back: 2 of 2 allowed checks failed: Halt web\.bad-why advancement success rate 93\.10% < 99%/,
  );
  for (const part of [
    "2, rolled back;",
    "else With request-success-rate at 99% or more, or a threshold above 2, it would not have been rolled back.",
    "0% → 50%",
    "50% → 0%",
    "done canary scaled to 0 pods",
    "queries",
    "istio_requests_total",
  ])
    expect(out.replace(/\s+/g, " ")).toContain(part);
  const json = await serin("why", "web", "-n", "bad-why", "-o", "json");
  expect(JSON.parse(json.out)).toMatchObject({
    run: { number: 2, outcome: "rolled back" },
    phase: "Failed",
    weight: 0,
  });
  const first = await serin("why", "web", "-n", "bad-why", "--run", "1");
  expect(first.out).toContain("1, initialized;");
});

test("serin why: a promotion is told as one", async () => {
  await released("good-why", ({ status }) => status?.phase === "Succeeded");
  const { out } = await serin("why", "-n", "good-why");
  expect(out).toMatch(/^good-why\/web: web\.good-why is promoted/);
  expect(out).toContain("new revision given to the primary");
});
