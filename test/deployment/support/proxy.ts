import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";

export interface ConnectProxy {
  host: string;
  /** What was asked for with CONNECT, and with which credentials. */
  asked: { target: string; authorization: string | undefined }[];
  /** Opens the ways that `hold` kept closed, and resolves when their clients have left. */
  open(): Promise<void>;
}

/** A CONNECT proxy on loopback that leads every name to `port` on this machine, or refuses with `status`. */
export async function startProxy(options: {
  port?: number;
  status?: number;
  hold?: boolean;
}): Promise<ConnectProxy> {
  const asked: ConnectProxy["asked"] = [];
  const sockets = new Set<Socket>();
  const opening: (() => void)[] = [];
  const left: Promise<unknown>[] = [];
  const server = createServer();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.on("connect", (request, client) => {
    asked.push({ target: request.url ?? "", authorization: request.headers["proxy-authorization"] });
    const { port } = options;
    if (options.status !== undefined || port === undefined) {
      client.end(`HTTP/1.1 ${options.status ?? 502} Refused\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const held = options.hold === true ? new Promise<void>((resolve) => opening.push(resolve)) : null;
    left.push(once(client, "close"));
    void Promise.resolve(held).then(() => lead(client, port));
  });

  function lead(client: Duplex, port: number): void {
    const upstream = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on("error", () => client.destroy());
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async open() {
      for (const release of opening) release();
      await Promise.all(left);
    },
  };
}
