import { err, ok, type Result } from "./result.ts";

const FACTOR: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * Parses a Kubernetes quantity (`100m`, `64Mi`, `1.5`, `2e3`) into its plain number: cores, bytes or a count.
 *
 * Source: apimachinery `resource.ParseQuantity`. Values above 2^53 lose precision, which no use of ours notices.
 */
export function parseQuantity(text: string | number): Result<number, string> {
  const match = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:[eE]([+-]?\d+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)$/.exec(
    String(text),
  );
  if (match === null) {
    return err(
      `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$', received "${text}"`,
    );
  }
  const exponent = match[2] === undefined ? 0 : Number(match[2]);
  return ok(Number(match[1]) * 10 ** exponent * (FACTOR[match[3] ?? ""] ?? 1));
}

/** Writes cores as Kubernetes does: whole cores plain (`2`), anything else in millicores, rounded up (`1500m`). */
export function formatCores(cores: number): string {
  const milli = Math.ceil(cores * 1000 - 1e-9);
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}

/** Writes bytes in the largest binary unit that divides them: `64Mi`, `1536Ki`, `1000`. */
export function formatBytes(bytes: number): string {
  const whole = Math.ceil(bytes);
  for (const unit of ["Ei", "Pi", "Ti", "Gi", "Mi", "Ki"]) {
    const factor = FACTOR[unit] ?? 1;
    if (whole >= factor && whole % factor === 0) return `${whole / factor}${unit}`;
  }
  return String(whole);
}
