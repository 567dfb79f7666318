import type { Canary } from "#api";
import type { Command } from "#rollout";
import { type Alert, alertFields, type AlertLookups } from "./alerts/index.ts";
import type { OperatorContext } from "./operator-context.ts";

/** Makes the message for people from what a decision says. Source: flagger-spec 7. */
export function alertOf(command: Extract<Command, { kind: "alert" }>, canary: Canary): Alert {
  const { severity, message, hasMetadata, isTerminal, reason } = command;
  const fields = hasMetadata ? alertFields(canary) : [];
  return { canary, severity, message, isTerminal, fields, ...(reason === undefined ? {} : { reason }) };
}

/** Where receivers of alerts and their secrets are found. */
export function alertLookups({ views, settings }: Pick<OperatorContext, "views" | "settings">): AlertLookups {
  return {
    provider: (key) => views.alertProviders.get(key),
    secret: (key) => views.secrets.get(key),
    allowsCrossNamespace: !settings.forbidsForeignNamespaces,
  };
}
