import { formatDuration } from "#base";
import type { JudgedPast, JudgedRelease } from "./judge-past.ts";
import { columns } from "./report.ts";

const WOULD: Readonly<Record<JudgedRelease["replay"]["verdict"], string>> = {
  promoted: "promoted",
  "rolled-back": "rolled back",
  running: "not decided",
};

/** The releases of the past as lines for people. */
export function pastLines({ releases, notes }: JudgedPast, sinceMs: number): string[] {
  const head = ["began (UTC)", "lasted", "requests: canary, primary", "weight", "it was", "Serin would have", "after"];
  const rows = releases.map(({ release, replay }) => {
    const { requests, wasPromoted } = release;
    return [
      timeText(release.beganMs),
      formatDuration(lengthMs(release)),
      `${requests.canary}, ${requests.primary}`,
      weightText(release),
      wasPromoted === undefined ? "?" : wasPromoted ? "promoted" : "not promoted",
      WOULD[replay.verdict],
      formatDuration(replay.endedMs),
    ];
  });
  const sentences = releases.map(
    ({ release, replay }) => `  ${timeText(release.beganMs)}  ${replay.decisions.at(-1)?.sentence ?? ""}`,
  );
  return [
    `Releases of the last ${formatDuration(sinceMs)}: ${releases.length} found`,
    ...notes.map((note) => `  note: ${note}`),
    ...(releases.length === 0
      ? []
      : ["", ...columns([head, ...rows]), "", "Serin's last word on each:", ...sentences, "", ...CAVEATS]),
    "",
  ];
}

const CAVEATS = [
  "Weights are as recorded (measured: taken from the split of requests), whatever Serin would have asked for; the traffic after a",
  "decision is what really happened, not what would have.",
];

/** For programs: times in seconds, moments as text. */
export function pastJson({ releases, notes }: JudgedPast): object {
  return {
    notes,
    weightsAreAsRecorded: true,
    found: releases.map(({ release, replay }) => {
      const { beganMs, requests, weights, weightsFrom, wasPromoted } = release;
      return {
        began: new Date(beganMs).toISOString(),
        seconds: lengthMs(release) / 1000,
        requests,
        weights: { from: weightsFrom, least: Math.min(...weights), most: Math.max(...weights) },
        wasPromoted: wasPromoted ?? null,
        verdict: replay.verdict,
        decided: replay.verdict === "running" ? null : new Date(beganMs + replay.endedMs).toISOString(),
        decidedSeconds: replay.verdict === "running" ? null : replay.endedMs / 1000,
        label: replay.decisions.at(-1)?.label ?? null,
        sentence: replay.decisions.at(-1)?.sentence ?? null,
      };
    }),
  };
}

function lengthMs({ beganMs, ticks }: JudgedRelease["release"]): number {
  return (ticks.at(-1)?.untilMs ?? beganMs) - beganMs;
}

function weightText({ weights, weightsFrom }: JudgedRelease["release"]): string {
  return `${Math.min(...weights)}% to ${Math.max(...weights)}%${weightsFrom === "measured" ? ", measured" : ""}`;
}

function timeText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace("T", " ");
}
