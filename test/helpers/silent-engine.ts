import { chmodSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { inject, onTestFinished } from "vitest";
import { type Engine, uniqueName } from "./engine.ts";

/**
 * Starts a proxy for the same engine that changes only the storage driver in responses, to ZFS,
 * which reports no directories of layers. It runs until the end of the test.
 */
export async function silentAboutLayers(on: Engine): Promise<Engine> {
  const socketPath = `${inject("machine").directory}/${uniqueName("silent")}.sock`;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    keep(client);
    client.once("data", (request) => {
      const engine = keep(connect({ path: on.socket, allowHalfOpen: true }));
      engine.write(request);
      client.pipe(engine);
      // porthole sends one request per connection, in HTTP/1.0.
      if (INSPECTION.test(request.toString("latin1"))) void answerWithout(engine, client);
      else engine.pipe(client);
      client.on("close", () => engine.destroy());
      engine.on("close", () => client.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  chmodSync(socketPath, 0o666);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { ...on, socket: socketPath, host: `unix://${socketPath}` };
}

const INSPECTION = /^GET \/(containers|images)\/\S+\/json HTTP\/1\.0\r\n/;

async function answerWithout(engine: Socket, client: Socket): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of engine) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end).replace(/\r\nContent-Length: \d+/i, "");
  const body = JSON.parse(text.slice(end + 4));
  if (body.GraphDriver !== undefined) body.GraphDriver = { Name: "zfs", Data: null };
  if (body.Storage?.RootFS?.Snapshot !== undefined) body.Storage.RootFS.Snapshot.Name = "zfs";
  client.end(`${head}\r\n\r\n${JSON.stringify(body)}`);
}
