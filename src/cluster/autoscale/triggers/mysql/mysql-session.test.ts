import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createVirtualClock } from "#testing";
import { parseDataSourceName } from "./data-source-name.ts";
import { openMysql } from "./mysql-session.ts";

test("openMysql: given up before it began, it opens nothing", async () => {
  let connectionCount = 0;
  const silent = createServer(() => (connectionCount += 1));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const target = parseDataSourceName(`me@tcp(127.0.0.1:${(silent.address() as AddressInfo).port})/shop`);
  if (!target.ok) throw new Error(target.error);
  const way = { target: target.value, clock: createVirtualClock(), resolve: (host: string) => host };
  await expect(openMysql(way, AbortSignal.abort())).rejects.toThrow("the connection was given up");
  await new Promise((resolve) => silent.close(resolve));
  expect(connectionCount).toBe(0);
});
