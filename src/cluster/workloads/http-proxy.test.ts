import { expect, test } from "vitest";
import { resolveHttpTarget } from "./http-proxy.ts";

const ENV = {
  http_proxy: "http://127.10.1.1:15001",
  no_proxy: "127.0.0.1,localhost,.internal",
  SERIN_POD_IP: "127.10.1.1",
};

test("resolveHttpTarget: a name goes through the proxy in absolute form", () => {
  expect(resolveHttpTarget(new URL("http://app.shop:9898/a?b=1"), ENV)).toEqual({
    host: "127.10.1.1",
    port: 15_001,
    path: "http://app.shop:9898/a?b=1",
    authority: "app.shop:9898",
    isTls: false,
  });
});

test("resolveHttpTarget: own addresses, exempted names and HTTPS go direct", () => {
  expect(resolveHttpTarget(new URL("http://localhost:9898/x"), ENV)).toMatchObject({
    host: "127.10.1.1",
    port: 9898,
    path: "/x",
  });
  expect(resolveHttpTarget(new URL("http://127.10.1.7/"), ENV)).toMatchObject({ host: "127.10.1.7", port: 80 });
  expect(resolveHttpTarget(new URL("http://db.internal/"), ENV)).toMatchObject({ host: "db.internal", path: "/" });
  expect(resolveHttpTarget(new URL("https://app.shop/"), ENV)).toMatchObject({
    host: "app.shop",
    port: 443,
    isTls: true,
  });
  expect(resolveHttpTarget(new URL("http://app.shop/"), {})).toMatchObject({ host: "app.shop", port: 80 });
  expect(resolveHttpTarget(new URL("http://[::1]:8080/"), ENV)).toMatchObject({ host: "::1", port: 8080 });
});
