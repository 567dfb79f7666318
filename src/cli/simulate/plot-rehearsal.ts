import type { Rehearsal, RehearsedCase, Verdict } from "#simulator";

const WIDTH = 720;
const HEIGHT = 320;
const LEFT = 46;
const RIGHT = 16;
const TOP = 18;
const AXIS = 34;
const LINE_HEIGHT = 15;
const MINUTE_MS = 60_000;
const HEALTHY_COLOUR = "#111827";
const COLOURS = ["#c22f2f", "#2563a8", "#d98e04", "#2f855a", "#7c3aed", "#0e7490"] as const;
/** Whole minutes between marks, of which the first is taken that needs no more marks than these. */
const MARK_MINUTES = [1, 2, 5, 10, 20, 30, 60] as const;
const MARKS_MAX = 8;

/**
 * Draws by when which share of the releases had been rolled back, a line for each kind; of the healthy one, dashed, by when it had
 * been promoted.
 */
export function plotRehearsal({ cases }: Rehearsal): string {
  const lastMs = Math.max(MINUTE_MS, ...cases.flatMap(({ trials }) => trials.map(({ endedMs }) => endedMs)));
  const markMs = markOf(lastMs);
  const endMs = Math.ceil(lastMs / markMs) * markMs;
  const height = HEIGHT + cases.length * LINE_HEIGHT + 14;
  const x = (atMs: number): number => LEFT + (atMs / endMs) * (WIDTH - LEFT - RIGHT);
  const y = (share: number): number => HEIGHT - AXIS - share * (HEIGHT - TOP - AXIS);
  const drawn = linesOf(cases).map((line, index) => {
    const labelY = HEIGHT + 8 + index * LINE_HEIGHT;
    const dash = line.isDashed ? ' stroke-dasharray="5 4"' : "";
    return [
      `<path d="${curve(line, { x, y }, endMs)}" fill="none" stroke="${line.colour}" stroke-width="1.6"${dash}/>`,
      `<line x1="${LEFT}" x2="${LEFT + 24}" y1="${labelY}" y2="${labelY}" stroke="${line.colour}" stroke-width="1.6"${dash}/>`,
      `<text x="${LEFT + 32}" y="${labelY + 4}">${escaped(line.label)}</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#374151">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    axes({ endMs, markMs }, { x, y }),
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

interface Scales {
  readonly x: (atMs: number) => number;
  readonly y: (share: number) => number;
}

interface Line {
  readonly label: string;
  readonly colour: string;
  readonly isDashed: boolean;
  /** When each run ended so, rising. */
  readonly timesMs: readonly number[];
  readonly runCount: number;
}

function linesOf(cases: readonly RehearsedCase[]): Line[] {
  return cases.map((one, index) => {
    const ended: Verdict = one.isHealthy ? "promoted" : "rolled-back";
    return {
      label: one.isHealthy ? "healthy: promoted" : `${one.name}: rolled back`,
      colour: one.isHealthy ? HEALTHY_COLOUR : (COLOURS[(index - 1) % COLOURS.length] ?? HEALTHY_COLOUR),
      isDashed: one.isHealthy,
      timesMs: one.trials
        .filter(({ verdict }) => verdict === ended)
        .map(({ endedMs }) => endedMs)
        .toSorted((a, b) => a - b),
      runCount: one.trials.length,
    };
  });
}

function curve({ timesMs, runCount }: Line, { x, y }: Scales, endMs: number): string {
  const parts = [`M${x(0)} ${y(0)}`];
  timesMs.forEach((atMs, index) => {
    // Runs that end together make one step.
    if (timesMs[index + 1] === atMs) return;
    parts.push(`H${round(x(atMs))}`, `V${round(y((index + 1) / runCount))}`);
  });
  parts.push(`H${round(x(endMs))}`);
  return parts.join("");
}

function markOf(lastMs: number): number {
  const minutes = MARK_MINUTES.find((mark) => lastMs <= mark * MINUTE_MS * MARKS_MAX) ?? MARK_MINUTES.at(-1);
  return (minutes ?? 1) * MINUTE_MS;
}

function axes(of: { readonly endMs: number; readonly markMs: number }, { x, y }: Scales): string {
  const percents = [0, 25, 50, 75, 100].map((percent) => {
    const at = round(y(percent / 100));
    return `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#e5e7eb"/><text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${percent}%</text>`;
  });
  const minutes = Array.from({ length: of.endMs / of.markMs + 1 }, (_, index) => {
    const atMs = index * of.markMs;
    return `<text x="${round(x(atMs))}" y="${HEIGHT - AXIS + 16}" text-anchor="middle">${atMs / MINUTE_MS}</text>`;
  });
  const caption = `<text x="${WIDTH - RIGHT}" y="${HEIGHT - 4}" text-anchor="end">minutes after the canary's first request</text>`;
  return [...percents, ...minutes, caption].join("");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
