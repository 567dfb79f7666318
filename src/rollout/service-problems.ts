import type { Canary } from "#api";
import { type Problem, parseDuration } from "#base";
import { namesOf } from "./names.ts";

/** Source: Kubernetes API conventions, DNS-1035 labels; the copies' names are longer by `-primary`. */
const SERVICE_NAME = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const MAX_SERVICE_NAME_LENGTH = 63 - "-primary".length;
/** Source: Kubernetes, `validation.IsValidPortName` (IANA service names) and DNS-1123 labels for ports of Services. */
const TARGET_PORT_NAME = /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/;
const PORT_NAME = /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** What is wrong with `spec.service`, whatever the provider: the API server would refuse the objects that it asks for. */
export function serviceProblems(canary: Canary): Problem[] {
  const { service } = canary.spec;
  const problems: Problem[] = [];
  const add = (field: string, message: string, fix: string): void =>
    void problems.push({ path: `spec.service.${field}`, code: "invalid-value", message, fix });
  const received = (value: unknown): string => `received ${JSON.stringify(value)}`;
  const { port, targetPort, portName, retries } = service ?? {};
  if (!isPort(port)) add("port", `must be a port, ${received(port)}`, "write a number from 1 to 65535");
  if (typeof targetPort === "number" && !isPort(targetPort))
    add("targetPort", `must be a port, ${received(targetPort)}`, "write a number from 1 to 65535, or a port's name");
  if (typeof targetPort === "string" && targetPort !== "" && !TARGET_PORT_NAME.test(targetPort))
    add(
      "targetPort",
      `must be a port, ${received(targetPort)}`,
      "write a number without quotes, or the name of a container's port",
    );
  if (portName !== undefined && portName !== "" && !PORT_NAME.test(portName))
    add(
      "portName",
      `must be a name of small letters, digits and hyphens, ${received(portName)}`,
      "write one such as http",
    );
  const hasHosts = (service?.hosts?.length ?? 0) > 0 || (service?.gateways?.length ?? 0) > 0;
  if (service?.delegation === true && hasHosts)
    add(
      "delegation",
      "a delegate VirtualService cannot have hosts and gateways when delegation is enabled",
      "remove hosts and gateways, or delegation",
    );
  if (retries?.attempts !== undefined && retries.attempts < 0)
    add("retries.attempts", `must not be negative, ${received(retries.attempts)}`, "write 0 for no retries");
  const durations = {
    timeout: service?.timeout,
    backendTimeout: service?.backendTimeout,
    "retries.perTryTimeout": retries?.perTryTimeout,
  };
  for (const [field, text] of Object.entries(durations)) {
    if (text === undefined || text === "") continue;
    const parsed = typeof text === "string" ? parseDuration(text) : undefined;
    if (parsed?.ok !== true || parsed.value < 0)
      add(field, `must be a duration, ${received(text)}`, "write one such as 30s or 1m");
  }
  return [...problems, ...nameProblems(canary)];
}

function nameProblems(canary: Canary): Problem[] {
  const { apexService: name } = namesOf(canary);
  if (SERVICE_NAME.test(name) && name.length <= MAX_SERVICE_NAME_LENGTH) return [];
  const isOwn = (canary.spec.service?.name ?? "") !== "";
  return [
    {
      path: isOwn ? "spec.service.name" : "spec.targetRef.name",
      code: "invalid-value",
      message: `gives the Services "${name}", "${name}-primary" and "${name}-canary", which are no names of Services`,
      fix: `set spec.service.name to at most ${MAX_SERVICE_NAME_LENGTH} small letters, digits and hyphens, with a letter first`,
    },
  ];
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 65_535;
}
