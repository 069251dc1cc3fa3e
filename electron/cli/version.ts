import packageJson from "../../package.json" with { type: "json" };

/** Nightrun's own version. */
export const { version } = packageJson;
