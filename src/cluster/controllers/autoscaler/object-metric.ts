import type { MetricSpec } from "#api";
import { Failure } from "#base";
import type { MetricSource } from "./metric-source.ts";
import { proposeByValue } from "./propose-by-value.ts";

/** A metric of one object, a Service or an Ingress for example, that tells how much the pods behind it have to do. */
export const objectMetric: MetricSource = {
  type: "Object",
  failureReason: "FailedGetObjectMetric",
  failureOf: () => "failed to get object metric value",
  async propose(spec, context) {
    const { metric, describedObject, target } = requireObject(spec);
    const { namespace } = context;
    const usage = await context.reader
      .object({ namespace, object: describedObject, metric })
      .catch((cause: unknown): never => {
        const on = `${describedObject.kind} ${namespace}/${describedObject.name}`;
        throw new Failure(`unable to get metric ${metric.name} on ${on}`, {
          code: "NoMetrics",
          retryable: true,
          cause,
        });
      });
    const { replicas, current } = proposeByValue(usage, target, context);
    return {
      replicas,
      name: `${describedObject.kind} metric ${metric.name}`,
      current: { type: "Object", object: { describedObject, metric, current } },
    };
  },
};

function requireObject(spec: MetricSpec): NonNullable<MetricSpec["object"]> {
  if (spec.object !== undefined) return spec.object;
  throw new Failure('a metric of type "Object" needs the field "object"', { code: "InvalidMetric" });
}
