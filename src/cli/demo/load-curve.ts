/** How the demo's visitors come and go: shapes of days and campaigns, in minutes. */

export const LOAD_SHAPES = ["ramp", "spike", "diurnal"] as const;
export type LoadShape = (typeof LOAD_SHAPES)[number];

/** What the quiet hours have of the peak. */
const BASE_SHARE = 0.3;
const RAMP_FROM_MS = 12_000;
const RAMP_MS = 60_000;
const SPIKE_FROM_MS = 35_000;
/** A spike that no pod could be started for in time would show the app's limit and nothing of the release. */
const SPIKE_RISE_MS = 20_000;
const SPIKE_HOLD_MS = 30_000;
const DAY_MS = 120_000;
/** After so long each shape has shown what it has to show. */
export const CURVE_MS = DAY_MS;

/** Requests per second at each moment since the load began. */
export type LoadCurve = (elapsedMs: number) => number;

/** A load that stays as it is. */
export function steadyLoad(requestsPerSecond: number): LoadCurve {
  return () => requestsPerSecond;
}

/**
 * A load that changes: `ramp` grows from the base to the peak in a minute and stays; `spike` is at its peak for
 * half a minute; `diurnal` is a day of two minutes, beginning at night.
 */
export function loadCurve(shape: LoadShape, peakPerSecond: number): LoadCurve {
  const share = shares[shape];
  return (elapsedMs) => peakPerSecond * (BASE_SHARE + (1 - BASE_SHARE) * share(elapsedMs));
}

/** How far from the base to the peak, 0 to 1. */
const shares: Readonly<Record<LoadShape, LoadCurve>> = {
  ramp: (ms) => between01((ms - RAMP_FROM_MS) / RAMP_MS),
  spike: (ms) =>
    Math.min(
      between01((ms - SPIKE_FROM_MS) / SPIKE_RISE_MS),
      between01((SPIKE_FROM_MS + 2 * SPIKE_RISE_MS + SPIKE_HOLD_MS - ms) / SPIKE_RISE_MS),
    ),
  diurnal: (ms) => (1 - Math.cos((2 * Math.PI * ms) / DAY_MS)) / 2,
};

function between01(value: number): number {
  return Math.min(1, Math.max(0, value));
}
