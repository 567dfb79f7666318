import type { Log, LogFields } from "#base";

/** A log of JSON lines on a stream; debug lines only when asked for. */
export function createStreamLog(
  stream: NodeJS.WritableStream,
  options: { readonly isVerbose: boolean },
  fixed: LogFields = {},
): Log {
  const writer =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      stream.write(`${JSON.stringify({ level, time: new Date().toISOString(), msg: message, ...fixed, ...fields })}\n`);
    };
  return {
    debug: options.isVerbose ? writer("debug") : () => undefined,
    info: writer("info"),
    warn: writer("warn"),
    error: writer("error"),
    with: (fields) => createStreamLog(stream, options, { ...fixed, ...fields }),
  };
}
