import { parseDuration } from "#base";

/**
 * Tells whether a text has the named format. A format that is not known accepts everything, as on the real server.
 *
 * Source: kube-openapi `strfmt` and the list of formats that structural schemas support.
 */
export function hasFormat(format: string, value: string): boolean {
  const test = FORMATS.get(format);
  return test === undefined || test(value);
}

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
/** Without groups of four: their repeat would exhaust the stack on a text of some megabytes. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const HOST_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

const FORMATS: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ["date-time", isDateTime],
  ["date", (value: string) => isDateTime(`${value}T00:00:00Z`)],
  ["duration", (value: string) => parseDuration(value.replaceAll(" ", "")).ok],
  ["uuid", (value: string) => UUID.test(value)],
  ["byte", (value: string) => value.length % 4 === 0 && BASE64.test(value)],
  ["ipv4", isIpv4],
  ["ipv6", isIpv6],
  ["ip", (value: string) => isIpv4(value) || isIpv6(value)],
  ["cidr", isCidr],
  ["hostname", isHostname],
  ["email", (value: string) => /^[^@\s]+@[^@\s]+$/.test(value)],
  ["uri", (value: string) => /^(?:[A-Za-z][A-Za-z0-9+.-]*:|\/)[^\s]*$/.test(value)],
  ["mac", (value: string) => /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i.test(value)],
]);

function isDateTime(value: string): boolean {
  const match = DATE_TIME.exec(value);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60) return false;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const dayCount = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
  return day >= 1 && day <= dayCount;
}

function isIpv4(value: string): boolean {
  const parts = value.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIpv6(value: string): boolean {
  if (value.length > 45 || !/^[0-9a-fA-F:.]+$/.test(value) || !value.includes(":")) return false;
  const halves = value.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  const last = groups.at(-1) ?? "";
  const tailCount = isIpv4(last) ? 2 : 1;
  const hex = tailCount === 2 ? groups.slice(0, -1) : groups;
  const groupCount = tailCount === 2 ? hex.length + 2 : hex.length;
  const isComplete = halves.length === 2 ? groupCount < 8 : groupCount === 8;
  return isComplete && hex.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group));
}

function isCidr(value: string): boolean {
  const [address = "", bits = "", ...rest] = value.split("/");
  if (rest.length > 0 || !/^\d{1,3}$/.test(bits)) return false;
  return (isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128);
}

function isHostname(value: string): boolean {
  return (
    value.length <= 255 &&
    value
      .replace(/\.$/, "")
      .split(".")
      .every((label) => HOST_LABEL.test(label))
  );
}
