import { systemClock } from "#kube";
import type { Screen } from "../output/screen.ts";
import { renderCapacityFrame } from "./capacity-view.ts";
import { decisionLines } from "./decision-lines.ts";
import { type CapacityTotals, createHistory } from "./history.ts";
import type { Load } from "./load.ts";
import type { DemoOptions } from "./options.ts";
import { type Frame, isNews, renderFrame, renderLine } from "./view.ts";
import type { RolloutWatch } from "./watch.ts";

/** Tells a person what the demo does: redrawn in place on a terminal, a line a change elsewhere. */
export interface Reporter {
  /** Lines that stay. */
  say(...lines: readonly string[]): void;
  /** Starts to show the rollout. */
  follow(watch: RolloutWatch, load: Load): void;
  /** Highest weight of the new version seen so far, in percent. */
  maxCanaryWeight(): number;
  /** What it cost in pods and requests, from when the rollout was shown. */
  capacityTotals(): CapacityTotals;
  /** Stops to show the rollout, with a last frame, and writes the summary. */
  end(summary: readonly string[]): void;
  /** Gives the terminal back; harmless twice. */
  finish(): void;
}

const REDRAW_MS = 250;
const DECISIONS_SHOWN = 8;

/** Opens a reporter on a screen. */
export function startReporter(screen: Screen, options: DemoOptions): Reporter {
  const startedMs = systemClock.nowMs();
  let timer: ReturnType<typeof setInterval> | undefined;
  let refresh = (): void => undefined;
  let maxWeight = 0;
  const history = createHistory();

  function stamp(): string {
    return `${((systemClock.nowMs() - startedMs) / 1000).toFixed(1)}s`.padStart(7);
  }

  function follow(watch: RolloutWatch, load: Load): void {
    const fault = options.fault === undefined ? "" : `, fault ${options.fault.setting}`;
    const shape = options.load === undefined ? "" : `, load ${options.load}`;
    let before: Frame | undefined;
    // By identity, not by position: a repeated event moves to the end of the list.
    const said = new Set(watch.decisions().map(({ id }) => id));
    refresh = () => {
      const lines = decisionLines(watch.decisions());
      const snapshot = watch.snapshot();
      maxWeight = Math.max(maxWeight, snapshot.weightPercent);
      const frame: Frame = {
        title: `Rollout of canary-app${shape}${fault}`,
        elapsedMs: systemClock.nowMs() - startedMs,
        snapshot,
        load: load.counts(),
        decisions: lines
          .slice(-DECISIONS_SHOWN)
          .map(({ time, mark, text }) => `${time.slice(11, 19)} ${mark === "warning" ? "! " : ""}${text}`),
      };
      history.add(frame);
      if (screen.isTerminal) {
        const width = screen.width();
        screen.draw(
          options.load === undefined ? renderFrame(frame, width) : renderCapacityFrame(frame, history.columns(), width),
        );
        return;
      }
      for (const { id, mark, text } of lines.filter((line) => !said.has(line.id))) {
        said.add(id);
        screen.print(`${stamp()} | ${mark} | ${text}`);
      }
      if (isNews(before, frame)) screen.print(renderLine(frame));
      before = frame;
    };
    timer = setInterval(refresh, REDRAW_MS);
    refresh();
  }

  function finish(): void {
    clearInterval(timer);
    timer = undefined;
    screen.finish();
  }

  return {
    say: (...lines) =>
      screen.print(...lines.map((line) => (line === "" || line.startsWith(" ") ? line : `${stamp()} | ${line}`))),
    follow,
    maxCanaryWeight: () => maxWeight,
    capacityTotals: () => history.totals(),
    end(summary) {
      refresh();
      finish();
      screen.print(...summary);
    },
    finish,
  };
}
