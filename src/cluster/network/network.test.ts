import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { acquireNetwork, POD_ADDRESS_COUNT } from "./network.ts";

test("acquireNetwork: two clusters get two blocks, and one keeps its block over a restart", async () => {
  const root = mkdtempSync(join(tmpdir(), "serin-network-"));
  const first = await acquireNetwork(join(root, "a"));
  const second = await acquireNetwork(join(root, "b"));
  expect(second.block).not.toBe(first.block);
  first.release();
  const again = await acquireNetwork(join(root, "a"));
  expect(again.block).toBe(first.block);
  again.release();
  second.release();
  rmSync(root, { recursive: true });
});

test("acquireNetwork: pod and Service addresses are distinct and stay in their halves", async () => {
  const root = mkdtempSync(join(tmpdir(), "serin-network-"));
  const network = await acquireNetwork(join(root, "a"));
  network.release();
  rmSync(root, { recursive: true });
  expect(network.podAddress(0)).toBe(`127.${network.block}.1.1`);
  expect(network.podAddress(POD_ADDRESS_COUNT - 1)).toBe(`127.${network.block}.127.254`);
  expect(network.serviceAddress(0)).toBe(`127.${network.block}.128.1`);
  expect(network.serviceAddress(254)).toBe(`127.${network.block}.129.1`);
});

test("acquireNetwork: a choice that cannot be written down is an error at once, and the block is free again", async () => {
  const root = mkdtempSync(join(tmpdir(), "serin-network-"));
  const first = await acquireNetwork(join(root, "a"));
  first.release();
  await expect(acquireNetwork(join(root, "missing", "a"))).rejects.toMatchObject({ code: "DataDirectoryUnusable" });
  const again = await acquireNetwork(join(root, "a"));
  expect(again.block).toBe(first.block);
  again.release();
  rmSync(root, { recursive: true });
});
