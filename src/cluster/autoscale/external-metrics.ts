import type { ScaledObject } from "#api";
import { Failure, messageOf } from "#base";
import type { ExternalMetricsSource } from "../metric-apis.ts";
import { NAME_LABEL } from "./plan/generate-hpa.ts";
import { readPause } from "./plan/pause.ts";
import { queryMetric, type ReadPorts } from "./read-triggers.ts";
import { identityOf, type Session } from "./session.ts";

export interface ExternalMetricsPorts extends ReadPorts {
  readonly object: (key: { readonly namespace: string; readonly name: string }) => ScaledObject | undefined;
  readonly session: (object: ScaledObject) => Session | undefined;
}

/**
 * Values of triggers as metrics that belong to no object: the label says whose, the name which. A question without the label is
 * left to others, since this cluster, unlike one with KEDA, has more than one such source. Source: keda-hpa-spec 17.
 */
export function createExternalMetrics(ports: ExternalMetricsPorts): ExternalMetricsSource {
  return {
    async list({ namespace, name, selector }) {
      const owner = selector.matchLabels?.[NAME_LABEL];
      if (owner === undefined) return undefined;
      const session = sessionOf(ports, { namespace, name: owner });
      const values = await queryMetric(session, name, ports);
      // What the reading tells about health must not keep the autoscaler waiting.
      session.status.save().catch((thrown: unknown) => {
        const error = messageOf(thrown);
        ports.log.debug("the health of a ScaledObject could not be written", { ...identityOf(session.object), error });
      });
      const timestampMs = ports.clock.nowMs();
      return values.map((value) => ({ labels: { [NAME_LABEL]: owner }, value, timestampMs }));
    },
  };
}

function sessionOf(ports: ExternalMetricsPorts, key: { readonly namespace: string; readonly name: string }): Session {
  const object = ports.object(key);
  const where = `ScaledObject "${key.namespace}/${key.name}"`;
  if (object === undefined) throw new Failure(`${where} not found`, { code: "NoMetrics", retryable: true });
  const session = ports.session(object);
  if (session !== undefined) return session;
  const why = readPause(object.metadata.annotations).isPaused ? "is paused" : "is not ready, see its conditions";
  throw new Failure(`${where} ${why}`, { code: "NoMetrics", retryable: true });
}
