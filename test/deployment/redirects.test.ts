import { describe, expect, it } from "vitest";
import { bodyOf, collectInto, startDeployment } from "./support/rig.ts";
import { startWebServer } from "./support/servers.ts";

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])(
    "%d is not followed: neither picture nor token reaches another place",
    async (status) => {
      const elsewhere = await startWebServer((_seen, response) => response.end("<html>"));
      const server = await startWebServer((_seen, response) => {
        response.writeHead(status, { location: `${elsewhere.url}/login` }).end();
      });
      const deployment = await startDeployment(server.url);
      expect(await deployment.submit(await bodyOf(), {})).toMatchObject({ kind: "unauthorized", status });
      expect((await collectInto(deployment)).outcome).toMatchObject({ kind: "unauthorized", status });
      expect(await deployment.workflow()).toMatchObject({ failure: { reason: "sign-in-refused", status } });
      expect(server.seen).toHaveLength(3);
      expect(elsewhere.seen).toHaveLength(0);
    },
  );

  it("within the deployment is not followed either", async () => {
    const server = await startWebServer((seen, response) => {
      response.writeHead(307, { location: `${seen.path}&again` }).end();
    });
    const deployment = await startDeployment(server.url);
    expect((await collectInto(deployment)).outcome.kind).toBe("unauthorized");
    expect(server.seen).toHaveLength(1);
  });
});
