import { drawnPicture } from "./drawn-night.ts";

interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(text?: string): unknown;
}

interface Server {
  middlewares: {
    use(handler: (request: { url?: string }, response: Response, next: () => void) => void): unknown;
  };
}

/** A plugin of the test server that answers the addresses of previews and result files with drawings. */
export function drawnPictures(): { name: string; configureServer(server: Server): void } {
  return {
    name: "drawn-pictures",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const drawn = drawnPicture(request.url ?? "");
        if (drawn === null) {
          next();
          return;
        }
        response.setHeader("content-type", "image/svg+xml");
        response.end(drawn);
      });
    },
  };
}
