import type { CanaryStatus } from "#api";
import { canonicalJson } from "#base";
import type { AffinityCookies, Command } from "./decision.ts";
import type { Situation } from "./situation.ts";

/** Cookies of the status, and the commands with theirs. */
export interface WithCookies {
  readonly status: CanaryStatus;
  readonly commands: readonly Command[];
}

/**
 * Gives routes and status the cookies of the run. They are made with the first weight and taken back with the last.
 *
 * Nothing is pinned to a copy that gets no traffic now: a cookie would lead past the weights. Source: flagger-spec 4.1.4;
 * unlike Flagger's, the primary's cookie is one of the run, too.
 */
export function withCookies(s: Situation, status: CanaryStatus, commands: readonly Command[]): WithCookies {
  const { affinity, hasRoutes, strategy } = s.settings;
  if (affinity === undefined || !hasRoutes || strategy.kind === "ab-testing") return { status, commands };
  const after = status.canaryWeight > 0 ? duringRun(s, affinity, status) : afterRun(status);
  return {
    status: after,
    commands: commands.map((command) => {
      if (command.kind !== "set-routes") return command;
      const cookies = cookiesOf(after, command.canaryWeight, (s.primary?.readyCount ?? 0) > 0);
      return cookies === undefined ? command : { ...command, cookies };
    }),
  };
}

function duringRun(
  s: Situation,
  names: { readonly cookieName: string; readonly primaryCookieName?: string },
  status: CanaryStatus,
): CanaryStatus {
  const { cookieName, primaryCookieName } = names;
  const revision = [s.canary.metadata.uid ?? s.names.canaryRef, status.lastAppliedSpec, status.trackedConfigs ?? {}];
  const made = (name: string, old: string | undefined): string =>
    // A run that Flagger began goes on with its cookie.
    old?.startsWith(`${name}=`) === true ? old : `${name}=${cookieValue(canonicalJson([...revision, name]))}`;
  return {
    ...status,
    sessionAffinityCookie: made(cookieName, status.sessionAffinityCookie),
    ...(primaryCookieName === undefined
      ? {}
      : { primarySessionAffinityCookie: made(primaryCookieName, status.primarySessionAffinityCookie) }),
  };
}

function afterRun(status: CanaryStatus): CanaryStatus {
  const { sessionAffinityCookie, primarySessionAffinityCookie: _, ...rest } = status;
  if (sessionAffinityCookie === undefined || sessionAffinityCookie === "") return status;
  return { ...rest, previousSessionAffinityCookie: sessionAffinityCookie };
}

function cookiesOf(status: CanaryStatus, routedWeight: number, hasPrimary: boolean): AffinityCookies | undefined {
  const { sessionAffinityCookie: canary, primarySessionAffinityCookie: primary } = status;
  if (routedWeight > 0 && canary !== undefined && canary !== "")
    return { canary, ...(hasPrimary && primary ? { primary } : {}) };
  const previous = status.previousSessionAffinityCookie;
  return previous === undefined || previous === "" || status.canaryWeight > 0 ? undefined : { previous };
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const VALUE_LENGTH = 10;

/**
 * Ten letters that depend on the text alone, so that a crash between route and status gives the same cookie again.
 *
 * It tells copies apart and is no secret. Source: FNV-1a, 32 bits; http://www.isthe.com/chongo/tech/comp/fnv/.
 */
function cookieValue(text: string): string {
  let value = "";
  for (let index = 0; index < VALUE_LENGTH; index++) {
    let hash = 0x811c9dc5;
    for (const char of `${index}/${text}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
    value += LETTERS[(hash >>> 8) % LETTERS.length] ?? "a";
  }
  return value;
}
