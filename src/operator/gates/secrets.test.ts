import { expect, test } from "vitest";
import { redact } from "#base";
import { formsOf, loginOf, secretsOf } from "./secrets.ts";

test.each([
  ["as it is", "key p&ss/word== end"],
  ["in base64", `key ${Buffer.from("p&ss/word==").toString("base64")} end`],
  ["in base64 for addresses", `key ${Buffer.from("p&ss/word==").toString("base64url")} end`],
  ["in an address", `key ${encodeURIComponent("p&ss/word==")} end`],
])("formsOf: a secret is found %s", (_, text) => {
  expect(redact(text, formsOf("p&ss/word==\n"))).toMatch(/^key \*\*\*=* end$/);
});

test("loginOf: user, password and query are hidden, scheme, host and path are not", () => {
  const address = "http://operator:p%40ssword@hooks.test/gate/run?token=abcdef123";
  const basic = Buffer.from("operator:p@ssword").toString("base64");
  const text = `POST ${address} as ${basic}: p@ssword is wrong, token abcdef123`;
  expect(redact(text, loginOf(address))).toBe("POST http://***@hooks.test/gate/run*** as ***: *** is wrong, token ***");
});

test("secretsOf: the path of an address that is a key is hidden too", () => {
  const address = "https://hooks.test/services/T0AAAA/B0BBBB";
  expect(redact(`${address} or T0AAAA`, secretsOf(address))).toBe("*** or ***");
  expect(secretsOf("no address")).toEqual(["no address"]);
});
