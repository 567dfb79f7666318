import { expect, test } from "vitest";
import { resolveHost, type ServiceAddresses } from "./resolve-host.ts";

const services: Readonly<Record<string, { clusterIP?: string; externalName?: string }>> = {
  "shop/redis": { clusterIP: "127.9.128.1" },
  "shop/db": { clusterIP: "None" },
  "shop/gone": { clusterIP: "None" },
  "shop/outside": { externalName: "db.example.com" },
  "data/redis": { clusterIP: "127.9.128.2" },
  "shop/fresh": {},
};
const addresses: ServiceAddresses = {
  service: (namespace, name) => services[`${namespace}/${name}`],
  endpoints: (namespace, name) => (`${namespace}/${name}` === "shop/db" ? ["127.9.1.7", "127.9.1.8"] : []),
};

test.each([
  ["redis", "127.9.128.1"],
  ["REDIS", "127.9.128.1"],
  ["redis.", "127.9.128.1"],
  ["redis.shop", "127.9.128.1"],
  ["redis.data", "127.9.128.2"],
  ["redis.data.svc", "127.9.128.2"],
  ["redis.data.svc.cluster", "127.9.128.2"],
  ["redis.data.svc.cluster.local", "127.9.128.2"],
  ["redis.data.svc.cluster.local.", "127.9.128.2"],
  ["redis.data.svc.example.com", "redis.data.svc.example.com"],
  ["db", "127.9.1.7"],
  ["gone", "gone"],
  ["fresh", "fresh"],
  ["outside", "db.example.com"],
  ["nobody", "nobody"],
  ["127.0.0.1", "127.0.0.1"],
  ["::1", "::1"],
  ["example.com", "example.com"],
  ["", ""],
])("resolveHost: %s from the namespace shop is %s", (host, expected) => {
  expect(resolveHost(host, "shop", addresses)).toBe(expected);
});
