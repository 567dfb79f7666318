import type { Outcome, Sample } from "./scenario.ts";

/** One panel of a picture: an outcome under a title. */
export interface Panel {
  readonly title: string;
  readonly outcome: Outcome;
}

const PANEL_WIDTH = 420;
const PANEL_HEIGHT = 250;
const LEFT = 40;
const RIGHT = 34;
const TOP = 34;
const BOTTOM = 26;
const COLUMN_COUNT = 2;

/** A line of a panel, against the axis of pods on the left or of percent on the right. */
interface Line {
  readonly name: string;
  readonly colour: string;
  readonly axis: "pods" | "percent";
  readonly of: (sample: Sample) => number;
  readonly isDashed?: boolean;
}

const lines: readonly Line[] = [
  { name: "ready pods of the primary", colour: "#2563a8", axis: "pods", of: (sample) => sample.primaryReadyCount },
  { name: "ready pods of the canary", colour: "#d98e04", axis: "pods", of: (sample) => sample.canaryReadyCount },
  {
    name: "weight of the canary, %",
    colour: "#6b7280",
    axis: "percent",
    of: (sample) => sample.canaryWeight,
    isDashed: true,
  },
];
const OVERLOAD_COLOUR = "#c22f2f";

/**
 * Draws outcomes as an SVG document, two panels a row: pods of both copies, the canary's weight, and in red the share of the
 * requests that was more than ready pods could serve.
 */
export function plotSvg(panels: readonly Panel[]): string {
  const rowCount = Math.ceil(panels.length / COLUMN_COUNT);
  const width = PANEL_WIDTH * Math.min(COLUMN_COUNT, panels.length);
  const height = PANEL_HEIGHT * rowCount + 26;
  const drawn = panels.map((panel, index) => {
    const x = (index % COLUMN_COUNT) * PANEL_WIDTH;
    const y = Math.floor(index / COLUMN_COUNT) * PANEL_HEIGHT;
    return `<g transform="translate(${x} ${y})">${drawPanel(panel)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="10" fill="#374151">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    legend(PANEL_HEIGHT * rowCount + 14),
    "</svg>",
    "",
  ].join("\n");
}

function drawPanel({ title, outcome: { samples, overloadedCount } }: Panel): string {
  const endMs = Math.max(1, samples.at(-1)?.atMs ?? 1);
  const podMax = Math.max(1, ...samples.flatMap((sample) => [sample.primaryReadyCount, sample.canaryReadyCount]));
  const x = (atMs: number): number => LEFT + (atMs / endMs) * (PANEL_WIDTH - LEFT - RIGHT);
  const y = (share: number): number => PANEL_HEIGHT - BOTTOM - share * (PANEL_HEIGHT - TOP - BOTTOM);
  const scales = { pods: podMax * 1.1, percent: 100 };
  const paths = lines.map(({ colour, axis, of, isDashed }) => {
    const points = samples.map((sample) => ({ x: x(sample.atMs), y: y(of(sample) / scales[axis]) }));
    const dash = isDashed === true ? ' stroke-dasharray="4 3"' : "";
    return `<path d="${stepPath(points)}" fill="none" stroke="${colour}" stroke-width="1.4"${dash}/>`;
  });
  return [
    `<text x="${LEFT}" y="16" font-size="12" fill="#111827">${escaped(title)}</text>`,
    `<text x="${LEFT}" y="28">requests beyond capacity: ${overloadedCount}</text>`,
    overloadArea(samples, x, y),
    ...paths,
    axes(scales.pods, endMs, { x, y }),
  ].join("");
}

/** The share of the requests that nobody could serve, as an area from the bottom. */
function overloadArea(samples: readonly Sample[], x: (atMs: number) => number, y: (share: number) => number): string {
  const points = samples.map(({ atMs, overloadedRate, rate }) => ({
    x: x(atMs),
    y: y(rate === 0 ? 0 : overloadedRate / rate),
  }));
  if (samples.every(({ overloadedRate }) => overloadedRate === 0)) return "";
  return `<path d="${stepPath(points)} V${fixed(y(0))} H${fixed(x(0))} Z" fill="${OVERLOAD_COLOUR}" opacity="0.75"/>`;
}

function axes(podMax: number, endMs: number, at: { x: (ms: number) => number; y: (share: number) => number }): string {
  const { x, y } = at;
  const minutes = Math.round(endMs / 60_000);
  const parts = [`<path d="M${LEFT} ${TOP} V${y(0)} H${x(endMs)} V${TOP}" fill="none" stroke="#9ca3af"/>`];
  for (const share of [0, 0.5, 1]) {
    parts.push(
      `<text x="${LEFT - 5}" y="${fixed(y(share) + 3)}" text-anchor="end">${Math.round(podMax * share)}</text>`,
    );
    parts.push(`<text x="${x(endMs) + 4}" y="${fixed(y(share) + 3)}">${100 * share}%</text>`);
  }
  for (const share of [0, 0.5, 1]) {
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    parts.push(
      `<text x="${fixed(x(endMs * share))}" y="${PANEL_HEIGHT - BOTTOM + 13}" text-anchor="${anchor}">${Math.round(minutes * share)} min</text>`,
    );
  }
  return parts.join("");
}

function legend(y: number): string {
  const entries = [...lines, { name: "share of the requests beyond capacity", colour: OVERLOAD_COLOUR }];
  return entries
    .map(({ name, colour }, index) => {
      const x = LEFT + index * 195;
      return `<rect x="${x}" y="${y - 8}" width="9" height="9" fill="${colour}"/><text x="${x + 13}" y="${y}">${escaped(name)}</text>`;
    })
    .join("");
}

/** A line that keeps its value until the next one. */
function stepPath(points: readonly { readonly x: number; readonly y: number }[]): string {
  let lastY: number | undefined;
  return points
    .map((point, index) => {
      const isSame = lastY !== undefined && Math.abs(point.y - lastY) < 0.01 && index < points.length - 1;
      lastY = point.y;
      if (index === 0) return `M${fixed(point.x)} ${fixed(point.y)}`;
      return isSame ? "" : `H${fixed(point.x)} V${fixed(point.y)}`;
    })
    .filter((part) => part !== "")
    .join(" ");
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
