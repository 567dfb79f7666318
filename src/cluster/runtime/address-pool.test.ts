import { expect, test } from "vitest";
import { createAddressPool } from "./address-pool.ts";

const pool = (): ReturnType<typeof createAddressPool> => createAddressPool(3, (index) => `127.10.1.${index + 1}`);

test("take: no address twice, and an error when none is left", () => {
  const addresses = pool();
  expect([addresses.take(undefined), addresses.take(undefined), addresses.take(undefined)]).toEqual([
    "127.10.1.1",
    "127.10.1.2",
    "127.10.1.3",
  ]);
  expect(() => addresses.take(undefined)).toThrow("all 3 are in use");
});

test("take: the wanted address when it is free and of the pool", () => {
  const addresses = pool();
  expect(addresses.take("127.10.1.2")).toBe("127.10.1.2");
  expect(addresses.take("127.10.1.2")).toBe("127.10.1.1");
  expect(addresses.take("10.0.0.1")).toBe("127.10.1.3");
});

test("release: an address that was just given back is the last to be given out again", () => {
  const addresses = pool();
  const first = addresses.take(undefined);
  addresses.release(first);
  expect(addresses.take(undefined)).not.toBe(first);
});
