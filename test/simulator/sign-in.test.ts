import { expect, test } from "vitest";
import { A_STRING, callerOf, matching, picture, requestJwt, runBody, startRig } from "./client.ts";

const UNKNOWN = "0b3f2c9e-0000-4000-8000-000000000001";

test("the token service turns the API token into a JWT, with or without a slash after the deployment's URL", async () => {
  await using rig = await startRig({ jwtSeconds: 7 });
  for (const endpoint of [rig.simulator.url, `${rig.simulator.url}/`]) {
    const answer = await requestJwt(rig.simulator, rig.simulator.token, endpoint);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      expires_in: 7,
      token_type: "Bearer",
      id_token: A_STRING,
    });
  }
});

test("the token service refuses a wrong API token with an errors body, and does not know other deployments", async () => {
  await using rig = await startRig();
  const refused = await requestJwt(rig.simulator, "wrong");
  expect([refused.status, await refused.json()]).toEqual([
    401,
    { errors: [{ code: A_STRING, messages: [A_STRING], metadata: null }] },
  ]);
  const elsewhere = await requestJwt(rig.simulator, rig.simulator.token, "https://other.invalid");
  expect([elsewhere.status, await elsewhere.json()]).toEqual([
    404,
    { errors: [{ code: "not_found", messages: [A_STRING], metadata: null }] },
  ]);
});

test("a missing, wrong or expired JWT is sent to a login page that answers HTML with status 200", async () => {
  await using rig = await startRig({ jwtSeconds: 0.001 });
  const expired = await rig.caller.put(runBody(await picture("red")));
  expect(expired.status).toBe(307);
  for (const headers of [{}, { authorization: "Bearer a.b.c" }]) {
    const bare = await fetch(`${rig.simulator.url}/workflow`, { headers, redirect: "manual" });
    expect([bare.status, bare.headers.get("location")]).toEqual([307, matching(/\/login/)]);
  }
  const followed = await fetch(`${rig.simulator.url}/workflow`);
  expect([followed.status, followed.headers.get("content-type")]).toEqual([200, matching(/text\/html/)]);
  expect(rig.simulator.control.stats()).toMatchObject({ accepted: 0, signInRefusals: 4 });
});

test("revoking turns the JWTs of before bad, and a new one is good", async () => {
  await using rig = await startRig();
  rig.simulator.control.revoke();
  expect((await rig.caller.get(UNKNOWN)).status).toBe(307);
  const renewed = await callerOf(rig.simulator);
  expect((await renewed.get(UNKNOWN)).status).toBe(202);
});

test("a JWT that expired does not cost the result it asked for", async () => {
  await using rig = await startRig();
  const uuid = await rig.caller.submit(await picture("red"));
  await rig.simulator.control.until((stats) => stats.finished === 1);
  rig.simulator.control.revoke();
  expect((await rig.caller.get(uuid)).status).toBe(307);
  const renewed = await callerOf(rig.simulator);
  expect((await renewed.get(uuid)).status).toBe(200);
});
