/** Says on a terminal what is being done, in one line that is written over; an empty text takes it away. */
export function progress(text: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[2K${text.slice(0, Math.max(40, process.stderr.columns ?? 80) - 1)}`);
}
