import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * Answers the built-in queries for every workload of the fleet as a Prometheus behind a mesh would: one series for each
 * workload when the query groups by workload, else one. What it measures is the asker, so the figures are always good.
 */
export interface MeshMetrics {
  readonly url: string;
  /** Queries that came so far. */
  queryCount(): number;
  close(): Promise<void>;
}

export async function startMeshMetrics(
  workloads: readonly { namespace: string; name: string }[],
): Promise<MeshMetrics> {
  let count = 0;
  const answers = new Map<string, string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      const query =
        form.get("query") ?? new URL(request.url ?? "/", "http://localhost").searchParams.get("query") ?? "";
      if (query !== "vector(1)") count++;
      response.writeHead(200, { "content-type": "application/json" }).end(answer(query));
    });
  });

  function answer(query: string): string {
    const value = query.includes("histogram_quantile")
      ? "12"
      : query.includes("* 100")
        ? "100"
        : query === "vector(1)"
          ? "1"
          : "1000";
    const groups = /by\s*\(([^)]*destination_workload_namespace[^)]*)\)/.test(query);
    const key = `${groups} ${value}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const of = (metric: object) => ({ metric, value: [0, value] });
    const result = groups
      ? workloads.flatMap(({ namespace, name }) =>
          [name, `${name}-primary`].map((workload) =>
            of({ destination_workload_namespace: namespace, destination_workload: workload }),
          ),
        )
      : [of({})];
    const text = JSON.stringify({ status: "success", data: { resultType: "vector", result } });
    answers.set(key, text);
    return text;
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    queryCount: () => count,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
