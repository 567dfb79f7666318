import { connect, type Socket } from "node:net";

/** A client of NATS for tests: its text protocol is small. One request at a time. */
export class NatsClient {
  readonly #socket: Socket;
  #buffer = "";
  #requestCount = 0;
  #onText: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      this.#buffer += text;
      this.#onText();
    });
    socket.on("error", () => undefined);
  }

  /** Connects and waits for the server's greeting. */
  static async connect(port: number, host = "127.0.0.1"): Promise<NatsClient> {
    const socket = connect(port, host);
    const client = new NatsClient(socket);
    await client.#take(/INFO .*\r\n/);
    socket.write('CONNECT {"verbose":false,"headers":false}\r\nSUB reply.* 1\r\nPING\r\n');
    await client.#take(/PONG\r\n/);
    return client;
  }

  /** Sends a request and gives the JSON of the answer. */
  async request(subject: string, body: unknown = ""): Promise<Record<string, unknown>> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    // An answer that comes too late is not taken for the next one; messages of a stream come with their own subject.
    const reply = `reply.${this.#requestCount++}`;
    this.#socket.write(`PUB ${subject} ${reply} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
    const [, answer = ""] = await this.#take(
      new RegExp(`MSG (?:${reply}|(?!reply)\\S+) 1 +(?:\\S+ +)?\\d+\\r\\n(.*)\\r\\n`),
    );
    const parsed = answer === "" ? {} : (JSON.parse(answer) as Record<string, unknown>);
    if (parsed.error !== undefined) throw new Error(`${subject}: ${JSON.stringify(parsed.error)}`);
    return parsed;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${pattern.source} in "${this.#buffer}"`)), 3000);
      this.#onText = () => {
        const match = pattern.exec(this.#buffer);
        if (match === null) return;
        clearTimeout(timer);
        this.#buffer = this.#buffer.slice(match.index + match[0].length);
        this.#onText = () => undefined;
        resolve(match);
      };
      this.#onText();
    });
  }
}
