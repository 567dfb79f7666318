import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "#base";
import { openStore } from "./index.ts";

/** Writes pairs of objects, each pair in one transaction, and prints the number of a pair once it is acknowledged. */
const WRITER = `
import { writeSync } from "node:fs";
import { silentLog } from "#base";
import { openStore } from "./index.ts";
const [directory, first] = process.argv.slice(2);
const store = await openStore({ directory, log: silentLog });
let next = Number(first);
const filler = "x".repeat(2000);
async function writePairs() {
  for (;;) {
    const name = String(next++);
    await store.transact((transaction) => {
      for (const side of ["left", "right"]) {
        transaction.put({ collection: "/pairs", namespace: side, name }, { apiVersion: "v1", kind: "Pair", metadata: { name }, filler });
      }
    });
    writeSync(1, name + "\\n");
  }
}
await Promise.all(Array.from({ length: 16 }, writePairs));
`;

const ROUND_COUNT = 4;
const ACKNOWLEDGED_COUNT = 150;

let directory: string;
let script: string;
let built: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "serin-crash-"));
  // Inside the project, so that the native module is found from there.
  const cache = join(process.cwd(), "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  built = await mkdtemp(join(cache, "serin-crash-"));
  script = join(built, "writer.mjs");
  await build({
    stdin: { contents: WRITER, resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    external: ["classic-level"],
    outfile: script,
    logLevel: "silent",
  });
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
  await rm(built, { recursive: true, force: true });
});

test("openStore: after kill -9 in the middle of writes nothing acknowledged is lost and nothing is half-written", async () => {
  const acknowledged = new Set<string>();
  for (let round = 0; round < ROUND_COUNT; round++) {
    const first = round * 1_000_000;
    for (const name of await writeUntilKilled(first, ACKNOWLEDGED_COUNT + round * 37)) acknowledged.add(name);
    const store = await openStore({ directory: join(directory, "db"), log: silentLog });
    const left = store.list("/pairs", "left").map(({ name }) => name);
    const right = store.list("/pairs", "right").map(({ name }) => name);
    const newest = Math.max(...store.list("/pairs").map(({ revision }) => revision));
    const { revision } = store;
    await store.close();
    expect(left).toEqual(right);
    expect([...acknowledged].filter((name) => !left.includes(name))).toEqual([]);
    expect(revision).toBe(newest);
  }
});

/** Runs a writer, kills it once it has acknowledged enough, and returns what it had acknowledged by then. */
async function writeUntilKilled(first: number, count: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [script, join(directory, "db"), String(first)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  });
  await exited(child);
  expect(errors).toBe("");
  // The last line may be cut off; without its end it does not count as told.
  return output.split("\n").slice(0, -1);
}

function exited(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("close", () => resolve()));
}
