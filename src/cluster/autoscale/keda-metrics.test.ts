import { expect, test } from "vitest";
import { createKedaMetrics } from "./keda-metrics.ts";

const web = { namespace: "shop", name: "web" };
const labels = { metric: "s0-queue", scaler: "redis", triggerIndex: 0 };
const figures = { ...labels, value: 1.5, latencySeconds: 0.02, isActive: true };
const lines = (text: string): readonly string[] => text.split("\n").filter((line) => !/^(#|$)/.test(line));

test("createKedaMetrics: every figure of a ScaledObject by KEDA's names and labels", () => {
  const metrics = createKedaMetrics();
  metrics.read(web, figures);
  metrics.failed(web, labels);
  metrics.objectFailed(web);
  metrics.paused(web, true);
  metrics.loopStarted(web, 0.25);
  metrics.registered(web, ["redis", "cron", "cron"]);
  const of =
    '{namespace="shop",metric="s0-queue",scaledObject="web",scaler="redis",triggerIndex="0",type="scaledobject"}';
  expect(lines(metrics.text())).toEqual([
    `keda_scaler_metrics_value${of} 1.5`,
    `keda_scaler_metrics_latency_seconds${of} 0.02`,
    `keda_scaler_active${of} 1`,
    `keda_scaler_detail_errors_total${of} 1`,
    'keda_scaled_object_paused{namespace="shop",scaledObject="web"} 1',
    'keda_scaled_object_errors_total{namespace="shop",scaledObject="web"} 1',
    'keda_internal_scale_loop_latency_seconds{namespace="shop",resource="web",type="scaledobject"} 0.25',
    'keda_trigger_registered_total{type="redis"} 1',
    'keda_trigger_registered_total{type="cron"} 2',
    'keda_resource_registered_total{type="scaled_object",namespace="shop"} 1',
  ]);
});

test("createKedaMetrics: what is gone leaves no series, texts are escaped, and a server cannot make series without end", () => {
  const metrics = createKedaMetrics();
  expect(metrics.text()).toBe("");
  metrics.read(web, { ...figures, scaler: 'a"b\\c\nd', value: Number.NaN });
  expect(metrics.text()).toContain('scaler="a\\"b\\\\c\\nd",triggerIndex="0",type="scaledobject"} NaN\n');
  for (let i = 0; i < 1000; i++) metrics.read(web, { ...figures, metric: `m${i}` });
  expect(lines(metrics.text()).filter((line) => line.startsWith("keda_scaler_active"))).toHaveLength(256);
  metrics.keep(web, ["m1"]);
  expect(lines(metrics.text()).filter((line) => line.startsWith("keda_scaler_active"))).toHaveLength(1);
  metrics.forget(web);
  expect(metrics.text()).toBe("");
});
