import { expect, test } from "vitest";
import { type MysqlTarget, parseDataSourceName } from "./data-source-name.ts";

const plain: MysqlTarget = {
  place: { host: "db", port: 3306 },
  user: "",
  password: "",
  database: "shop",
  tls: "false",
  connectTimeoutMs: undefined,
  allowsCleartextPasswords: false,
  variables: {},
};

test.each<[string, Partial<MysqlTarget>]>([
  ["tcp(db)/shop", {}],
  ["/shop", { place: { host: "127.0.0.1", port: 3306 } }],
  ["me@tcp(db:7000)/shop", { user: "me", place: { host: "db", port: 7000 } }],
  ["me:p@ss:w/ord?@tcp(db)/shop", { user: "me", password: "p@ss:w/ord?" }],
  ["me:p@tcp([::1]:7000)/shop", { user: "me", password: "p", place: { host: "::1", port: 7000 } }],
  ["me@unix(/run/my.sock)/shop", { user: "me", place: { socketPath: "/run/my.sock" } }],
  ["unix/shop", { place: { socketPath: "/tmp/mysql.sock" } }],
  ["tcp(db)/a%2Fb", { database: "a/b" }],
  ["tcp(db)/shop?tls=true&parseTime=true&timeout=1s", { tls: "true", connectTimeoutMs: 1000 }],
  ["tcp(db)/shop?tls=Skip-Verify", { tls: "skip-verify" }],
  ["tcp(db)/shop?tls=1", { tls: "true" }],
  ["tcp(db)/shop?tls=0", {}],
  ["tcp(db)/shop?allowCleartextPasswords=true", { allowsCleartextPasswords: true }],
  ["tcp(db)/shop?sql_mode=%27ANSI%27", { variables: { sql_mode: "'ANSI'" } }],
])("parseDataSourceName reads %s", (text, expected) => {
  const parsed = parseDataSourceName(text);
  expect(parsed.ok ? parsed.value : parsed.error).toEqual({ ...plain, ...expected });
});

test.each([
  ["me:geheim@tcp(db)", 'it has no "/" before the database; write user:password@tcp(host:3306)/database'],
  ["me:geheim@db:3306/shop", "its network is neither tcp nor unix; write user:password@tcp(host:3306)/database"],
  ["me:geheim@tcp(db:x)/shop", "its port is no number from 1 to 65535"],
  ["me:geheim@tcp(:3306)/shop", "it names no host"],
  ["me:geheim@tcp(db)x/shop", "it has an address that is not in parentheses; write tcp(host:3306)"],
  ["me:geheim@tcp(db)/shop?tls=own", 'tls "own" must be one of [false true skip-verify preferred]'],
  ["me:geheim@tcp(db)/shop?a%20b=geheim", "it has a parameter that is no name of a variable"],
])("parseDataSourceName refuses %s without quoting the password", (text, expected) => {
  expect(parseDataSourceName(text)).toEqual({ ok: false, error: expected });
  expect(expected).not.toContain("geheim");
});

test("parseDataSourceName refuses a timeout that is no duration", () => {
  const parsed = parseDataSourceName("tcp(db)/shop?timeout=soon");
  expect(parsed.ok ? "" : parsed.error).toMatch(/^timeout "soon": /);
});
