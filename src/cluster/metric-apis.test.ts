import { expect, test } from "vitest";
import { type ExternalMetricsSource, firstExternalSource } from "./metric-apis.ts";

test("firstExternalSource: the first that has the metric answers, an empty answer too; a failure is not passed over", async () => {
  const query = { namespace: "shop", name: "m", selector: {} };
  const one = { labels: {}, value: 1, timestampMs: 0 };
  const source = (values: readonly (typeof one)[] | undefined): ExternalMetricsSource => ({ list: async () => values });
  const failing: ExternalMetricsSource = { list: () => Promise.reject(new Error("broker unreachable")) };
  expect(await firstExternalSource([source(undefined), source([one]), failing]).list(query)).toEqual([one]);
  expect(await firstExternalSource([source([]), source([one])]).list(query)).toEqual([]);
  expect(await firstExternalSource([source(undefined)]).list(query)).toBeUndefined();
  await expect(firstExternalSource([failing, source([one])]).list(query)).rejects.toThrow("broker unreachable");
});
