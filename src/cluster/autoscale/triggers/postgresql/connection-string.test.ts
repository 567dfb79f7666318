import { expect, test } from "vitest";
import { connectionAttempts, isFinalAnswer } from "./connection-attempts.ts";
import { type PostgresTarget, parsePostgresConnection } from "./connection-string.ts";

const plain: PostgresTarget = {
  hosts: [{ host: "db", port: 5432 }],
  user: "me",
  password: "",
  database: "me",
  sslmode: "prefer",
  files: {},
  sslpassword: undefined,
  connectTimeoutMs: undefined,
  settings: {},
};

test.each<[string, Partial<PostgresTarget>]>([
  ["host=db user=me", {}],
  ["host = db  user = me dbname=shop", { database: "shop" }],
  ["host=db user=me password='it''s' dbname=x".replace("''", "\\'"), { password: "it's", database: "x" }],
  ["host=db user=me password='a b'", { password: "a b" }],
  ["host=db user=me password=a\\ b\\\\c", { password: "a b\\c" }],
  ["host=db user=me password='' dbname=x", { password: "", database: "x" }],
  ["host=db port=6543 user=me sslmode=disable", { hosts: [{ host: "db", port: 6543 }], sslmode: "disable" }],
  [
    "host=a,b port=1,2 user=me",
    {
      hosts: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
    },
  ],
  [
    "host=a,b port=1 user=me",
    {
      hosts: [
        { host: "a", port: 1 },
        { host: "b", port: 1 },
      ],
    },
  ],
  ["host=/run/pg user=me connect_timeout=2", { hosts: [{ host: "/run/pg", port: 5432 }], connectTimeoutMs: 2000 }],
  ["host=db user=me search_path=app statement_timeout=5", { settings: { search_path: "app", statement_timeout: "5" } }],
  ["host=db user=me sslmode=require sslrootcert=/ca", { sslmode: "require", files: { sslrootcert: "/ca" } }],
  ["postgres://me@db", {}],
  ["postgresql://me:p%40ss@db:7000/shop", { password: "p@ss", hosts: [{ host: "db", port: 7000 }], database: "shop" }],
  ["postgresql://me:a:b@db/shop?sslmode=verify-full", { password: "a:b", database: "shop", sslmode: "verify-full" }],
  [
    "postgresql://me@a:1,b:2/shop",
    {
      hosts: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
      database: "shop",
    },
  ],
  ["postgresql://me@[::1]:7000/x", { hosts: [{ host: "::1", port: 7000 }], database: "x" }],
  ["postgresql://db/x?user=me&password=p", { password: "p", database: "x" }],
])("parsePostgresConnection reads %s", (text, expected) => {
  const parsed = parsePostgresConnection(text);
  expect(parsed.ok ? parsed.value : parsed.error).toEqual({ ...plain, ...expected });
});

test.each([
  ["host=db password=geheim", "it names no user"],
  ["user=me password=geheim", "it names no host"],
  ["host=db,,c user=me password=geheim", "it names no host"],
  ["host=a,b port=1,2,3 user=me", "it names 2 hosts and 3 ports; give one port, or one for each host"],
  ["host=db port=x user=me", "its port is no number from 1 to 65535"],
  ["host=db port=65536 user=me", "its port is no number from 1 to 65535"],
  ["host=db user=me sslmode=on", 'sslmode "on" must be one of [disable allow prefer require verify-ca verify-full]'],
  ["host=db user=me connect_timeout=soon", 'connect_timeout "soon" must be a whole number of seconds'],
  ["host=db user=me service=x", '"service" is not supported; give user and password'],
  [
    "geheim",
    'it is neither a URL "postgresql://…" nor pairs "host=db port=5432 …"; put values with spaces in single quotes',
  ],
  [
    "host=db password='geheim user=me",
    'it is neither a URL "postgresql://…" nor pairs "host=db port=5432 …"; put values with spaces in single quotes',
  ],
  ["postgresql://me:ge/heim@db/shop?user=me", "its port is no number from 1 to 65535"],
  ["postgresql://me@a:1:2/shop#[", "its port is no number from 1 to 65535"],
  ["postgresql://me:geheim%zz@db/shop", 'it has a "%" that begins no %XX'],
])("parsePostgresConnection refuses %s without quoting it", (text, expected) => {
  const parsed = parsePostgresConnection(text);
  expect(parsed).toEqual({ ok: false, error: expected });
  expect(expected).not.toContain("geheim");
});

test.each<[string, (string | undefined)[]]>([
  ["sslmode=disable", [undefined]],
  ["sslmode=allow", [undefined, "nothing"]],
  ["sslmode=prefer", ["nothing", undefined]],
  ["", ["nothing", undefined]],
  ["sslmode=require", ["nothing"]],
  ["sslmode=require sslrootcert=/ca", ["issuer"]],
  ["sslmode=verify-ca", ["issuer"]],
  ["sslmode=verify-full", ["issuer and name"]],
  ["sslmode=verify-full host=/run/pg", [undefined]],
])("connectionAttempts: %s", (text, expected) => {
  const parsed = parsePostgresConnection(`host=db user=me ${text}`);
  expect(parsed.ok && connectionAttempts(parsed.value).map(({ tls }) => tls)).toEqual(expected);
});

test("connectionAttempts tries each way of a host before the next host", () => {
  const parsed = parsePostgresConnection("host=a,b user=me");
  expect(parsed.ok && connectionAttempts(parsed.value).map(({ host }) => host)).toEqual(["a", "a", "b", "b"]);
});

test.each([
  ["28P01", true, true],
  ["3D000", true, true],
  ["42501", true, true],
  ["28000", false, true],
  ["57P03", false, false],
  [undefined, false, false],
] as const)("isFinalAnswer: %s is %s without TLS and %s with it", (state, without, withTls) => {
  const attempt = { host: "db", port: 1 };
  expect(isFinalAnswer(state, { ...attempt, tls: undefined })).toBe(without);
  expect(isFinalAnswer(state, { ...attempt, tls: "nothing" })).toBe(withTls);
});
