import { expect, test } from "vitest";
import { silentLog } from "#base";
import { createClosers } from "./closers.ts";

test("createClosers: ends the parts in reverse, one after the other", async () => {
  const seen: string[] = [];
  const closers = createClosers(silentLog);
  closers.add(() => void seen.push("first"));
  closers.add(async () => {
    seen.push("second begins");
    await Promise.resolve();
    seen.push("second ends");
  });
  await closers.close();
  expect(seen).toEqual(["second begins", "second ends", "first"]);
});

test("createClosers: a part that cannot be ended does not keep the others alive, and its error is told", async () => {
  const seen: string[] = [];
  const errors: unknown[] = [];
  const closers = createClosers({ ...silentLog, error: (_message, fields) => void errors.push(fields?.error) });
  closers.add(() => void seen.push("lock"));
  closers.add(() => Promise.reject(new Error("disk full")));
  closers.add(() => {
    throw new Error("socket gone");
  });
  await expect(closers.close()).rejects.toThrow("socket gone");
  expect(seen).toEqual(["lock"]);
  expect(errors).toEqual(["socket gone", "disk full"]);
});

test("createClosers: a second call waits for the first one", async () => {
  let finish = (): void => undefined;
  let isEnded = false;
  const closers = createClosers(silentLog);
  closers.add(() => new Promise<void>((resolve) => (finish = resolve)));
  const first = closers.close();
  const second = closers.close().then(() => {
    expect(isEnded).toBe(true);
  });
  isEnded = true;
  finish();
  await Promise.all([first, second]);
});
