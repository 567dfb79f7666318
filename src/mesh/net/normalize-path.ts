/**
 * Resolves `.` and `..` segments, also when their dots are percent-encoded, so that `/public/../admin` cannot pass a
 * match for `/public`. Other encodings stay as they are.
 *
 * Source: RFC 3986, 5.2.4 and 6.2.2; Istio's default path normalization (BASE).
 */
export function normalizePath(path: string): string {
  if (!path.includes("/.") && !/%2e/i.test(path)) return path;
  const output: string[] = [];
  const segments = path.split("/").slice(1);
  segments.forEach((segment, index) => {
    const decoded = segment.replace(/%2e/gi, ".");
    const isLast = index === segments.length - 1;
    if (decoded === "..") output.pop();
    if (decoded === "." || decoded === "..") {
      if (isLast) output.push("");
    } else output.push(segment);
  });
  return `/${output.join("/")}`;
}
