/** A part of the terminal that is drawn again in place. Writes plain lines when the stream is no terminal. */
export interface Screen {
  readonly isTerminal: boolean;
  /** Columns of the terminal. */
  width(): number;
  /** Replaces what was drawn before; only on a terminal. */
  draw(lines: readonly string[]): void;
  /** Writes lines that stay, above what is drawn next. */
  print(...lines: readonly string[]): void;
  /** Leaves the last drawing where it is and gives the cursor back. */
  finish(): void;
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
/** Synchronized output: the terminal shows the frame whole. Terminals that do not know it ignore it. */
const BEGIN_FRAME = "\u001b[?2026h";
const END_FRAME = "\u001b[?2026l";
const CLEAR_LINE = "\u001b[2K";
const CLEAR_BELOW = "\u001b[0J";

/** Opens a screen on a stream. */
export function openScreen(stream: NodeJS.WriteStream, env: Readonly<Record<string, string | undefined>>): Screen {
  const isTerminal = stream.isTTY === true && env.TERM !== "dumb" && env.CI === undefined;
  let drawnCount = 0;

  function backToTop(): string {
    return drawnCount === 0 ? "" : `\u001b[${drawnCount}A\r`;
  }

  return {
    isTerminal,
    width: () => Math.max(40, stream.columns ?? 80),
    draw(lines) {
      if (!isTerminal) return;
      // A frame higher than the terminal would scroll and could not be redrawn in place.
      const shown = lines.slice(0, Math.max(1, (stream.rows ?? 24) - 1));
      const body = shown.map((line) => `${CLEAR_LINE}${line}\n`).join("");
      stream.write(`${BEGIN_FRAME}${HIDE_CURSOR}${backToTop()}${body}${CLEAR_BELOW}${END_FRAME}`);
      drawnCount = shown.length;
    },
    print(...lines) {
      stream.write(`${backToTop()}${drawnCount === 0 ? "" : CLEAR_BELOW}${lines.map((line) => `${line}\n`).join("")}`);
      drawnCount = 0;
    },
    finish() {
      if (isTerminal) stream.write(SHOW_CURSOR);
      drawnCount = 0;
    },
  };
}
