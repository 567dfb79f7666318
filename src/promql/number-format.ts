/** Writes a number with all its digits and no exponent, as Go's `FormatFloat(x, 'f', -1, 64)`. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = "", lead = "", fraction = "", exponentText = ""] = match;
  const exponent = Number(exponentText);
  const digits = lead + fraction;
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return sign + digits + "0".repeat(exponent - fraction.length);
}

/**
 * Writes a number as the Prometheus HTTP API does: shortest digits, an exponent (of two digits at least) only below 1e-6
 * and from 1e21 on. Source: Prometheus `util/jsonutil.MarshalFloat`.
 */
export function formatSampleValue(value: number): string {
  if (!Number.isFinite(value) || Object.is(value, -0)) return formatFloat(value);
  return String(value).replace(/e([+-])(\d)$/, "e$10$2");
}

/** Writes the bound or quantile of a label in OpenMetrics form: whole numbers get `.0`. */
export function formatOpenMetricsFloat(value: number): string {
  const text = formatSampleValue(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
