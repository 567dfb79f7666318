import { expect, test } from "vitest";
import { scalerTarget } from "./scaler-address.ts";

const addresses: Readonly<Record<string, string>> = { scaler: "127.9.0.1", six: "fd00::1" };
const resolve = (host: string) => addresses[host] ?? host;

test.each<[string, string, string | undefined]>([
  ["scaler:9090", "127.9.0.1:9090", "scaler:9090"],
  ["scaler", "127.9.0.1", "scaler"],
  ["six:9090", "[fd00::1]:9090", "six:9090"],
  ["dns:///scaler:9090", "127.9.0.1:9090", "scaler:9090"],
  ["dns:scaler:9090", "127.9.0.1:9090", "scaler:9090"],
  ["passthrough:///scaler:9090", "127.9.0.1:9090", "scaler:9090"],
  ["elsewhere.example:443", "elsewhere.example:443", undefined],
  ["10.0.0.1:443", "10.0.0.1:443", undefined],
  ["[::1]:443", "[::1]:443", undefined],
  ["unix:/run/scaler", "unix:/run/scaler", undefined],
  ["ipv4:10.0.0.1:443", "ipv4:10.0.0.1:443", undefined],
])("scalerTarget: %s connects to %s with the authority %s", (address, target, authority) => {
  expect(scalerTarget(address, resolve)).toEqual({ target, authority });
});
