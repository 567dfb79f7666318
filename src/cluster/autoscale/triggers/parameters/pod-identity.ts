import type { TriggerOptions } from "../trigger.ts";

/**
 * Notes identities of cloud providers: their tokens are issued by clusters of those providers, never by this one. The advice
 * says what to use instead.
 */
export function refusePodIdentity(
  { podIdentity = "", config }: TriggerOptions,
  advice = "give a user name and a password, or certificates",
): void {
  if (podIdentity === "" || podIdentity === "none") return;
  config.mistake(`podIdentity "${podIdentity}" is not executed by the embedded cluster; ${advice}`);
}
