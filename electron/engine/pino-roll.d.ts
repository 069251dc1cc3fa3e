/** What is used of pino-roll, which carries no types of its own. */
declare module "pino-roll" {
  interface RollOptions {
    file: string;
    extension?: string;
    /** Bytes, or for example "5m". */
    size?: string | number;
    limit?: { count: number; removeOtherLogFiles?: boolean };
    mode?: number;
    sync?: boolean;
  }

  interface RollingStream {
    write(text: string): boolean;
    end(): void;
    once(event: "close", listener: () => void): void;
    on(event: "error", listener: (error: Error) => void): void;
  }

  export default function buildRollingStream(options: RollOptions): Promise<RollingStream>;
}
